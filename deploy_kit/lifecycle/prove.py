"""``doctor --prove``: the engine's own torch calculates on the card, in a container of the image that `up` would start.

Nothing that runs is touched: the container is a fresh one without network, and gone at the end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deploy_kit import proc
from deploy_kit.compat.needs import BUILT_IN
from deploy_kit.compat.verdict import DeviceRequest, RequestKind
from deploy_kit.config.request import Request
from deploy_kit.data import table
from deploy_kit.findings import Evidence, Finding, Message, Severity
from deploy_kit.lifecycle import build, up
from deploy_kit.plan.resolve import visible
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.run.job import Consent

STEP = "prove-card"
_PYTHON = "/opt/deploykit/engine/bin/python"
_APP = "/opt/deploykit/app"
_GUARD = ("-m", "tts_worker.guard", "--json")
_MARGIN_SECONDS = 30.0
_TAIL = 300


class Outcome(str, Enum):
    """How far the proof came."""

    USABLE = "usable"
    UNUSABLE = "unusable"
    NO_CARD = "no-card"  # none would be used here, so there is nothing to prove
    NO_MODEL = "no-model"  # the built-in voice needs no card
    NO_IMAGE = "no-image"  # or no environment, for plain processes


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    Attributes:
        where: The image's name, or the environment's interpreter.
        request: In which form the container engine was asked, None for plain processes.
        guard: What the guard says (`tts_worker.guard.verdict.Verdict`); empty when it could not be asked.
        findings: Why the card cannot be used; with a code of the guard's own table.
        commands: What to run first, where something is missing.
    """

    outcome: Outcome
    where: str = ""
    request: DeviceRequest | None = None
    guard: tuple[tuple[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    seconds: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether a card that is demanded, or was tried, cannot be used."""
        return self.outcome is Outcome.UNUSABLE or any(one.severity is Severity.BLOCKER for one in self.findings)


def prove(request: Request, report: Reporter, consent: Consent) -> Seen:
    """Try the card that `up` would use.

    Raises:
        Failure: What `build` raises, where the image had to be made; a blocking finding of the plan.
    """
    if request.engine == BUILT_IN:
        return Seen(Outcome.NO_MODEL)
    prepared = up.prepare(request)
    stack = prepared.stack
    if prepared.verdict.device != "cuda" or any(map(_bars, prepared.verdict.blockers)):
        return Seen(Outcome.NO_CARD, findings=tuple(_why(prepared.verdict.findings)))
    if stack.target is Target.LOCAL:
        return _in_process(prepared, report)
    from deploy_kit.tools import docker

    if docker.image(stack.image.reference) is None:
        first = ("deploykit", "build")
        if not consent(Message.of("fix.ask-build", image=stack.image.reference), (first,)):
            return Seen(Outcome.NO_IMAGE, stack.image.reference, stack.gpu, commands=(first,))
        build.alone(prepared, request, report, consent)
    return _seen(("docker", "run", *container(stack), *_GUARD), stack.image.reference, stack.gpu, report)


def _bars(blocker: Finding) -> bool:
    """Whether nothing can be tried before this is mended; a disk that is full, say, is in nobody's way here."""
    return blocker.code.startswith(("ENGINE-", "GPU-"))


def container(stack: Stack) -> tuple[str, ...]:
    """Arguments of ``docker run`` for the guard in a container of this stack's image, as bare as the service's."""
    settings = {"PYTHONPATH": _APP, "HOME": "/tmp", **_shown(stack.gpu)}  # noqa: S108 - the container's own
    return (
        *("--rm", "--pull", "never", "--network", "none", "--read-only", "--tmpfs", "/tmp"),  # noqa: S108
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{stack.user}:0"),
        *asked(stack.gpu),
        *(word for name, value in settings.items() for word in ("--env", f"{name}={value}")),
        *("--entrypoint", _PYTHON, stack.image.reference),
    )


def asked(gpu: DeviceRequest | None) -> tuple[str, ...]:
    """The request for the cards, as ``docker run`` takes it."""
    if gpu is None:
        return ()
    if gpu.kind is RequestKind.RUNTIME:
        return ("--runtime", "nvidia")
    if gpu.kind is RequestKind.CDI:
        return tuple(word for name in gpu.devices for word in ("--device", name))
    wanted = f'"device={",".join(gpu.devices)}"' if gpu.devices else "all"  # a comma separates fields: hence the quotes
    return ("--gpus", wanted)


def _shown(gpu: DeviceRequest | None) -> Mapping[str, str]:
    """As in the service's own description: void where CDI hands the card in, so that no hook acts a second time."""
    return {} if gpu is None or gpu.kind is RequestKind.CDI else {"NVIDIA_VISIBLE_DEVICES": visible(gpu)}


def _in_process(prepared: up.Prepared, report: Reporter) -> Seen:
    """Plain processes: the engine's environment, with the code beside it."""
    from deploy_kit.run import local_engine

    state = prepared.state
    python = local_engine.python(state, prepared.stack.image.variant)
    app = state.local / "app"
    if python is None or not local_engine.made_from(state, prepared.stack.image.variant) or not app.is_dir():
        command = ("deploykit", "up", "--target", "local")
        return Seen(Outcome.NO_IMAGE, str(local_engine.folder(state)), commands=(command,))
    return _seen((python, *_GUARD), python, None, report, env={"PYTHONPATH": str(app)})


def _seen(
    command: tuple[str, ...],
    where: str,
    gpu: DeviceRequest | None,
    report: Reporter,
    env: Mapping[str, str | None] | None = None,
) -> Seen:
    report(Event(EventKind.STEP, STEP, where))
    start = time.monotonic()
    try:
        limit = sum(table("guard")["seconds"].values()) + _MARGIN_SECONDS
        answer = proc.run(command, timeout=limit, check=False, env=env)
    except proc.CommandError as error:
        code, said, guard = "GPU-PROBE-HUNG", str(error), dict[str, Any]()
    else:
        guard = _guard(answer.stdout)
        code = str(guard["code"]) if guard.get("code") else "" if guard else _refused(answer.stderr)
        said = str(guard.get("detail") or "") or answer.stderr.strip()[-_TAIL:]
    seconds = time.monotonic() - start
    report(Event(EventKind.FAILED if code else EventKind.DONE, STEP, code or str(guard.get("name") or ""),
                 seconds=seconds))  # fmt: skip
    facts = tuple(sorted(guard.items()))
    if not code:
        return Seen(Outcome.USABLE, where, gpu, facts, seconds=seconds)
    evidence = (Evidence("tts_worker.guard" if guard else command[0], f"{code} {said}".strip()),)
    finding = Finding.of("GPU-NOT-INSIDE", Severity.BLOCKER, where, evidence=evidence, cause=code, reason=said or code)
    return Seen(Outcome.UNUSABLE, where, gpu, facts, (finding,), seconds=seconds)


def _guard(text: str) -> dict[str, Any]:
    """The guard's verdict, its last line; empty when it said none."""
    try:
        found = json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) and "code" in found else {}


def _refused(said: str) -> str:
    """Why no guard spoke: the container engine refused the card, or something died."""
    return "GPU-NOT-GRANTED" if "Error response from daemon" in said else "GPU-PROBE-CRASHED"


def _why(findings: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in findings if one.code.startswith("GPU-") or one.severity is Severity.BLOCKER]
