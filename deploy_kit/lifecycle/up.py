"""``up``: facts, verdict, plan, steps, proof."""

from __future__ import annotations

import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deploy_kit import compat
from deploy_kit.client import Proof, prove
from deploy_kit.compat import Verdict
from deploy_kit.config.request import Request
from deploy_kit.errors import Failure, fail
from deploy_kit.facts import EngineState, HostFacts
from deploy_kit.findings import Finding, Message
from deploy_kit.lifecycle import doctor, exposure
from deploy_kit.lifecycle.site import Running, holds, running, state_of
from deploy_kit.plan.observed import Observed
from deploy_kit.plan.reconcile import reconcile
from deploy_kit.plan.resolve import resolve
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.run import TargetModule
from deploy_kit.run.job import Consent, Job
from deploy_kit.run.state import State, key_version

SENTENCE = "Hello, the speech service is ready. 你好,语音服务已经就绪。"
_PROOF_SECONDS = 30.0
_HOST_STEPS = (Operation.INSTALL_PACKAGES, Operation.START_ENGINE)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything decided before anything is done."""

    facts: HostFacts
    verdict: Verdict
    stack: Stack
    observed: Observed
    steps: tuple[Step, ...]
    state: State
    key: str | None
    new_key: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How ``up`` ended. ``timings`` are (operation, seconds); ``key`` is a newly made API key, to be shown once;
    ``firewall`` the commands that narrow a port which other machines can reach; ``proof`` None when nothing changed."""

    changed: bool
    url: str
    variant: str
    device: str
    engine: str
    target: str
    image: str
    image_bytes: int | None
    timings: tuple[tuple[str, float], ...]
    proof: Proof | None
    findings: tuple[Finding, ...]
    key: str | None
    firewall: tuple[tuple[str, ...], ...]


def prepare(request: Request, *, facts: HostFacts | None = None) -> Prepared:
    """Look, judge and plan; changes nothing.

    Args:
        facts: A saved host instead of this one; then nothing is observed and the plan starts from nothing.

    Raises:
        Failure: CONFIG-KEY-FILE, ENGINE-NAME-TAKEN.
    """
    state = state_of(request)
    if facts is None:
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(running, state)
            observed_facts = doctor.observe(request)
            found = looking.result()
    else:
        observed_facts, found = facts, Running(None, None)
    ours = holds(found, state.stack(), request.listen)
    verdict = compat.judge(observed_facts, doctor.wish(request), port_is_ours=ours)
    key, new_key = _key(request, state)
    stack = _resolve(request, verdict, state, key)
    observed = _observe(stack, state, observed_facts, verdict, found) if facts is None else Observed()
    steps = reconcile(stack, observed, environment=_environment(stack))
    return Prepared(observed_facts, verdict, stack, observed, steps, state, key, new_key)


def carry_out(prepared: Prepared, request: Request, report: Reporter, consent: Consent) -> Outcome:
    """Do what was planned, then prove it.

    The plan is made again under the stack's lock, and once more after the container engine was installed or started:
    only then is it known what the engine holds.

    Raises:
        Failure: The first blocking finding, or that of the step which failed.
    """
    if not prepared.steps and not prepared.verdict.blockers:
        return _outcome(prepared, (), None)
    with prepared.state.lock():
        clock = _Clock()
        prepared = ready_host(request, report, consent, clock=clock)
        work, proof = job(prepared, request, report, consent), None
        for step in prepared.steps:
            proof = perform(step, work, clock) or proof
    return _outcome(prepared, tuple(clock.timings), proof)


class _Clock:
    """The durations of the steps done so far."""

    def __init__(self) -> None:
        self.timings: list[tuple[str, float]] = []


def ready_host(
    request: Request,
    report: Reporter,
    consent: Consent,
    *,
    clock: _Clock | None = None,
    ignore: tuple[str, ...] = (),
) -> Prepared:
    """Plan anew, install or start what the host itself lacks, and plan again: what is left needs no more of the host.

    Args:
        ignore: Prefixes of codes that do not block this undertaking.

    Raises:
        Failure: The first blocking finding, or that of the step which failed.
    """
    prepared = prepare(request)
    _refuse(prepared, ignore)
    work, done = job(prepared, request, report, consent), False
    for step in prepared.steps:
        if step.operation in _HOST_STEPS:
            perform(step, work, clock)
            done = True
    if done:
        prepared = prepare(request)
        _refuse(prepared, ignore)
    return prepared


def _refuse(prepared: Prepared, ignore: tuple[str, ...]) -> None:
    blockers = [finding for finding in prepared.verdict.blockers if not finding.code.startswith(ignore or ("\0",))]
    if blockers:
        raise Failure(*blockers)


def job(prepared: Prepared, request: Request, report: Reporter, consent: Consent) -> Job:
    """What the steps of this plan need."""
    return Job(request, prepared.facts, prepared.verdict, prepared.stack, prepared.state, report, consent, prepared.key)


def perform(step: Step, work: Job, clock: _Clock | None = None) -> Proof | None:
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


def _key(request: Request, state: State) -> tuple[str | None, bool]:
    """The API key in force and whether it is new: the user's own, or one made because others can reach the port."""
    if request.api_key_file is not None:
        return _read_key(request.api_key_file), False
    if request.listen.loopback:
        return None, False
    stored = state.key()
    return (stored, False) if stored is not None else (secrets.token_urlsafe(32), True)


def _read_key(path: str) -> str:
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise fail("CONFIG-KEY-FILE", path, reason=getattr(error, "strerror", None) or error) from None
    if len(key) < 8 or not key.isascii() or any(character.isspace() for character in key):
        raise fail("CONFIG-KEY-FILE", path, reason="a key has at least 8 ASCII characters and no white space")
    return key


def _resolve(request: Request, verdict: Verdict, state: State, key: str | None) -> Stack:
    from deploy_kit.builder import payload

    return resolve(
        request,
        variant=verdict.variant,
        device=verdict.device,
        inputs=payload.inputs(verdict.variant, request.build.base),
        uid=os.getuid(),
        folders=(str(state.cache_hub), str(state.outputs)),
        secret_version=None if key is None else key_version(key),
    )


def _observe(stack: Stack, state: State, facts: HostFacts, verdict: Verdict, found: Running) -> Observed:
    from deploy_kit.run import compose, local

    setup = verdict.setup
    packages = setup.packages.packages if setup is not None and setup.packages is not None else ()
    if stack.target is Target.LOCAL:
        observed = local.observe(stack, state, packages)
        elsewhere = found.container is not None
    else:
        up = facts.engine.state.value is EngineState.READY and not packages
        observed = compose.observe(stack, state, found.container, engine_up=up, packages=packages)
        elsewhere = found.process is not None
    service = observed.service
    ready = service is not None and service.stack == stack.digest and _ready(stack)
    return replace(observed, ready=ready, elsewhere=elsewhere)


def _ready(stack: Stack) -> bool:
    from deploy_kit.client import Client

    reply = Client(stack.listen).ready()
    return reply is not None and reply.status == 200


def _environment(stack: Stack) -> str | None:
    if stack.target is not Target.LOCAL:
        return None
    from deploy_kit.run import local

    return local.environment_digest()


def _outcome(prepared: Prepared, timings: tuple[tuple[str, float], ...], proof: Proof | None) -> Outcome:
    from deploy_kit.client import Client

    stack = prepared.stack
    return Outcome(
        changed=bool(timings),
        url=Client(stack.listen).url,
        variant=stack.image.variant,
        device=stack.device,
        engine=stack.engine,
        target=stack.target.value,
        image=stack.image.reference,
        image_bytes=_image_bytes(stack) if timings else None,
        timings=timings,
        proof=proof,
        findings=prepared.verdict.findings,
        key=prepared.key if prepared.new_key else None,
        firewall=exposure.firewall(stack),
    )


def _image_bytes(stack: Stack) -> int | None:
    if stack.target is Target.LOCAL:
        return None
    from deploy_kit.tools import docker

    image = docker.image(stack.image.reference)
    return None if image is None else image.size
