"""The graphics card, looked at from inside the container: only there it is known whether it was handed in well."""

from __future__ import annotations

import json
from dataclasses import replace

from deploy_kit import diagnose, proc
from deploy_kit.data import table
from deploy_kit.diagnose import Fallback, Match, Source
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


def refused(failure: Failure, stack: Stack, report: Reporter) -> None:
    """Where the server refused the card before it was looked at from here, look: the answer must not depend on haste.

    Raises:
        Failure: GPU-NOT-INSIDE, where the guard says the same now.
    """
    if failure.finding.code == "GPU-REFUSED":
        inside(stack, report)


def withheld(failure: Failure, stack: Stack) -> tuple[Finding, ...]:
    """What is said where the container engine would not hand the card in, and the service goes on without it.

    Raises:
        Failure: GPU-NOT-GRANTED, where the card was asked for; the same failure, where it is about something else.
    """
    said = dict(failure.finding.args).get("said", "")
    refused = failure.finding.code == "ENGINE-COMPOSE-FAILED" and stack.gpu is not None
    if not refused or not any(map(_of_the_card, diagnose.read(said.splitlines(), source=Source.DOCKER))):
        raise failure
    assert stack.gpu is not None
    severity = Severity.BLOCKER if stack.gpu.required else Severity.WARNING
    evidence = (Evidence("docker compose", said.splitlines()[-1]),)
    reason = evidence[0].observed.rpartition(" stderr: ")[2].removeprefix("Error response from daemon: ")
    finding = Finding.of("GPU-NOT-GRANTED", severity, stack.name, evidence=evidence, reason=reason)
    if stack.gpu.required:
        raise Failure(finding, *failure.more)
    return (finding, *(replace(cause, severity=severity) for cause in failure.more))


def _of_the_card(match: Match) -> bool:
    """Whether a line tells of a card that cannot be had here, while the CPU can."""
    return match.fallback is Fallback.CPU or (match.fallback is Fallback.RETRY and match.code.startswith("GPU-"))


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
