"""The docker client, which honours contexts, DOCKER_HOST, ssh and TLS; a local engine is inspected over its socket."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from deploy_kit import http10, proc

_SOCKET = "/var/run/docker.sock"

_NEVER = "0001-"
"""So begins the time stamp of what has not happened."""
QUICK = 20.0
"""Seconds after which an engine that should answer at once counts as silent."""

LABEL_NAME = "io.deploykit.name"
LABEL_STACK = "io.deploykit.stack"
LABEL_INPUTS = "io.deploykit.inputs"
LABEL_VARIANT = "io.deploykit.variant"


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An image in the engine's store; ``size`` is the engine's figure in bytes (uncompressed)."""

    id: str
    size: int
    created: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """A container. ``status`` is the engine's word (``running``, ``exited`` …), ``health`` its health check's, or None;
    ``started_at`` the engine's time stamp, empty before the first start; ``ports`` published addresses as
    ``host:port``; ``error`` why the engine could not start it."""

    id: str
    name: str
    image_id: str
    status: str
    health: str | None
    exit_code: int
    oom_killed: bool
    restarts: int
    started_at: str
    labels: dict[str, str]
    ports: tuple[str, ...]
    error: str = ""


def call(*args: str, timeout: float = QUICK, check: bool = True, input: str | None = None) -> proc.Completed:
    """Run ``docker ARGS``; raises what `proc.run` raises."""
    return proc.run(("docker", *args), timeout=timeout, check=check, input=input)


def stream(
    args: Sequence[str],
    on_line: Callable[[str], None],
    *,
    timeout: float,
    silence: float | None = None,
    env: Mapping[str, str | None] | None = None,
    check: bool = True,
) -> proc.Completed:
    """Run ``docker ARGS`` and pass on each line; raises what `proc.stream` raises."""
    return proc.stream(("docker", *args), on_line, timeout=timeout, silence=silence, env=env, check=check)


def image(reference: str) -> ImageInfo | None:
    """The local image of this name, or None."""
    found = _inspect("image", reference)
    if not found:
        return None
    labels = (found[0].get("Config") or {}).get("Labels") or {}
    return ImageInfo(found[0]["Id"], int(found[0]["Size"]), found[0].get("Created", ""), labels)


def container(reference: str) -> ContainerInfo | None:
    """The container of this name or id, or None."""
    found = _inspect("container", reference)
    return _container(found[0]) if found else None


def volumes() -> frozenset[str]:
    """The names of all volumes."""
    return frozenset(call("volume", "ls", "--quiet").stdout.split())


def logs_tail(container_id: str, lines: int) -> tuple[str, ...]:
    """The last log lines of a container, both streams."""
    result = call("logs", "--tail", str(lines), container_id, check=False)
    return tuple((result.stdout + result.stderr).splitlines()[-lines:])


def _local_socket() -> str | None:
    """The local engine's socket when the client would use just that one, None when only the client knows better."""
    host = os.environ.get("DOCKER_HOST", f"unix://{_SOCKET}")
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")  # noqa: PTH111 - hot path
    if not host.startswith("unix://") or os.environ.get("DOCKER_CONTEXT"):
        return None
    if "DOCKER_HOST" not in os.environ and os.path.exists(f"{folder}/contexts"):  # noqa: PTH110 - hot path
        return None
    return host.removeprefix("unix://")


def _ask(place: str, target: str) -> list[dict[str, Any]] | None:
    """What the engine answers on its socket: one object or none; None when the socket does not do.

    Raises:
        CommandTimeout: The engine accepts the question and does not answer it.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(QUICK)
            line.connect(place)
            status, _, body = http10.get(line, target)
            return [json.loads(body)] if status == 200 else [] if status == 404 else None
    except TimeoutError:  # the client would wait for the same engine all over again
        raise proc.CommandTimeout(("docker",), f"no answer in {QUICK:g} s") from None
    except (OSError, ValueError):
        return None


def _inspect(kind: str, *names: str) -> list[dict[str, Any]]:
    """Inspect by name: over the local socket in a few milliseconds, else through the client."""
    place = _local_socket()
    if place is not None and len(names) == 1:
        found = _ask(place, f"/{kind}s/{quote(names[0])}/json")
        if found is not None:
            return found
    result = call(kind, "inspect", *names, check=False)
    if result.ok:
        return list(json.loads(result.stdout))
    if "no such" in result.stderr.lower():
        return []
    raise proc.CommandFailed(result)


def _container(row: Mapping[str, Any]) -> ContainerInfo:
    state = row["State"]
    bindings = (row.get("NetworkSettings") or {}).get("Ports") or {}
    return ContainerInfo(
        id=row["Id"],
        name=row["Name"].lstrip("/"),
        image_id=row["Image"],
        status=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        exit_code=int(state.get("ExitCode", 0)),
        oom_killed=bool(state.get("OOMKilled")),
        restarts=int(row.get("RestartCount", 0)),
        started_at="" if (started := state.get("StartedAt", "")).startswith(_NEVER) else started,
        labels=row["Config"].get("Labels") or {},
        ports=tuple(sorted({f"{one['HostIp']}:{one['HostPort']}" for some in bindings.values() for one in some or ()})),
        error=state.get("Error") or "",
    )
