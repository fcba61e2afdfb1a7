"""Carrying out one step of ``up``: telling of it, timing it, and finding who does it."""

from __future__ import annotations

import time

from deploy_kit.client import Proof, prove
from deploy_kit.errors import fail
from deploy_kit.findings import Message
from deploy_kit.plan.stack import Target
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Event, EventKind
from deploy_kit.run import TargetModule
from deploy_kit.run.job import Job

SENTENCE = "Hello, the speech service is ready. 你好,语音服务已经就绪。"
_PROOF_SECONDS = 30.0


class Clock:
    """The durations of the steps done so far."""

    def __init__(self) -> None:
        self.timings: list[tuple[str, float]] = []


def perform(step: Step, work: Job, clock: Clock | None = None) -> Proof | None:
    """Do one step and tell of its beginning and end; the proof, if it was that step.

    Raises:
        Failure: What the step raises.
    """
    name, start = step.operation.value, time.monotonic()
    work.report(Event(EventKind.STEP, name, step.subject, step.cause))
    try:
        proof = _apply(step, work)
    except BaseException:
        work.report(Event(EventKind.FAILED, name, step.subject))
        raise
    seconds = time.monotonic() - start
    if clock is not None:
        clock.timings.append((name, seconds))
    work.report(Event(EventKind.DONE, name, step.subject, seconds=seconds))
    return proof


def _apply(step: Step, job: Job) -> Proof | None:
    match step.operation:
        case Operation.INSTALL_PACKAGES:
            _install(job)
        case Operation.START_ENGINE:
            from deploy_kit.tools import dockerd

            dockerd.start(job.report, sudo=job.sudo)
        case Operation.GET_BASE | Operation.BUILD_IMAGE:
            from deploy_kit.lifecycle import build

            build.apply(step, job)
        case Operation.STOP_SERVICE:
            from deploy_kit.lifecycle.down import stop_all

            stop_all(job.state, job.report)
        case Operation.PROVE:
            return _prove(job)
        case _:
            _target(job.stack.target).apply(step, job)
    return None


def _install(job: Job) -> None:
    from deploy_kit.tools import apt

    setup = job.verdict.setup
    if setup is None or setup.packages is None:
        raise AssertionError("a plan installs packages only where the verdict names them")
    commands = apt.commands(setup.packages, sudo=job.sudo)
    question = setup.packages.note or Message.of("up.ask-install", packages=" ".join(setup.packages.packages))
    if not job.consent(question, commands):
        raise fail("ENGINE-NOT-CONSENTED", " ".join(setup.packages.packages), commands=commands)
    apt.install(setup.packages, job.report, sudo=job.sudo)


def _prove(job: Job) -> Proof:
    proof = prove(job.client, SENTENCE, timeout=_PROOF_SECONDS)
    _target(job.stack.target).remember_proof(job)
    job.state.record("proof", seconds=round(proof.seconds, 3), answered_by=proof.answered_by)
    return proof


def _target(target: Target) -> TargetModule:
    from deploy_kit.run import compose, local

    return local if target is Target.LOCAL else compose
