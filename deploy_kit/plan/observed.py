"""What stands on the host of a stack right now: the other half of what `reconcile` compares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploy_kit.plan.stack import MountKind, Stack, Target


class ServiceState(str, Enum):
    """``running`` or one of the ways not to; ``restarting`` means the engine is trying again after a crash."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Service:
    """The service as found: ``id`` and ``started_at`` identify one start, ``stack`` and ``inputs`` are its labels."""

    id: str
    state: ServiceState
    stack: str
    inputs: str
    started_at: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything `reconcile` asks about.

    Attributes:
        packages: System packages that are still missing (engine, or speech library for `Target.LOCAL`).
        engine_up: The container engine answers (always true for `Target.LOCAL`).
        base: The base image of the stack is in the local store.
        image: The ``inputs`` label of the local image (compose) or of the unpacked payload (local), None without one.
        environment: The lock digest of the server's environment (local only), None without one.
        volumes: Which of the stack's external volumes and folders exist.
        files: The digest of the stack when its files stand on disk as rendered; ``other`` when they say something else.
        secret: The version of the API key in the state folder, ``token`` that of the hub's token.
        service: The running or stopped service, None when there is none.
        ready: ``/readyz`` of the running service answers 200.
        proved: This very start of the service has spoken its sentence.
        previous: The stack of the last ``up``, for explaining what changed.
        elsewhere: Another target under which something of this name still exists and must make room.
    """

    packages: tuple[str, ...] = ()
    engine_up: bool = False
    base: bool = False
    image: str | None = None
    environment: str | None = None
    volumes: frozenset[str] = frozenset()
    files: str | None = None
    secret: str | None = None
    token: str | None = None
    service: Service | None = None
    ready: bool = False
    proved: bool = False
    previous: Stack | None = None
    elsewhere: Target | None = None


def lasting(stack: Stack) -> tuple[str, ...]:
    """The storage that must exist before the service and is never removed with it; what the user brings is not ours."""
    kept = (mount for mount in stack.mounts if not mount.read_only)
    return tuple(mount.source for mount in kept if mount.external or mount.kind is MountKind.BIND)


def after(stack: Stack, *, environment: str | None = None) -> Observed:
    """What a successful ``up`` of this stack leaves behind: nothing is left to reconcile."""
    return Observed(
        engine_up=True,
        base=True,
        image=stack.image.inputs,
        environment=environment if stack.target is Target.LOCAL else None,
        volumes=frozenset(lasting(stack)),
        files=stack.digest,
        secret=stack.secret_version,
        token=stack.token_version,
        service=Service("id", ServiceState.RUNNING, stack.digest, stack.image.inputs, "now"),
        ready=True,
        proved=True,
        previous=stack,
    )
