"""Waiting for a service: as long as something moves, never longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from deploy_kit.client import Client, Reply
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Message
from deploy_kit.plan.steps import Operation
from deploy_kit.progress import Event, EventKind, Reporter, line

PATIENCE_SECONDS = 60.0
"""How long nothing may move before a start counts as stuck."""

_POLL_SECONDS = 0.1
_LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Pulse:
    """The service's process as its target sees it; ``mark`` changes with every new start of it."""

    alive: bool
    mark: str
    exit_code: int | None = None
    oom_killed: bool = False


def until_ready(
    client: Client,
    subject: str,
    pulse: Callable[[], Pulse],
    tail: Callable[[int], Iterable[str]],
    report: Reporter,
    *,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Follow ``/startupz`` and the process until ``/readyz`` answers 200.

    Args:
        pulse: Looks at the process.
        tail: The last n lines of its log, shown when it fails.

    Raises:
        Failure: HEALTH-EXITED when the process ended, HEALTH-STUCK when nothing moved for ``patience`` seconds,
            GPU-REFUSED when the device that was demanded does not work.
    """
    try:
        _follow(client, subject, pulse, report, patience)
    except Failure:
        for text in tail(_LOG_LINES):
            report(line(Operation.WAIT_READY.value, text))
        raise


def _follow(client: Client, subject: str, pulse: Callable[[], Pulse], report: Reporter, patience: float) -> None:
    seen: set[object] = set()
    moved = time.monotonic()
    while True:
        reply = client.ready()
        if reply is not None and reply.status == 200:
            return
        if reply is not None and (refused := _refused(reply)) is not None:
            raise refused
        ledger = client.startup() if reply is not None else {}
        beat = pulse()
        if not beat.alive:
            raise _exited(subject, beat)
        if (now := (_position(ledger), beat.mark)) not in seen:  # a step that fails and begins anew is no movement
            seen.add(now)
            moved = time.monotonic()
            _tell(ledger, report)
        if time.monotonic() - moved > patience:
            raise fail("HEALTH-STUCK", subject, seconds=round(patience), step=_current(ledger))
        time.sleep(_POLL_SECONDS)


def _refused(reply: Reply) -> Failure | None:
    """A device that was demanded and does not work: nothing will move any more."""
    document = reply.json()
    engine = document.get("auto")
    engines = document.get("engines")
    told = engines.get(engine) if document.get("state") == "refused" and isinstance(engines, dict) else None
    if not isinstance(told, dict):
        return None
    cause = str(told.get("code") or "?")
    return fail("GPU-REFUSED", str(engine), cause=cause, reason=told.get("reason") or cause)


def _position(ledger: dict[str, Any]) -> tuple[tuple[object, ...], ...]:
    """How far the start is, without the seconds that pass while it stands still."""
    steps = [step for step in ledger.get("steps", ()) if isinstance(step, dict)]
    return tuple((step.get("name"), step.get("state"), step.get("phase"), step.get("bytes")) for step in steps)


def _exited(subject: str, beat: Pulse) -> Failure:
    if beat.exit_code is None:
        return fail("HEALTH-GONE", subject)
    return fail("HEALTH-EXITED", subject, exit=beat.exit_code, oom=" (OOM)" if beat.oom_killed else "")


def _tell(ledger: dict[str, Any], report: Reporter) -> None:
    steps = [step for step in ledger.get("steps", ()) if isinstance(step, dict)]
    if not steps:
        return
    done = sum(step.get("state") == "done" for step in steps)
    message = Message.of("up.waiting", step=_current(ledger), done=done, total=len(steps))
    report(Event(EventKind.PROGRESS, Operation.WAIT_READY.value, message=message, fraction=done / len(steps)))


def _current(ledger: dict[str, Any]) -> str:
    unfinished = (step for step in ledger.get("steps", ()) if isinstance(step, dict) and step.get("state") != "done")
    return str(next(unfinished, {}).get("name", "?"))
