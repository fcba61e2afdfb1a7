"""Nodes that are alike, put together: for a pod it makes no difference on which of them it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy_kit.cluster import hardware, taints
from deploy_kit.cluster.facts import ClusterFacts, NodeFacts, SliceFacts, Taint
from deploy_kit.cluster.hardware import Cards
from deploy_kit.cluster.verdict import Pool
from deploy_kit.data import table
from deploy_kit.findings import Evidence

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Group:
    """A pool with what is known of it: its nodes, the taints that all of them have, their cards.

    ``marked``: it has NVIDIA's cards, whether or not anybody hands them out. ``resource`` is what pods ask for, empty
    when nobody hands them out; ``dra`` when they are only to be had by a claim.
    """

    name: str
    nodes: tuple[NodeFacts, ...]
    taints: tuple[Taint, ...]
    cards: Cards
    marked: bool
    resource: str
    total: int
    free: int
    dra: bool = False

    @property
    def available(self) -> tuple[NodeFacts, ...]:
        """The nodes that take pods at the moment."""
        return tuple(one for one in self.nodes if available(one))

    @property
    def architectures(self) -> frozenset[str]:
        return frozenset(one.architecture for one in self.nodes if one.architecture)

    def pool(self, *, variant: str = "", reason: str = "") -> Pool:
        """What is told of it."""
        cards = self.cards if self.marked else Cards()
        return Pool(
            self.name,
            tuple(one.name for one in self.nodes),
            cards.product,
            self.resource,
            self.total,
            self.free,
            cards.capability,
            cards.driver,
            self.memory,
            cards.sharing,
            variant,
            reason,
        )

    @property
    def memory(self) -> int:
        """The memory of what a pod gets, bytes: of a card, of a slice, or of a share that MPS keeps apart."""
        whole = hardware.slice_bytes(self.resource) or (self.cards.memory if self.marked else 0)
        return whole // self.cards.replicas if self.cards.sharing == "mps" else whole


def available(node: NodeFacts) -> bool:
    """Whether a node takes new pods at the moment."""
    return node.ready and node.schedulable and not node.pressure and not taints.momentary(node)


def away(node: NodeFacts, selector: Mapping[str, Any]) -> tuple[str, ...]:
    """What a selector asks for and the node has otherwise; of labels that were not recorded nothing is known."""
    return tuple(f"{key}={value}" for key, value in selector.items() if node.labels.get(key, value) != value)


def groups(facts: ClusterFacts, selector: Mapping[str, Any]) -> tuple[Group, ...]:
    """The pools of a cluster, those with cards first; none when the nodes are not known.

    Args:
        selector: The labels that the user's pods ask for: nodes that have them are not alike to those that do not.
    """
    offers = _offers(facts)
    alike: dict[tuple[object, ...], list[NodeFacts]] = {}
    for node in facts.nodes.value or ():
        for resource in hardware.resources(node) or ("",):
            key = (*_key(node, resource, offers.get(node.name)), away(node, selector))
            alike.setdefault(key, []).append(node)
    found, taken = [], set[str]()
    for key, nodes in alike.items():
        resource = str(key[0])
        name = _unique(_name(nodes, resource, offers.get(nodes[0].name)), taken)
        taken.add(name)
        found.append(_group(name, resource, tuple(nodes), offers))
    return tuple(sorted(found, key=lambda one: (not one.marked, one.name)))


def evidence(facts: ClusterFacts, found: Iterable[Group]) -> tuple[Evidence, ...]:
    """Pools as evidence: name, nodes, card."""
    return tuple(Evidence(facts.nodes.source, _line(one)) for one in tuple(found)[:_SHOWN])


def names(found: Iterable[Group]) -> str:
    return listed(one.name for one in found)


def listed(items: Iterable[str]) -> str:
    """Names in a sentence, the first few of many."""
    all_of = list(dict.fromkeys(items))
    return ", ".join(all_of[:_SHOWN]) + (f" … ({len(all_of)})" if len(all_of) > _SHOWN else "")


def _offers(facts: ClusterFacts) -> dict[str, SliceFacts]:
    """What DRA drivers of NVIDIA's offer, by node; a node's slices are summed up."""
    driver, found = table("kubernetes")["dra"]["driver"], dict[str, SliceFacts]()
    for one in facts.slices.value or ():
        if one.driver != driver or not one.node:
            continue
        before = found.get(one.node)
        count = one.count + (before.count if before else 0)
        found[one.node] = SliceFacts(one.driver, one.node, count, (before or one).attributes)
    return found


def _key(node: NodeFacts, resource: str, offer: SliceFacts | None) -> tuple[object, ...]:
    return (
        resource,
        _label(node, "pool"),
        taints.lasting(node),
        node.architecture,
        hardware.windows(node),
        hardware.nvidia(node),
        hardware.read(node, offer),
        offer is not None,
    )


def _group(name: str, resource: str, nodes: tuple[NodeFacts, ...], offers: dict[str, SliceFacts]) -> Group:
    first = nodes[0]
    cards, kept = hardware.read(first, offers.get(first.name)), taints.lasting(first)
    if not resource and first.name in offers:
        total = sum(offers[one.name].count for one in nodes)
        free = sum(offers[one.name].count for one in nodes if available(one))
        return Group(name, nodes, kept, cards, True, "", total, free, dra=True)
    total = sum(one.capacity.get(resource, 0) for one in nodes)
    free = sum(_free(one, resource) for one in nodes if available(one))
    return Group(name, nodes, kept, cards, hardware.nvidia(first), resource, total, free)


def _free(node: NodeFacts, resource: str) -> int:
    return max(node.allocatable.get(resource, 0) - node.requested.get(resource, 0), 0)


def _name(nodes: list[NodeFacts], resource: str, offer: SliceFacts | None) -> str:
    """The platform's name of the pool, or that of its only node or its card."""
    name = _label(nodes[0], "pool")
    if not name:
        card = hardware.read(nodes[0], offer).product.lower().replace(" ", "-")
        name = nodes[0].name if len(nodes) == 1 else card or "nodes"
    sliced = resource.partition("mig-")[2]
    return f"{name} ({sliced})" if sliced else name


def _unique(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name} #{number}" in taken:
        number += 1
    return f"{name} #{number}"


def _label(node: NodeFacts, kind: str) -> str:
    return next((node.labels[key] for key in table("kubernetes")["labels"][kind] if node.labels.get(key)), "")


def _line(one: Group) -> str:
    first = one.nodes[0].name
    parts = [f"{len(one.nodes)} × {first}"] if len(one.nodes) > 1 else [first] if first != one.name else []
    if one.marked:
        parts += [one.cards.product or "?", one.cards.capability or "?"]
    if one.resource:
        parts.append(f"{one.resource} {one.free}/{one.total}")
    parts += [taints.text(taint) for taint in one.taints]
    return f"{one.name}: {', '.join(parts)}" if parts else one.name
