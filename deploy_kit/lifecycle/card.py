"""The graphics card, looked at from inside the container: only there it is known whether it was handed in well."""

from __future__ import annotations

import json

from deploy_kit import proc
from deploy_kit.data import table
from deploy_kit.errors import Failure
from deploy_kit.findings import Evidence, Finding, Severity
from deploy_kit.plan.stack import Stack
from deploy_kit.progress import Event, EventKind, Reporter

STEP = "prove-card"
_PYTHON = "/opt/deploykit/engine/bin/python"
_APP = "/opt/deploykit/app"
_MARGIN_SECONDS = 15.0


def inside(stack: Stack, report: Reporter) -> tuple[Finding, ...]:
    """Let the engine's own torch calculate on the card in the stack's container; what does not work is a warning.

    Raises:
        Failure: GPU-NOT-INSIDE, where the card was asked for.
    """
    if stack.gpu is None:
        return ()
    report(Event(EventKind.STEP, STEP, stack.name))
    code, detail = _judge(stack.name)
    if code is None:
        report(Event(EventKind.DONE, STEP, detail))
        return ()
    report(Event(EventKind.FAILED, STEP, code))
    severity = Severity.BLOCKER if stack.gpu.required else Severity.WARNING
    evidence = (Evidence("tts_worker.guard", f"{code} {detail}".strip()),)
    finding = Finding.of("GPU-NOT-INSIDE", severity, stack.name, evidence=evidence, cause=code, reason=detail or code)
    if stack.gpu.required:
        raise Failure(finding)
    return (finding,)


def _judge(name: str) -> tuple[str | None, str]:
    """The guard's code (None when the card is usable) and what it says."""
    from deploy_kit.tools import docker

    seconds = table("guard")["seconds"]
    command = ("exec", "--env", f"PYTHONPATH={_APP}", name, _PYTHON, "-m", "tts_worker.guard", "--json")
    try:
        answer = docker.call(*command, timeout=sum(seconds.values()) + _MARGIN_SECONDS, check=False)
    except proc.CommandTimeout as error:
        return "GPU-PROBE-HUNG", str(error)
    try:
        verdict = json.loads(answer.stdout.strip().splitlines()[-1])
        code, detail, card = verdict["code"], str(verdict.get("detail") or ""), str(verdict.get("name") or "")
    except (ValueError, IndexError, KeyError, TypeError):
        return "GPU-PROBE-CRASHED", answer.stderr.strip()[-200:] or f"exit {answer.returncode}"
    return (str(code), detail) if code else (None, card)
