"""Target compose: the service is one container of a compose project whose file stands in the state folder."""

from __future__ import annotations

import os
from pathlib import Path

from deploy_kit import proc, render
from deploy_kit.errors import fail
from deploy_kit.files import is_file, is_folder
from deploy_kit.plan.observed import Observed, Service, ServiceState, lasting
from deploy_kit.plan.stack import MountKind, Stack
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Reporter, line
from deploy_kit.run import network
from deploy_kit.run.job import Job
from deploy_kit.run.state import State
from deploy_kit.run.wait import Pulse, until_ready
from deploy_kit.tools import compose, docker

_UP_SECONDS = 180.0
"""For making a container; the one that it replaces may end its sentences before."""
_RESTARTS = 3
"""How often a service may fall over while it starts before it counts as unable to."""
_SAID = 50
"""Lines of docker compose that are kept for whoever explains its failure."""


def find(name: str) -> docker.ContainerInfo | None:
    """The container of this stack.

    Raises:
        Failure: ENGINE-NAME-TAKEN, when somebody else's container has the name.
    """
    found = docker.container(name)
    if found is not None and found.labels.get(docker.LABEL_NAME) != name:
        raise fail("ENGINE-NAME-TAKEN", name)
    return found


def observe(
    stack: Stack, state: State, container: docker.ContainerInfo | None, *, engine_up: bool, packages: tuple[str, ...]
) -> Observed:
    """What stands of this stack. A running container with our label proves its image and volumes by itself."""
    files = state.files_digest(stack, rendered(stack, state))
    found = service(container)
    image: str | None = None
    if found is not None and found.state is ServiceState.RUNNING and found.stack == stack.digest:
        image, volumes = found.inputs, frozenset(lasting(stack))
    elif engine_up:
        local = docker.image(stack.image.reference)
        image, volumes = local.labels.get(docker.LABEL_INPUTS) if local is not None else None, _existing(stack)
    else:
        volumes = frozenset(source for source in lasting(stack) if is_folder(Path(source)))
    return Observed(
        packages=packages,
        engine_up=engine_up,
        base=image is not None,
        image=image,
        volumes=volumes,
        files=files,
        secret=state.key_version(),
        token=state.token_version(),
        service=found,
        proved=container is not None and state.proof() == _start_of(container),
        previous=state.stack(),
    )


def settled(stack: Stack, state: State) -> bool:
    """Whether the container runs just this stack from just these files, and this start of it was proved."""
    container = find(stack.name)
    found = service(container)
    if container is None or found is None or found.state is not ServiceState.RUNNING or found.stack != stack.digest:
        return False
    return state.proof() == _start_of(container) and state.files_digest(stack, rendered(stack, state)) == stack.digest


def service(container: docker.ContainerInfo | None) -> Service | None:
    """The container as `reconcile` sees it."""
    if container is None:
        return None
    states = {"running": ServiceState.RUNNING, "restarting": ServiceState.RESTARTING}
    labels = container.labels
    return Service(
        container.id,
        states.get(container.status, ServiceState.STOPPED),
        labels.get(docker.LABEL_STACK, ""),
        labels.get(docker.LABEL_INPUTS, ""),
        container.started_at,
    )


def rendered(stack: Stack, state: State) -> dict[str, str]:
    """The files that `up` writes for this stack."""
    return render.files(stack, secret_file=str(state.key_file), token_file=str(state.token_file))


def _existing(stack: Stack) -> frozenset[str]:
    volumes = docker.volumes()
    return frozenset(
        mount.source
        for mount in stack.mounts
        if (mount.kind is MountKind.VOLUME and mount.source in volumes)
        or (mount.kind is MountKind.BIND and is_folder(Path(mount.source)))
    )


def _start_of(container: docker.ContainerInfo) -> str:
    return f"{container.id} {container.started_at}"


def apply(step: Step, job: Job) -> None:
    """Carry out one step.

    Raises:
        Failure: with the finding of what went wrong; running the same plan again goes on from there.
    """
    match step.operation:
        case Operation.MAKE_SECRET if step.subject == "hub_token":
            assert job.token is not None
            job.state.save_token(job.token, shared_with_group=_needs_group(job))
        case Operation.MAKE_SECRET:
            assert job.key is not None
            job.state.save_key(job.key, shared_with_group=_needs_group(job), unseen=job.key_unseen)
        case Operation.CREATE_VOLUME:
            _create_volume(step.subject, job.stack)
        case Operation.WRITE_FILES:
            job.state.save_files(rendered(job.stack, job.state))
        case Operation.START_SERVICE:
            _start(job)
        case Operation.WAIT_READY:
            _wait(job)
        case _:
            raise AssertionError(f"compose has no step {step.operation.value}")


def _needs_group(job: Job) -> bool:
    """Whether the service's user is another one than the key's owner, so that it reads through group 0."""
    return os.getuid() != job.stack.user or bool(job.facts.engine.rootless.value)


def _create_volume(source: str, stack: Stack) -> None:
    mount = next(mount for mount in stack.mounts if mount.source == source)
    if mount.kind is MountKind.VOLUME:
        docker.call("volume", "create", "--label", "io.deploykit.keep=true", source)
        return
    folder = Path(source)
    try:
        folder.mkdir(parents=True)
        folder.chmod(0o2775)
        if os.getuid() == 0:
            os.chown(folder, -1, 0)
    except OSError as error:
        raise fail("HOST-FOLDER-UNWRITABLE", source, reason=error.strerror or str(error)) from None


def _project(name: str, state: State) -> compose.Project:
    overlays = (render.OVERLAY,) if is_file(state.files / render.OVERLAY) else ()
    return compose.Project(name, state.files, overlays)


def _start(job: Job) -> None:
    found = find(job.stack.name)
    lines: list[str] = []

    def heard(text: str) -> None:
        if text.strip():
            lines.append(text.strip())
            job.report(line(Operation.START_SERVICE.value, text))

    network.save(job.request, job.facts.site, job.stack, job.state, shared_with_group=_needs_group(job))
    previous = job.state.stack()
    leaving = previous.stop_grace_seconds if previous is not None and found is not None else 0.0
    if (
        found is not None and found.status == "restarting"
    ):  # its next try may be a minute away; a new one begins at once
        docker.call("rm", "--force", found.id)
    try:
        _project(job.stack.name, job.state).up(heard, timeout=_UP_SECONDS + leaving)
    except proc.CommandError as error:
        raise _compose_failure(job, lines, error) from None
    job.state.save_stack(job.stack)
    job.state.record("start", stack=job.stack.digest, replaced=found.id if found else None)


def _compose_failure(job: Job, lines: list[str], error: proc.CommandError) -> Exception:
    text = " ".join(lines)
    if "port is already allocated" in text or "address already in use" in text:
        return fail("HOST-PORT-TAKEN-LATE", str(job.stack.listen))
    said = "\n".join(lines[-_SAID:])
    return fail("ENGINE-COMPOSE-FAILED", job.stack.name, reason=lines[-1] if lines else str(error), said=said)


def _wait(job: Job) -> None:
    first = find(job.stack.name)
    before = first.restarts if first is not None else 0

    def pulse() -> Pulse:
        found = find(job.stack.name)
        if found is None:
            return Pulse(False, "")
        alive = found.status in ("running", "created", "restarting") and found.restarts - before < _RESTARTS
        return Pulse(alive, f"{_start_of(found)} {found.restarts}", found.exit_code, found.oom_killed)

    until_ready(job.client, job.stack.name, pulse, lambda count: docker.logs_tail(job.stack.name, count), job.report)


def remember_proof(job: Job) -> None:
    """Note that this very start of the container has spoken."""
    if (found := find(job.stack.name)) is not None:
        job.state.remember_proof(_start_of(found))


def stop(name: str, state: State, stack: Stack | None, report: Reporter) -> bool:
    """Stop and remove the container and its network; volumes stay. False when there was nothing."""
    found = find(name)
    if found is None:
        return False
    grace = stack.stop_grace_seconds if stack is not None else 30.0
    if is_file(state.files / "compose.yaml"):
        _project(name, state).down(lambda text: report(line(Operation.STOP_SERVICE.value, text)), stop_grace=grace)
    if (left := find(name)) is not None:  # the state folder was lost, or its file names another project
        docker.call("stop", "--time", str(round(grace)), left.id, timeout=grace + 30)
        docker.call("rm", left.id)
    return True


def logs(name: str, *, follow: bool, tail: int) -> None:
    """Become ``docker logs``; does not return.

    Raises:
        Failure: ENGINE-NAME-TAKEN; HEALTH-NOT-RUNNING when there is no container.
    """
    found = find(name)
    if found is None:
        raise fail("HEALTH-NOT-RUNNING", name)
    proc.replace(("docker", "logs", "--tail", str(tail), *(("--follow",) if follow else ()), found.id))
