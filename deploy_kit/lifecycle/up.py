"""``up``: facts, verdict, plan, steps, proof."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from deploy_kit import compat, proc
from deploy_kit.client import Client, Proof
from deploy_kit.compat import Verdict, needs
from deploy_kit.config.request import Request
from deploy_kit.errors import Failure, fail
from deploy_kit.facts import EngineState, HostFacts
from deploy_kit.findings import Finding
from deploy_kit.lifecycle import access, build, card, doctor, explain, licence, model
from deploy_kit.lifecycle.offer import offer, remember
from deploy_kit.lifecycle.outcome import Outcome, outcome
from deploy_kit.lifecycle.perform import SENTENCE, Clock, perform
from deploy_kit.lifecycle.site import Choice, Running, holds, running, stack_for, state_of, wish_of
from deploy_kit.plan.observed import Observed
from deploy_kit.plan.reconcile import reconcile
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.run.job import Consent, Job
from deploy_kit.run.state import State, home

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
    key: access.Key | None
    token: str | None = None


def prepare(
    request: Request, *, facts: HostFacts | None = None, make_key: bool = False, network: bool = False
) -> Prepared:
    """Look, judge and plan; changes nothing.

    Args:
        facts: A saved host instead of this one: it is planned as far as its facts tell, with nothing of ours on it.
        make_key: Give a key that is still to be made its value.
        network: Ask the places in the network, too, that a deployment fetches from.

    Raises:
        Failure: CONFIG-KEY-FILE, CONFIG-TOKEN-FILE, ENGINE-NAME-TAKEN, ENGINE-UNREACHABLE-NOW.
    """
    return _here(request, make_key=make_key, network=network) if facts is None else _there(request, facts)


def _here(request: Request, *, make_key: bool, network: bool) -> Prepared:
    state = state_of(request)
    request = licence.remembered(request, state)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(running, state)
        facts = doctor.observe(request, network=network)
        found = looking.result()
    key, token = access.key_for(request, state), access.token_for(request)
    if key is not None and make_key:
        key = key.made()
    ours = holds(found, state.stack(), request.listen)
    verdict = doctor.judge(request, facts, built=False, port_is_ours=ours)
    stack = stack_for(request, Choice.of(verdict), state, key, token=token)
    observed = _observe(request, stack, state, facts, verdict, found)
    built, stored = observed.image == stack.image.inputs, stack.mounts[0].source in observed.volumes
    if built or stored:
        verdict = doctor.judge(request, facts, built=built, stored=stored, port_is_ours=ours)
    steps = reconcile(stack, observed, environment=_environment(stack))
    return Prepared(facts, verdict, stack, observed, steps, state, key, token)


def _there(request: Request, facts: HostFacts) -> Prepared:
    uid = facts.privileges.uid.value or 0
    state = State(request.name, home({}, uid))
    verdict = compat.judge(facts, doctor.wish(request), port_is_ours=False)
    key = None if request.listen.loopback and request.api_key_file is None else access.Key(None, new=True)
    token = None if request.weights.token_file is None else "to-be-read"
    stack = stack_for(request, Choice.of(verdict), state, key, token=token, uid=uid)
    observed = Observed(packages=_packages(verdict), engine_up=stack.target is Target.LOCAL or _answers(facts))
    steps = reconcile(stack, observed, environment=_environment(stack))
    return Prepared(facts, verdict, stack, observed, steps, state, key)


def carry_out(
    prepared: Prepared,
    request: Request,
    report: Reporter,
    consent: Consent,
    *,
    ask: licence.Ask = lambda _: False,
    wait_for_model: bool = False,
) -> Outcome:
    """Do what was planned, then prove it.

    The plan is made again under the stack's lock, and once more after the container engine was installed or started:
    only then is it known what the engine holds.

    Args:
        ask: Shows the licences of the weights and returns the answer.
        wait_for_model: Do not end before the engine asked for has spoken itself.

    Raises:
        Failure: The first blocking finding, or that of the step which failed.
    """
    _refuse(prepared, ())  # before the first trace of this stack is left
    clock, proof, notes = Clock(), None, tuple[Finding, ...]()
    if prepared.steps or not _agreed(request, prepared.state):
        with prepared.state.lock():
            request, notes = licence.settle(request, prepared.state, ask)
            prepared = ready_host(request, report, consent, clock=clock)
            try:
                proof = _perform(prepared, request, report, consent, clock)
            except Failure as failure:
                card.refused(failure, prepared.stack, report)
                notes += card.withheld(failure, prepared.stack)
                wish = replace(request, device="cpu", variant=prepared.stack.image.variant)
                prepared = prepare(wish, make_key=True)
                _refuse(prepared, ())
                proof = _perform(prepared, wish, report, consent, clock)
    if any(step.operation is Operation.START_SERVICE for step in prepared.steps):
        with explain.failures(prepared.state, prepared.facts):
            notes += card.inside(prepared.stack, report)
    said = model.look(_client(prepared), prepared.stack)
    if wait_for_model and prepared.stack.engine != needs.BUILT_IN:
        with explain.failures(prepared.state, prepared.facts):
            said, proof = _model(prepared, report, clock)
    prepared.state.remember_wish(wish_of(request))
    prepared.state.key_seen()  # the outcome below shows it
    offered = offer(request, prepared.facts)
    remember(prepared.state, offered)
    return outcome(
        prepared.stack,
        timings=tuple(clock.timings),
        proof=proof,
        findings=(*notes, *prepared.verdict.findings),
        key=prepared.key,
        image_bytes=_image_bytes(prepared.stack) if prepared.steps else None,
        model=said,
        offer=offered,
        changed=bool(prepared.steps),
    )


def _perform(prepared: Prepared, request: Request, report: Reporter, consent: Consent, clock: Clock) -> Proof | None:
    """Carry out the steps; the proof, if that was one of them."""
    work, proof = job(prepared, request, report, consent), None
    with explain.failures(prepared.state, prepared.facts):
        for step in prepared.steps:
            proof = perform(step, work, clock) or proof
    return proof


def _agreed(request: Request, state: State) -> bool:
    """Whether nobody has to be asked about licences."""
    if request.engine == needs.BUILT_IN:
        return True
    return licence.remembered(request, state).accept_license and request.engine in state.licences()


def _client(prepared: Prepared) -> Client:
    return Client(prepared.stack.listen, None if prepared.key is None else prepared.key.value)


def _model(prepared: Prepared, report: Reporter, clock: Clock) -> tuple[model.ModelStatus, Proof]:
    """Wait for the model, then let it speak."""
    client, stack, start = _client(prepared), prepared.stack, time.monotonic()
    said = model.wait(client, stack, report)
    clock.timings.append((model.STEP, time.monotonic() - start))
    report(Event(EventKind.STEP, model.PROOF_STEP, stack.engine))
    start = time.monotonic()
    try:
        proof = model.proof(client, stack, SENTENCE, said.device)
    except BaseException:
        report(Event(EventKind.FAILED, model.PROOF_STEP, stack.engine))
        raise
    clock.timings.append((model.PROOF_STEP, time.monotonic() - start))
    report(Event(EventKind.DONE, model.PROOF_STEP, stack.engine, seconds=clock.timings[-1][1]))
    return said, proof


def ready_host(
    request: Request,
    report: Reporter,
    consent: Consent,
    *,
    clock: Clock | None = None,
    ignore: tuple[str, ...] = (),
) -> Prepared:
    """Plan anew, install or start what the host itself lacks, and plan again: what is left needs no more of the host.

    Args:
        ignore: Prefixes of codes that do not block this undertaking.

    Raises:
        Failure: The first blocking finding, or that of the step which failed.
    """
    prepared = prepare(request, make_key=True)
    _refuse(prepared, ignore)
    work, done = job(prepared, request, report, consent), False
    for step in prepared.steps:
        if step.operation in _HOST_STEPS:
            perform(step, work, clock)
            done = True
    if done:
        prepared = prepare(request, make_key=True)
        _refuse(prepared, ignore)
        if left := [step for step in prepared.steps if step.operation in _HOST_STEPS]:
            raise fail("ENGINE-SETUP-USELESS", left[0].subject, cause=left[0].operation.value)
    return prepared


def _refuse(prepared: Prepared, ignore: tuple[str, ...]) -> None:
    blockers = [finding for finding in prepared.verdict.blockers if not finding.code.startswith(ignore or ("\0",))]
    if blockers:
        raise Failure(*blockers)


def job(prepared: Prepared, request: Request, report: Reporter, consent: Consent) -> Job:
    """What the steps of this plan need."""
    key, facts, verdict = prepared.key, prepared.facts, prepared.verdict
    value, unseen = (key.value, key.new) if key is not None else (None, False)
    return Job(request, facts, verdict, prepared.stack, prepared.state, report, consent, value, unseen, prepared.token)


def _observe(
    request: Request, stack: Stack, state: State, facts: HostFacts, verdict: Verdict, found: Running
) -> Observed:
    from deploy_kit.run import compose, local

    packages = _packages(verdict)
    if stack.target is Target.LOCAL:
        observed = local.observe(stack, state, packages)
        elsewhere = Target.COMPOSE if found.container is not None else None
    else:
        try:
            observed = compose.observe(stack, state, found.container, engine_up=_answers(facts), packages=packages)
            if observed.engine_up and observed.image != stack.image.inputs:
                observed = replace(observed, base=build.base_is_here(request, facts))
        except proc.CommandError as error:
            raise fail("ENGINE-UNREACHABLE-NOW", "docker", reason=error) from None
        elsewhere = Target.LOCAL if found.process is not None else None
    service = observed.service
    ready = service is not None and service.stack == stack.digest and _ready(stack)
    return replace(observed, ready=ready, elsewhere=elsewhere)


def _packages(verdict: Verdict) -> tuple[str, ...]:
    setup = verdict.setup
    return setup.packages.packages if setup is not None and setup.packages is not None else ()


def _answers(facts: HostFacts) -> bool:
    return facts.engine.state.value is EngineState.READY


def _ready(stack: Stack) -> bool:
    reply = Client(stack.listen).ready()
    return reply is not None and reply.status == 200


def _environment(stack: Stack) -> str | None:
    if stack.target is not Target.LOCAL:
        return None
    from deploy_kit.run import local

    return local.environment_digest(stack.image.variant)


def _image_bytes(stack: Stack) -> int | None:
    if stack.target is Target.LOCAL:
        return None
    from deploy_kit.tools import docker

    image = docker.image(stack.image.reference)
    return None if image is None else image.size
