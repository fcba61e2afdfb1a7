"""Whether a node has room for a pod: processor, memory, and disk for the image."""

from __future__ import annotations

from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import NodeFacts
from deploy_kit.cluster.pools import Group
from deploy_kit.compat.evidence import size
from deploy_kit.compat.fault import Fault
from deploy_kit.data import table
from deploy_kit.findings import Evidence

_CPU, _MEMORY, _DISK = "cpu", "memory", "ephemeral-storage"


def needed(case: Case, device: str, variant: str) -> dict[str, int]:
    """What a pod asks a node for: thousandths of a core, bytes of memory, bytes of disk for its image."""
    book = table("kubernetes")
    image = int(book["room"]["image_bytes"].get(variant, 0))
    return {_CPU: int(book["chart"]["requests_cpu"]), _MEMORY: case.memory(device), _DISK: image}


def fault(case: Case, group: Group, device: str, variant: str) -> Fault | None:
    """No node of the pool is large enough even when it is empty."""
    need = needed(case, device, variant)
    if any(not _short(one, need, {}) for one in group.available):
        return None
    return _fault(case, group, need, "CLUSTER-ROOM")


def crowded(case: Case, group: Group, device: str, variant: str) -> Fault | None:
    """Nodes of the pool are large enough, but none has enough left of it at the moment."""
    need = needed(case, device, variant)
    if any(not _short(one, need, one.requested) for one in group.available):
        return None
    return _fault(case, group, need, "CLUSTER-ROOM-TAKEN")


def _short(node: NodeFacts, need: dict[str, int], used: dict[str, int]) -> list[str]:
    """The resources of which a node has too little; those that it does not tell count as enough."""
    told = {name: count - used.get(name, 0) for name, count in node.allocatable.items() if count > 0}
    return [name for name, count in need.items() if name in told and told[name] < count]


def _fault(case: Case, group: Group, need: dict[str, int], code: str) -> Fault:
    """Told of the node that comes nearest."""
    used = {one.name: one.requested if code == "CLUSTER-ROOM-TAKEN" else {} for one in group.available}
    best = min(group.available, key=lambda one: len(_short(one, need, used[one.name])))
    taken = used[best.name]
    lines = [
        f"{name}: {amount(name, max(best.allocatable[name] - taken.get(name, 0), 0))} < {amount(name, need[name])}"
        for name in _short(best, need, taken)
    ]
    proof = tuple(Evidence(case.facts.nodes.source, f"{best.name}: {line}") for line in lines)
    commands = (("kubectl", "describe", "node", best.name),)
    return Fault.of(code, proof, commands, subject=group.name, detail="; ".join(lines))


def amount(name: str, count: int) -> str:
    """A quantity as people read it: cores, bytes with their unit, or pieces."""
    if name.rpartition(".")[2] == _CPU:
        return f"{count / 1000:g}"
    return size(count) if any(word in name for word in (_MEMORY, "storage")) else str(count)
