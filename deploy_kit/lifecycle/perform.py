"""Carrying out one step of ``up``: telling of it, timing it, and finding who does it."""

from __future__ import annotations

import time

from deploy_kit import proc
from deploy_kit.client import Proof, prove
from deploy_kit.compat.needs import BUILT_IN
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
        proof = _named(step, work)
    except BaseException:
        work.report(Event(EventKind.FAILED, name, step.subject))
        raise
    seconds = time.monotonic() - start
    if clock is not None:
        clock.timings.append((name, seconds))
    work.report(Event(EventKind.DONE, name, step.subject, seconds=seconds))
    return proof


def _named(step: Step, work: Job) -> Proof | None:
    """Do the step; what its tools and the system raise becomes a finding."""
    try:
        return _apply(step, work)
    except proc.CommandError as error:
        raise fail("ENGINE-STEP-FAILED", step.operation.value, reason=error) from error
    except OSError as error:
        place = str(error.filename or work.state.folder)
        raise fail("HOST-STATE-UNWRITABLE", place, reason=error.strerror or str(error)) from error


def _apply(step: Step, job: Job) -> Proof | None:
    match step.operation:
        case Operation.INSTALL_PACKAGES:
            _install(job)
        case Operation.START_ENGINE:
            _start_engine(job)
        case Operation.GET_BASE | Operation.BUILD_IMAGE:
            from deploy_kit.lifecycle import build

            build.apply(step, job)
        case Operation.STOP_SERVICE:
            from deploy_kit.lifecycle.down import stop

            stop(Target(step.subject), job.state, job.report)
        case Operation.PROVE:
            return _prove(job)
        case _:
            _target(job.stack.target).apply(step, job)
    return None


def _install(job: Job) -> None:
    from deploy_kit.tools import apt, dockerd

    setup = job.verdict.setup
    if setup is None or setup.packages is None:
        raise AssertionError("a plan installs packages only where the verdict names them")
    packages = " ".join(setup.packages.packages)
    commands = apt.commands(setup.packages, sudo=job.sudo)
    if setup.start:
        commands += dockerd.commands(job.sudo)
    question = setup.packages.note or Message.of("up.ask-install", packages=packages)
    if not job.consent(question, commands):
        raise fail("ENGINE-NOT-CONSENTED", packages, commands=commands)
    apt.install(setup.packages, job.report, sudo=job.sudo)


def _start_engine(job: Job) -> None:
    """Start the engine; whoever agreed to its installation has seen this command already."""
    from deploy_kit.tools import dockerd

    commands = dockerd.commands(job.sudo)
    installed = job.verdict.setup is not None and job.verdict.setup.packages is not None
    if not installed and not job.consent(Message.of("up.ask-start"), commands):
        raise fail("ENGINE-NOT-STARTED", "docker", commands=commands)
    dockerd.start(job.report, sudo=job.sudo)


def _prove(job: Job) -> Proof:
    """The sentence that shows the service at work: by the built-in voice where another engine would take minutes."""
    proof = prove(job.client, SENTENCE, timeout=_PROOF_SECONDS, model=_quick(job))
    _target(job.stack.target).remember_proof(job)
    job.state.record("proof", seconds=round(proof.seconds, 3), answered_by=proof.answered_by)
    return proof


def _quick(job: Job) -> str | None:
    return None if job.stack.engine == BUILT_IN else BUILT_IN


def _target(target: Target) -> TargetModule:
    from deploy_kit.run import compose, local

    return local if target is Target.LOCAL else compose
