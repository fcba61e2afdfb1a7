"""One fully resolved deployment. Every renderer reads only this.

Nothing that changes from minute to minute stands here: equal stacks mean nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploy_kit import codec
from deploy_kit.compat.verdict import DeviceRequest
from deploy_kit.config.request import Listen

SCHEMA = 2
PORT = 7860
"""The port inside a container; what the host publishes is `Stack.listen`."""


class Target(str, Enum):
    """Where a stack runs."""

    COMPOSE = "compose"
    LOCAL = "local"


class MountKind(str, Enum):
    VOLUME = "volume"
    BIND = "bind"
    TMPFS = "tmpfs"


@dataclass(frozen=True, slots=True)
class Mount:
    """Storage inside the container. ``external`` volumes outlive the stack; ``size`` is bytes (tmpfs only);
    ``read_only`` is what the user brings, and nobody makes."""

    kind: MountKind
    source: str
    target: str
    external: bool = False
    size: int | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """``reference`` names it locally; ``inputs`` is the sha256 over everything it is made of; ``base`` as asked for."""

    variant: str
    reference: str
    inputs: str
    base: str


@dataclass(frozen=True, slots=True)
class Limits:
    """``memory`` in bytes, ``pids`` a count of processes and threads, ``cpus`` cores or None for all."""

    memory: int
    pids: int
    cpus: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """The health check; times in seconds. ``start_period`` is constant: the built-in voice answers at once."""

    path: str = "/readyz"
    interval: float = 15.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 30.0
    start_interval: float = 1.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployment, resolved. ``user`` is the UID that the service runs as (group 0 in a container);
    ``settings`` the server's environment, sorted; ``secret_version`` and ``token_version`` name the API key and the
    hub's token in force without telling them; ``gpu`` what the container engine is asked for, None on the CPU."""

    schema: int
    name: str
    target: Target
    engine: str
    device: str
    image: Image
    listen: Listen
    user: int
    mounts: tuple[Mount, ...]
    limits: Limits
    probe: Probe
    settings: tuple[tuple[str, str], ...]
    stop_grace_seconds: float
    secret_version: str | None = None
    gpu: DeviceRequest | None = None
    token_version: str | None = None

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON: the ``io.deploykit.stack`` label."""
        return codec.digest(self)
