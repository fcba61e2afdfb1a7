"""Where a command finds itself: the state of the stack it is about, and what runs of it under which target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_kit import proc
from deploy_kit.client import Client
from deploy_kit.config.request import Listen, Request
from deploy_kit.errors import fail
from deploy_kit.lifecycle.access import Key
from deploy_kit.plan.resolve import resolve
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.run.state import State, home

if TYPE_CHECKING:
    from deploy_kit.run.process import Process
    from deploy_kit.tools.docker import ContainerInfo


def state_of(request: Request) -> State:
    """The state folder of the stack that this request names."""
    return State(request.name, home(os.environ, os.getuid()))


def stack_for(
    request: Request, variant: str, device: str, state: State, key: Key | None, *, uid: int | None = None
) -> Stack:
    """The stack that serves this request with this variant on this device.

    Args:
        uid: The user on the host that is planned for; the calling one by default.
    """
    from deploy_kit.builder import payload

    return resolve(
        request,
        variant=variant,
        device=device,
        inputs=payload.inputs(variant, request.build.base),
        uid=os.getuid() if uid is None else uid,
        folders=(str(state.cache_hub), str(state.outputs)),
        secret_version=None if key is None else key.version,
    )


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
