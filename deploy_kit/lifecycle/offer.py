"""IndexTTS for somebody who did not choose an engine: what would bring it here, and what that costs on this host."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploy_kit import compat
from deploy_kit.compat import needs
from deploy_kit.config.request import Request
from deploy_kit.data import table
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding
from deploy_kit.lifecycle.doctor import wish
from deploy_kit.lifecycle.licence import again


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
    if request.engine != needs.BUILT_IN or request.variant != "auto":
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
