"""The container engine: how far a conversation gets, and what it says about itself.

A local engine is asked over its socket directly, which costs a few milliseconds; any other through the docker client,
which knows ssh and TLS.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from deploy_kit import proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import endpoint, plugins, route, whereabouts
from deploy_kit.facts import EngineFacts, EngineState, Fact, RouteFacts, known, not_asked, unknown

_SECONDS = 8.0
_DAEMON_FILES = ("/etc/docker/daemon.json", "/var/snap/docker/current/config/daemon.json")
_DEFAULT_ROOT = "/var/lib/docker"
_PACKAGES = ("docker-ce", "docker.io", "moby-engine")


@dataclass(frozen=True, slots=True)
class Conversation:
    """What asking the engine gave: the state, why, and on success its ``/info`` and API version."""

    state: EngineState
    source: str
    reason: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    api_version: str = ""
    server: str = ""


def observe(context: Context, pool: Executor) -> tuple[EngineFacts, RouteFacts]:
    """Look at the engine and its ways to a GPU; never raises. The plug-ins are asked meanwhile, in ``pool``."""
    buildx = pool.submit(plugins.version, context, "buildx")
    compose = pool.submit(plugins.version, context, "compose")
    client = _client(context)
    address = endpoint.observe(context)
    daemon = _daemon(context)
    talk = converse(context, address, client, daemon)
    away, rootless = whereabouts.away(context, address, talk.info), _rootless(talk)
    own = whereabouts.private(context, address) if rootless.value is None else rootless.value
    ways = route.observe(context, talk.info, talk.source, rootless=own, away=away)
    facts = EngineFacts(
        state=_state(client, talk),
        client=client,
        endpoint=address,
        version=_told(talk, "ServerVersion"),
        api_version=known(talk.api_version, talk.source) if talk.api_version else unknown(talk.source, "not told"),
        buildx=buildx.result(),
        compose=compose.result(),
        rootless=rootless,
        root=_root(context, talk, address, away),
        mirrors=_mirrors(context, talk, away),
        daemon=daemon,
        kind=_kind(context, client, talk),
        package=_package(context, client),
        cgroup_driver=_told(talk, "CgroupDriver"),
        cgroup_version=_told(talk, "CgroupVersion"),
        default_runtime=_told(talk, "DefaultRuntime"),
    )
    return facts, ways


def converse(context: Context, address: Fact[str], client: Fact[str | None], daemon: Fact[str | None]) -> Conversation:
    """Ask the engine who it is."""
    path = endpoint.socket_path(address)
    if path is not None:
        return _over_socket(context, path, daemon)
    if not address.known:
        return Conversation(EngineState.STOPPED, address.source, address.reason)
    if client.value is None:
        return Conversation(EngineState.NO_CLIENT, client.source, client.reason)
    return _through_client(context, address.value or "")


def _over_socket(context: Context, path: str, daemon: Fact[str | None]) -> Conversation:
    source = f"{path} /info"
    try:
        reply = context.kernel.ask(context.path(path), "/info", _SECONDS)
        info = json.loads(reply.body) if reply.status == 200 else {}
    except PermissionError as error:
        return Conversation(EngineState.FORBIDDEN, path, error.strerror or "permission denied")
    except TimeoutError:
        return Conversation(EngineState.SILENT, path, f"no answer in {_SECONDS:g} s")
    except (FileNotFoundError, ConnectionError, NotADirectoryError) as error:
        absent = EngineState.STOPPED if daemon.value else EngineState.NO_ENGINE
        return Conversation(absent, path, _why(error, daemon))
    except (OSError, ValueError) as error:
        return Conversation(EngineState.SILENT, path, str(error))
    if reply.status != 200:
        return Conversation(EngineState.SILENT, source, f"HTTP {reply.status}")
    return Conversation(
        EngineState.READY, source, "", info, reply.headers.get("api-version", ""), reply.headers.get("server", "")
    )


def _why(error: OSError, daemon: Fact[str | None]) -> str:
    heard = "nobody listens on the socket" if error.errno == errno.ECONNREFUSED else error.strerror or str(error)
    return heard if daemon.value else f"{heard}; {daemon.reason}"


def _through_client(context: Context, address: str) -> Conversation:
    try:
        answer = context.run(("docker", "info", "--format", "{{json .}}"), timeout=_SECONDS, check=False)
        info = json.loads(answer.stdout or "{}")
    except proc.CommandTimeout:
        return Conversation(EngineState.SILENT, "docker info", f"no answer in {_SECONDS:g} s")
    except (proc.CommandError, ValueError) as error:
        return Conversation(EngineState.STOPPED, "docker info", str(error))
    errors = " ".join(info.get("ServerErrors") or ()) or answer.stderr.strip()
    if info.get("ServerVersion"):
        return Conversation(EngineState.READY, "docker info", "", info)
    state = EngineState.FORBIDDEN if "permission denied" in errors.lower() else EngineState.STOPPED
    return Conversation(state, f"docker info ({address})", errors[-300:])


def _state(client: Fact[str | None], talk: Conversation) -> Fact[EngineState]:
    if client.value is None and talk.state is not EngineState.NO_CLIENT:
        heard = "an engine answers" if talk.state is EngineState.READY else f"the engine: {talk.state.value}"
        return known(EngineState.NO_CLIENT, client.source, f"{client.reason}; {heard}")
    return known(talk.state, talk.source, talk.reason)


def _client(context: Context) -> Fact[str | None]:
    path = context.which("docker")
    return known(path, "PATH") if path else known(None, "PATH", "no docker program")


def _daemon(context: Context) -> Fact[str | None]:
    path = context.which("dockerd")
    if path is None and context.path("/snap/docker/current").exists():
        path = "/snap/docker/current"
    return known(path, "PATH") if path else known(None, "PATH", "no dockerd program")


def _told(talk: Conversation, name: str) -> Fact[str]:
    value = talk.info.get(name)
    return known(str(value), talk.source) if value else unknown(talk.source, talk.reason or f"no {name}")


def _rootless(talk: Conversation) -> Fact[bool]:
    if not talk.info:
        return unknown(talk.source, talk.reason)
    return known(any("name=rootless" in option for option in talk.info.get("SecurityOptions") or ()), talk.source)


def _root(context: Context, talk: Conversation, address: Fact[str], away: str) -> Fact[str]:
    """Where images lie, as a path of this host: unknown when the engine stores them elsewhere."""
    if away:
        return unknown(address.source, away)
    if talk.info.get("DockerRootDir"):
        return known(str(talk.info["DockerRootDir"]), talk.source)
    path, settings = _settings(context)
    if isinstance(settings.get("data-root"), str):
        return known(settings["data-root"], path)
    if whereabouts.private(context, address):
        share = context.env.get("XDG_DATA_HOME") or f"{context.home}/.local/share"
        return known(f"{share}/docker", "default of rootless engines")
    return known(_DEFAULT_ROOT, "default")


def _mirrors(context: Context, talk: Conversation, away: str) -> Fact[tuple[str, ...]]:
    if talk.info:
        return known(tuple((talk.info.get("RegistryConfig") or {}).get("Mirrors") or ()), talk.source)
    return unknown(talk.source, away) if away else known(mirrors(context), _settings(context)[0])


def mirrors(context: Context) -> tuple[str, ...]:
    """The registry mirrors of the daemon's configuration file, without asking the daemon."""
    found = _settings(context)[1].get("registry-mirrors")
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def _settings(context: Context) -> tuple[str, dict[str, Any]]:
    """The daemon's own configuration file, for what it cannot be asked; a rootless one has its user's."""
    own = whereabouts.private(context, endpoint.observe(context))
    folder = context.env.get("XDG_CONFIG_HOME") or f"{context.home}/.config"
    places = (f"{folder}/docker/daemon.json",) if own else _DAEMON_FILES
    for path in places:
        try:
            data = json.loads(context.read(path) or "null")
        except ValueError:
            continue
        if isinstance(data, dict):
            return path, data
    return places[0], {}


def _kind(context: Context, client: Fact[str | None], talk: Conversation) -> Fact[str]:
    if "libpod" in talk.server.lower() or "BuildahVersion" in talk.info:
        return known("podman", talk.source, talk.server)
    if client.value and _is_podman(context, client.value):
        return known("podman", client.value, "a wrapper around podman")
    if talk.info.get("OperatingSystem") == "Docker Desktop":
        return known("docker-desktop", talk.source)
    if talk.info or client.value:
        return known("docker", client.value or talk.source)
    return unknown("PATH", "neither client nor engine")


def _is_podman(context: Context, client: str) -> bool:
    path = context.path(client)
    try:
        if path.resolve().name == "podman":
            return True
        with path.open("rb") as program:
            head = program.read(2048)
    except OSError:
        return False
    return head.startswith(b"#!") and b"podman" in head


def _package(context: Context, client: Fact[str | None]) -> Fact[str | None]:
    """By the package manager's file lists, which cost a look each."""
    for name in _PACKAGES:
        if context.path(f"/var/lib/dpkg/info/{name}.list").exists():
            return known(name, "dpkg")
    if context.path("/snap/docker/current").exists():
        return known("snap", "/snap/docker/current")
    if client.value is None:
        return not_asked("no client")
    return known(None, "dpkg", "installed from no package that we know")
