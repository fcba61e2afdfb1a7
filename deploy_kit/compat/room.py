"""Disk, memory and the address: what changes from minute to minute and may stand in the way now."""

from __future__ import annotations

from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen, size
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import Wish
from deploy_kit.data import table
from deploy_kit.facts import DiskFacts, EngineFacts, HostFacts, MemoryFacts, PortFacts, PortTrouble
from deploy_kit.findings import Finding, Severity

_RESERVE = 1_000_000_000


def disks(facts: HostFacts, wish: Wish, *, build_bytes: int | None = None) -> tuple[Finding, ...]:
    """Room for the image (or the local environment), for the state folder, and for the weights.

    Args:
        build_bytes: What making the image takes, instead of the wish's figure.
    """
    large = "state" if wish.target == "local" else "engine"
    room = {"state": int(table("compat")["state_bytes"])}
    made = wish.build_bytes if build_bytes is None else build_bytes
    room[large] = max(made, room.get(large, 0))
    store = "cache" if any(disk.purpose == "cache" for disk in facts.disks) else large
    room[store] = room.get(store, 0) + wish.weights_bytes
    entries = {large: int(table("compat")["inodes"][_kind(wish)])} if made else {}
    findings = (
        finding
        for disk in facts.disks
        for finding in (_disk(disk, room.get(disk.purpose, 0)), _inodes(disk, entries.get(disk.purpose, 0)), _far(disk))
    )
    return tuple(finding for finding in findings if finding is not None)


def _kind(wish: Wish) -> str:
    return "local" if wish.target == "local" else "engine"


def _inodes(disk: DiskFacts, need: int) -> Finding | None:
    free = disk.inodes.value
    if free is None or free >= need:
        return None
    evidence = seen(disk.inodes)
    return Finding.of("HOST-INODES", Severity.BLOCKER, disk.path, evidence=evidence, free=free, need=need,
                      commands=(("df", "-i", disk.path),))  # fmt: skip


def _far(disk: DiskFacts) -> Finding | None:
    """Weights, or the engine's own data, on another machine."""
    if disk.purpose not in ("cache", "engine") or disk.kind.value not in table("compat")["network_disks"]:
        return None
    evidence = seen(disk.kind)
    return Finding.of("HOST-NETWORK-DISK", Severity.WARNING, disk.path, evidence=evidence, kind=disk.kind.value)


def shared(facts: HostFacts, wish: Wish, *, device: str) -> tuple[Finding, ...]:
    """Memory that processes share; only plain processes on a card use the host's."""
    have, need = facts.memory.shared, int(table("compat")["shared_bytes"])
    if wish.target != "local" or device != "cuda" or have.value is None or have.value >= need:
        return ()
    commands = (as_root(facts.privileges, "mount", "-o", f"remount,size={4 * need}", "/dev/shm"),)  # noqa: S108 - named
    return (
        Finding.of("HOST-SHARED-MEMORY", Severity.WARNING, "/dev/shm", evidence=seen(have), commands=commands,  # noqa: S108
                   have=size(have.value), need=size(need)),
    )  # fmt: skip


def _disk(disk: DiskFacts, need: int) -> Finding | None:
    free = disk.free.value
    if free is None or need == 0 or free >= need + _RESERVE:
        return None
    tight = free >= need
    if tight and need < _RESERVE:
        return None
    code, severity = ("HOST-DISK-TIGHT", Severity.WARNING) if tight else ("HOST-DISK", Severity.BLOCKER)
    commands = (("docker", "system", "df"), ("docker", "builder", "prune")) if disk.purpose == "engine" else ()
    evidence = seen(disk.free)
    return Finding.of(code, severity, disk.path, evidence=evidence, commands=commands, free=size(free), need=size(need))


def memory(facts: HostFacts, wish: Wish, *, device: str = "cpu") -> tuple[Finding, ...]:
    """Memory for the service on this device; not judged where the engine runs on another machine.

    A limit that the user set is the user's word: then the figures of the table only warn.
    """
    if wish.target != "local" and _another_machine(facts.engine):
        return ()
    have = _memory(facts.memory, within=wish.target == "local")
    if have is None:
        return ()
    floor, load = int(table("compat")["memory_floor_bytes"]), needs.memory_load(wish.engine, device)
    if have < floor or (have < load and not wish.memory_bytes):
        return (_memory_finding("HOST-MEMORY", Severity.BLOCKER, facts.memory, have, max(load, floor)),)
    if wish.target == "local":  # there is no limit to keep to
        return ()
    limit = wish.memory_bytes or needs.memory_limit(wish.engine, device)
    if wish.memory_bytes and min(limit, have) < load:
        return (_memory_finding("HOST-MEMORY-LIMIT", Severity.WARNING, facts.memory, min(limit, have), load),)
    if have < limit and (wish.memory_bytes or wish.engine == needs.BUILT_IN):
        return (_memory_finding("HOST-MEMORY-TIGHT", Severity.WARNING, facts.memory, have, limit),)
    return ()


def _memory_finding(code: str, severity: Severity, memory: MemoryFacts, have: int, need: int) -> Finding:
    evidence = seen(memory.total, memory.limit)
    return Finding.of(code, severity, "memory", evidence=evidence, have=size(have), need=size(need))


def _memory(memory: MemoryFacts, *, within: bool) -> int | None:
    """What there is; the limit over us counts only when the service will run within it."""
    amounts = (memory.total.value, memory.limit.value if within else None)
    return min((amount for amount in amounts if amount is not None), default=None)


def _another_machine(engine: EngineFacts) -> bool:
    address = engine.endpoint.value
    return engine.kind.value == "docker-desktop" or (address is not None and not address.startswith("unix://"))


def port(facts: HostFacts, wish: Wish, *, ours: bool) -> tuple[Finding, ...]:
    """Whether the address can be published. A system-wide engine may bind low ports for a user who may not."""
    match facts.port.trouble:
        case PortTrouble.TAKEN if not ours:
            return (_taken(facts.port),)
        case PortTrouble.FORBIDDEN if wish.target == "local" or facts.engine.rootless.value:
            return (_port_finding("HOST-PORT-FORBIDDEN", facts.port),)
        case PortTrouble.NO_ADDRESS:
            return (_port_finding("HOST-ADDRESS", facts.port, commands=(("ip", "-brief", "address"),)),)
        case _:
            return ()


def _taken(port: PortFacts) -> Finding:
    if port.holder.value is None:
        return _port_finding("HOST-PORT-TAKEN-UNSEEN", port)
    return _port_finding("HOST-PORT-TAKEN", port, holder=port.holder.value)


def _port_finding(
    code: str, port: PortFacts, commands: tuple[tuple[str, ...], ...] | None = None, **args: object
) -> Finding:
    if commands is None:
        other = port.alternative.value
        commands = (("deploykit", "up", "--listen", address(port.host, other)),) if other else ()
    where = address(port.host, port.port)
    evidence = seen(port.free, port.holder) if port.holder.known else seen(port.free)
    return Finding.of(code, Severity.BLOCKER, where, evidence=evidence, commands=commands, **args)


def address(host: str, port: int | None) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
