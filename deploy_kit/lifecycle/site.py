"""Where a command finds itself: the state of the stack it is about, and what runs of it under which target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_kit import codec, proc
from deploy_kit.client import Client
from deploy_kit.compat.verdict import DeviceRequest, Verdict
from deploy_kit.config.request import Listen, Request
from deploy_kit.data import table
from deploy_kit.errors import fail
from deploy_kit.lifecycle.access import Key
from deploy_kit.plan.resolve import resolve
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.run.state import State, home, key_version

if TYPE_CHECKING:
    from deploy_kit.run.process import Process
    from deploy_kit.tools.docker import ContainerInfo


def state_of(request: Request) -> State:
    """The state folder of the stack that this request names."""
    return State(request.name, home(os.environ, os.getuid()))


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided where the request leaves it open; sizes in bytes."""

    variant: str
    device: str
    gpu: DeviceRequest | None = None
    memory: int = 1 << 30
    pids: int = 256

    @classmethod
    def of(cls, verdict: Verdict) -> Choice:
        """As this host was judged."""
        return cls(verdict.variant, verdict.device, verdict.gpu, verdict.memory_bytes, verdict.pids)

    @classmethod
    def again(cls, request: Request, previous: Stack) -> Choice:
        """As the stack was decided last, for a request whose `wish_of` is the same as then."""
        variant = previous.image.variant if request.variant == "auto" else request.variant
        limits = previous.limits
        device = previous.device if request.device == "auto" else request.device
        return cls(variant, device, previous.gpu, limits.memory, limits.pids)


def wish_of(request: Request) -> str:
    """A digest of what the request says about things that are decided by looking at the host."""
    computing = (request.engine, request.variant, request.device, request.gpus)
    asked = (*computing, request.memory, request.pids, request.target)
    return codec.digest(asked if request.matrix is None else (*asked, request.matrix))


def stack_for(
    request: Request,
    choice: Choice,
    state: State,
    key: Key | None,
    *,
    token: str | None = None,
    uid: int | None = None,
) -> Stack:
    """The stack that serves this request.

    Args:
        token: The hub's token, None without one.
        uid: The user on the host that is planned for; the calling one by default.

    Raises:
        Failure: BUILD-ENGINE-SOURCE, when the engine's source on this host cannot be read.
    """
    from deploy_kit.builder import payload

    identity, image = _engine(request.build.engine_source, choice.variant)
    return resolve(
        request,
        variant=choice.variant,
        device=choice.device,
        inputs=payload.inputs(choice.variant, request.build.base, identity),
        uid=os.getuid() if uid is None else uid,
        folders=(str(state.cache_hub), str(state.outputs), str(state.gpu_hub), str(state.site)),
        secret_version=None if key is None else key.version,
        gpu=choice.gpu,
        memory=choice.memory,
        pids=choice.pids,
        token_version=None if token is None else key_version(token),
        image=image,
    )


def _engine(source: str, variant: str) -> tuple[str, str | None]:
    """What stands for the engine's source in the image's inputs, and the image's name when it is not the usual one."""
    from deploy_kit.builder import payload

    if not payload.has_engine(variant):
        return "", None
    if source == "auto":  # the way of every `up` that has nothing to do
        return str(table("engine_source")["digest"]), None
    from deploy_kit.builder import engine_source

    try:
        name = f"deploykit/standin-{variant}" if engine_source.is_stand_in(source) else None
        return engine_source.identity(source), name
    except OSError as error:
        raise fail("BUILD-ENGINE-SOURCE", source, reason=error.strerror or str(error)) from None


@dataclass(frozen=True, slots=True)
class Running:
    """What exists of a stack: a container, a process, neither, or (after a change of target) both.

    ``trouble`` is why the container engine could not be asked, empty when it was or when there is none.
    """

    container: ContainerInfo | None
    process: Process | None
    trouble: str = ""

    def target(self) -> Target | None:
        """The target under which something exists; a running process goes before a container."""
        if self.process is not None:
            return Target.LOCAL
        return Target.COMPOSE if self.container is not None else None


def running(state: State) -> Running:
    """Look for the stack's container and process. Without an engine there is no container.

    Raises:
        Failure: ENGINE-NAME-TAKEN.
    """
    from deploy_kit.run import compose, local

    try:
        container, trouble = compose.find(state.name) if proc.which("docker") else None, ""
    except proc.CommandError as error:
        container, trouble = None, str(error)
    return Running(container, local.find(state), trouble)


def surely_running(state: State) -> Running:
    """As `running`, for commands that go by the answer: "not there" is only said when somebody could look.

    Raises:
        Failure: ENGINE-NAME-TAKEN, ENGINE-UNREACHABLE-NOW.
    """
    found = running(state)
    stack = state.stack()
    if found.trouble and found.process is None and not (stack is not None and stack.target is Target.LOCAL):
        raise fail("ENGINE-UNREACHABLE-NOW", "docker", reason=found.trouble)
    return found


def holds(found: Running, previous: Stack | None, listen: Listen) -> bool:
    """Whether the port asked for is held by this very stack."""
    if found.container is not None and any(port.endswith(f":{listen.port}") for port in found.container.ports):
        return True
    return found.process is not None and previous is not None and previous.listen.port == listen.port


def client(state: State, request: Request) -> Client:
    """A client of the stack as it was last started; of the request's address when it never was."""
    stack = state.stack()
    listen = stack.listen if stack is not None else request.listen
    return Client(listen, state.key() if stack is None or stack.secret_version else None)
