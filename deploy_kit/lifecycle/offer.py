"""IndexTTS for somebody who did not choose an engine: what would bring it here, and what that costs on this host."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploy_kit import codec, compat, files
from deploy_kit.compat import needs
from deploy_kit.config.request import Request
from deploy_kit.data import table
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding
from deploy_kit.lifecycle.doctor import wish
from deploy_kit.lifecycle.licence import again
from deploy_kit.run.state import State

_FILE = "offer.json"
_SIZE_CAP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """A model for this host: the command that brings it, bytes to fetch, on disk (image and weights) and of memory,
    the device, how many seconds of computing a second of speech takes, and what would stand in its way."""

    engine: str
    command: tuple[str, ...]
    fetch_bytes: int
    disk_bytes: int
    memory_bytes: int
    device: str
    real_time_factor: float
    obstacles: tuple[Finding, ...] = ()


def offer(request: Request, facts: HostFacts) -> Offer | None:
    """The offer for a host; None where an engine was chosen."""
    if not _open(request):
        return None
    engine = next(iter(table("engines")))
    wanted = replace(request, engine=engine)
    verdict = compat.judge(facts, wish(wanted), port_is_ours=True)
    device = verdict.device
    return Offer(
        engine=engine,
        command=again(engine, request.name, request.target),
        fetch_bytes=needs.fetch_bytes(engine),
        disk_bytes=needs.weights_bytes(engine) + compat.build_bytes(verdict.variant, request.target),
        memory_bytes=needs.memory_load(engine, device),
        device=device,
        real_time_factor=needs.real_time_factor(engine, device),
        obstacles=verdict.blockers,
    )


def remember(state: State, made: Offer | None) -> None:
    """Keep what was offered: the next ``up`` that finds nothing to do says it again without looking at the host."""
    state.write(state.folder / _FILE, codec.dumps(made))


def remembered(request: Request, state: State) -> Offer | None:
    """What was offered last; None where that cannot be read or an engine was chosen meanwhile."""
    if not _open(request):
        return None
    try:
        return codec.loads(Offer, files.read(state.folder / _FILE, _SIZE_CAP))
    except (OSError, codec.CodecError):
        return None


def _open(request: Request) -> bool:
    return request.engine == needs.BUILT_IN and request.variant == "auto"
