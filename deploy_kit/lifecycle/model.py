"""The model beside the built-in voice: what it is doing, and waiting for it where that was asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from deploy_kit.client import Client, Proof, prove
from deploy_kit.compat import needs
from deploy_kit.data import table
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Message
from deploy_kit.lifecycle.licence import again
from deploy_kit.plan.stack import Stack
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.units import size

STEP = "wait-model"
PROOF_STEP = "prove-model"
READY = ("ready", "asleep")
ENDED = ("failed", "refused", "unlicensed")
_POLL_SECONDS = 1.0
_ASK_SECONDS = 5.0
_SPOKEN_SECONDS = 60.0
"""More than the sentence of the proof takes to be spoken."""
_FETCH_PATIENCE_SECONDS = 900.0
"""Longer than whoever fetches goes on trying a silent source by itself."""
_TROUBLE_PATIENCE_SECONDS = 60.0
"""How long fetching may stand still once the service has said what is wrong: it goes on trying, we need not wait."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """An engine as ``/readyz`` tells of it. Bytes and seconds; ``reason`` and ``fallback`` are the service's sentences.

    ``state`` is ``starting``, ``unlicensed``, ``fetching``, ``loading``, ``ready``, ``asleep``, ``restarting``,
    ``failed``, ``refused`` or ``stopped``.
    """

    engine: str
    state: str
    device: str | None = None
    code: str | None = None
    reason: str | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None
    eta_seconds: float | None = None
    fallback_code: str | None = None
    fallback: str | None = None

    @property
    def ready(self) -> bool:
        return self.state in READY


def read(document: dict[str, Any], engine: str) -> ModelStatus | None:
    """What the document of ``/readyz`` says of an engine; None when it says nothing."""
    found = _part(_part(document, "engines"), engine)
    if not found:
        return None
    progress, fallback = _part(found, "progress"), _part(document, "fallback")
    return ModelStatus(
        engine=engine,
        state=str(found.get("state", "?")),
        device=_text(found.get("device")),
        code=_text(found.get("code")),
        reason=_text(found.get("reason")),
        done_bytes=_number(progress.get("done_bytes")),
        total_bytes=_number(progress.get("total_bytes")),
        eta_seconds=_number(progress.get("eta_seconds")),
        fallback_code=_text(fallback.get("code")),
        fallback=_text(fallback.get("reason")),
    )


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return str(value) if value else None


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def look(client: Client, stack: Stack) -> ModelStatus | None:
    """What the model of a stack is doing; None for the built-in voice, or when nobody answers."""
    if stack.engine == needs.BUILT_IN:
        return None
    reply = client.ready(timeout=_ASK_SECONDS)
    return None if reply is None else read(reply.json(), stack.engine)


def wait(client: Client, stack: Stack, report: Reporter) -> ModelStatus:
    """Follow the model until it is ready, as long as something moves.

    Raises:
        Failure: CACHE-UNLICENSED, CACHE-FAILED when the weights did not come, GPU-REFUSED when no device would do,
            HEALTH-MODEL when it could not be loaded, HEALTH-MODEL-STUCK.
    """
    report(Event(EventKind.STEP, STEP, stack.engine, Message.of("up.model-waiting", engine=stack.engine)))
    try:
        found = _follow(client, stack, report)
    except BaseException:
        report(Event(EventKind.FAILED, STEP, stack.engine))
        raise
    report(Event(EventKind.DONE, STEP, stack.engine))
    return found


def _follow(client: Client, stack: Stack, report: Reporter) -> ModelStatus:
    seen: set[object] = set()
    moved = time.monotonic()
    state = "starting"
    while True:
        found = look(client, stack)
        if found is not None:
            if found.ready:
                return found
            if found.state in ENDED:
                raise failure(found, stack)
            state = found.state
        position = (state, found.done_bytes if found else None, found.code if found else None, _phases(client))
        if position not in seen:
            seen.add(position)
            moved = time.monotonic()
            _tell(found, report)
        patience = _patience(stack, state)
        still = time.monotonic() - moved
        if found is not None and found.code and state == "fetching" and still > _TROUBLE_PATIENCE_SECONDS:
            raise failure(found, stack)
        if still > patience:
            raise fail("HEALTH-MODEL-STUCK", stack.engine, state=state, seconds=round(patience))
        time.sleep(_POLL_SECONDS)


def _phases(client: Client) -> tuple[object, ...]:
    """What the start-up ledger says of the steps; a phase that changes is movement."""
    steps = (step for step in client.startup().get("steps", ()) if isinstance(step, dict))
    return tuple((step.get("name"), step.get("state"), step.get("phase")) for step in steps)


def _patience(stack: Stack, state: str) -> float:
    """How long nothing may move: a model that is being loaded says nothing for minutes on a CPU."""
    if state == "fetching":
        return _FETCH_PATIENCE_SECONDS
    return float(table("engines")[stack.engine]["deadlines"]["cpu"]["load"])


def _tell(found: ModelStatus | None, report: Reporter) -> None:
    if found is None:
        return
    total = found.total_bytes
    fraction = (found.done_bytes or 0) / total if total else None
    report(Event(EventKind.PROGRESS, STEP, found.engine, message=sentence(found), fraction=fraction))


def sentence(found: ModelStatus) -> Message:
    """What the model is doing, as a sentence."""
    if found.state == "fetching" and found.total_bytes:
        done, total = (size(count or 0) for count in (found.done_bytes, found.total_bytes))
        if found.reason is not None:
            return Message.of(
                "up.model-fetching-trouble", engine=found.engine, done=done, total=total, reason=found.reason
            )
        if found.eta_seconds is None:
            return Message.of("up.model-fetching", engine=found.engine, done=done, total=total)
        minutes = max(1, round(found.eta_seconds / 60))
        return Message.of("up.model-fetching-eta", engine=found.engine, done=done, total=total, minutes=minutes)
    key = found.state if found.state in (*READY, *ENDED, "loading", "restarting") else "starting"
    if key in ("ready", "loading") and found.device is not None:
        return Message.of(f"up.model-{key}-on", engine=found.engine, device=found.device)
    return Message.of(f"up.model-{key}", engine=found.engine, reason=found.reason or found.code or "-")


def failure(found: ModelStatus, stack: Stack) -> Failure:
    """Why a model will not come by itself."""
    code, reason = found.code or "", found.reason or found.code or "?"
    if found.state == "unlicensed":
        command = (*again(found.engine, stack.name, stack.target.value), "--accept-license")
        return fail("CACHE-UNLICENSED", found.engine, commands=(command,))
    name = "HEALTH-MODEL"
    if code.startswith("CACHE-"):
        name = "CACHE-FAILED"
    elif code.startswith("GPU-"):
        name = "GPU-REFUSED"
    return fail(name, found.engine, cause=code or "?", reason=reason)


def proof(client: Client, stack: Stack, sentence: str, device: str | None) -> Proof:
    """Let the model itself speak.

    Raises:
        Failure: As `deploy_kit.client.prove`.
    """
    return prove(client, sentence, timeout=proof_seconds(stack, device), model=stack.engine)


def proof_seconds(stack: Stack, device: str | None) -> float:
    """How long the sentence of the proof may take: far longer on a CPU."""
    told = "cpu" if device in (None, "cpu") else "cuda"
    return _SPOKEN_SECONDS + _SPOKEN_SECONDS * needs.slowness(stack.engine, told)
