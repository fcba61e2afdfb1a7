"""Whether an address can be bound, who holds it, and the next one that is free."""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import endpoint, whereabouts
from deploy_kit.facts import Fact, PortFacts, PortTrouble, known, not_asked, unknown

if TYPE_CHECKING:
    from deploy_kit.config.request import Listen

_SECONDS = 3.0
_LISTENING = "0A"
_NEIGHBOURS = 20
_FORWARDERS = ("rootlesskit", "rootlessport", "docker-proxy", "slirp4netns", "pasta", "gvproxy", "conmon")
_CONTAINER = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_NOBODY = "65534"
"""The kernel's word for a user that has no name in this namespace."""
_ANY = ("0.0.0.0", "::")  # noqa: S104 - compared, never bound


def observe(context: Context, listen: Listen) -> PortFacts:
    """Try the address; never raises. Where the engine runs on another machine, so does the port: not asked."""
    host, port = (_ANY[0] if listen.host == "*" else listen.host), listen.port
    if away := _away(context):
        return PortFacts(listen.host, port, not_asked(away), not_asked(away))
    trouble, reason = _trouble(context, host, port)
    publisher = _publisher(context, host, port)
    if publisher is not None and trouble is None:
        trouble, reason = PortTrouble.TAKEN, "published by the engine without a listening process"
    source = f"bind {host}:{port}"
    if trouble is None:
        return PortFacts(listen.host, port, known(True, source), known(None, source))
    holder = _holder(context, host, port, publisher) if trouble is PortTrouble.TAKEN else not_asked(reason)
    free = known(False, source, reason)
    return PortFacts(listen.host, port, free, holder, trouble, _alternative(context, host, port, trouble))


def _away(context: Context) -> str:
    """Why a port of the engine is none of ours; empty where it is."""
    address = endpoint.observe(context)
    path = endpoint.socket_path(address)
    if address.known and path is None:
        return "the engine publishes ports on another machine"
    info = _asked(context, path, "/info") if whereabouts.contained(context) else None
    outside = isinstance(info, dict) and whereabouts.outside(context, info)
    return "the engine publishes ports outside of this container" if outside else ""


def _asked(context: Context, path: str | None, request: str) -> Any:
    """The engine's answer, None where it gives none."""
    if path is None:
        return None
    try:
        reply = context.kernel.ask(context.path(path), request, _SECONDS)
        return json.loads(reply.body) if reply.status == 200 else None
    except (OSError, ValueError):
        return None


def _trouble(context: Context, host: str, port: int) -> tuple[PortTrouble | None, str]:
    try:
        context.kernel.bind(host, port)
    except PermissionError as error:
        return PortTrouble.FORBIDDEN, error.strerror or "permission denied"
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        return (PortTrouble.TAKEN if taken else PortTrouble.NO_ADDRESS), error.strerror or str(error)
    return None, ""


def _alternative(context: Context, host: str, port: int, trouble: PortTrouble) -> Fact[int | None]:
    if trouble is PortTrouble.NO_ADDRESS:
        return not_asked("no port of this address can be had")
    start = port if trouble is PortTrouble.TAKEN else 7859
    for candidate in range(start + 1, min(start + 1 + _NEIGHBOURS, 65536)):
        free = _trouble(context, host, candidate)[0] is None
        if free and _publisher(context, host, candidate) is None:
            return known(candidate, f"bind {host}:{candidate}")
    return known(None, f"bind {host}:{start + 1}…", f"{_NEIGHBOURS} ports tried")


def _publisher(context: Context, host: str, port: int) -> str | None:
    """The name of the container that publishes a conflicting address, as far as the engine tells."""
    for row in _containers(context):
        for entry in row.get("Ports") or ():
            if entry.get("PublicPort") == port and entry.get("Type") == "tcp" and _conflict(entry.get("IP", ""), host):
                return _name(row)
    return None


def _containers(context: Context) -> list[dict[str, Any]]:
    rows = _asked(context, endpoint.socket_path(endpoint.observe(context)), "/containers/json")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _name(row: dict[str, Any]) -> str:
    return str((row.get("Names") or ["?"])[0]).lstrip("/")


def _holder(context: Context, host: str, port: int, publisher: str | None) -> Fact[str | None]:
    if publisher is not None:
        return known(f"container {publisher}", "engine /containers/json")
    sockets = dict(_listeners(context, host, port))
    if not sockets:
        return unknown("/proc/net/tcp", "no listening socket to be seen")
    for pid, inode in _open_sockets(context):
        if inode in sockets:
            return _process(context, pid)
    return unknown("/proc/*/fd", _hidden(context, next(iter(sockets.values()))))


def _process(context: Context, pid: int) -> Fact[str | None]:
    """A process by its name, or the container of this engine that it belongs to: one on the host's own network
    publishes nothing."""
    name = f"{(context.read(f'/proc/{pid}/comm') or '?').strip()} ({pid})"
    found = _container_id(context, str(pid))
    if found is None or found == _container_id(context, "self"):
        forwards = name.split(" ", 1)[0] in _FORWARDERS
        return known(name, f"/proc/{pid}/fd", "it forwards for a container of another engine" if forwards else "")
    for row in _containers(context):
        if str(row.get("Id", "")).startswith(found):
            return known(f"container {_name(row)}", f"/proc/{pid}/cgroup", name)
    return known(name, f"/proc/{pid}/cgroup", f"in container {found[:12]}, which is not this engine's")


def _container_id(context: Context, process: str) -> str | None:
    """The container around a process, by the name of its control group."""
    found = _CONTAINER.findall(context.read(f"/proc/{process}/cgroup") or "")
    return found[-1] if found else None


def _hidden(context: Context, uid: str) -> str:
    """Why the holder of a socket is not to be seen, by the user who owns the socket."""
    match = re.search(r"^Uid:\s*\d+\s+(\d+)", context.read("/proc/self/status") or "", re.MULTILINE)
    own = match[1] if match else None
    mapped = (context.read("/proc/self/uid_map") or "").split() != ["0", "0", "4294967295"]
    if uid == _NOBODY and mapped:
        return "a process of a user outside of this namespace"
    if own in ("0", uid):
        return f"a process of user {uid} that is not seen from here: in another container or namespace, or shielded"
    return f"a process of user {uid}, which this user may not look into"


def _listeners(context: Context, host: str, port: int) -> Iterator[tuple[str, str]]:
    """Inode and owner of every listening socket that conflicts with the address."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in (context.read(table) or "").splitlines()[1:]:
            words = row.split()
            if len(words) < 10 or words[3] != _LISTENING:
                continue
            address, _, number = words[1].partition(":")
            if int(number, 16) == port and _conflict(_address(address), host):
                yield words[9], words[7]


def _address(text: str) -> str:
    """The kernel prints addresses as native-endian 32-bit words in hexadecimal."""
    import ipaddress

    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def _conflict(held: str, wanted: str) -> bool:
    wanted = {"localhost": "127.0.0.1"}.get(wanted, wanted)
    held = held.removeprefix("::ffff:")
    return held == wanted or not held or held in _ANY or wanted in _ANY


def _open_sockets(context: Context) -> Iterator[tuple[int, str]]:
    for folder in context.path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for handle in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if match := re.fullmatch(r"socket:\[(\d+)\]", str(handle.readlink())):
                        yield int(folder.name), match[1]
