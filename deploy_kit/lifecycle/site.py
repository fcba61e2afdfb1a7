"""Where a command finds itself: the state of the stack it is about, and what runs of it under which target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_kit import proc
from deploy_kit.client import Client
from deploy_kit.config.request import Listen, Request
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


def stack_for(request: Request, variant: str, device: str, state: State, key: Key | None) -> Stack:
    """The stack that serves this request with this variant on this device."""
    from deploy_kit.builder import payload

    return resolve(
        request,
        variant=variant,
        device=device,
        inputs=payload.inputs(variant, request.build.base),
        uid=os.getuid(),
        folders=(str(state.cache_hub), str(state.outputs)),
        secret_version=None if key is None else key.version,
    )


@dataclass(frozen=True, slots=True)
class Running:
    """What exists of a stack: a container, a process, neither, or (after a change of target) both."""

    container: ContainerInfo | None
    process: Process | None

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
        container = compose.find(state.name) if proc.which("docker") else None
    except proc.CommandError:
        container = None
    return Running(container, local.find(state))


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
