"""Taints and tolerations: what keeps a pod off a node, and what lets it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deploy_kit.cluster.facts import NodeFacts, Taint
from deploy_kit.data import table

Toleration = dict[str, str]

_KEEPS_OFF = ("NoSchedule", "NoExecute")


def passing(taint: Taint) -> bool:
    """One that comes and goes with the node's state; nobody should tolerate it."""
    return taint.key.startswith(tuple(table("kubernetes")["taints"]["passing"]))


def control_plane(taint: Taint) -> bool:
    """One that keeps the control plane's nodes for themselves."""
    return taint.key in table("kubernetes")["taints"]["control_plane"]


def virtual(taint: Taint) -> bool:
    """One of nodes that are no machines (virtual-kubelet, Fargate): other rules hold there for cards and volumes."""
    return taint.key in table("kubernetes")["taints"]["virtual"]


def usual(taint: Taint) -> bool:
    """One that platforms and their guides put on nodes with cards; any other keeps the node for somebody's purpose."""
    return taint.key in table("kubernetes")["taints"]["known"]


def lent(taint: Taint) -> bool:
    """One of nodes that the platform may take away at any time (spot, preemptible)."""
    return taint.key in table("kubernetes")["taints"]["lent"]


def lasting(node: NodeFacts) -> tuple[Taint, ...]:
    """The taints that keep pods off this node as long as nobody changes it, sorted."""
    found = [one for one in node.taints if one.effect in _KEEPS_OFF and not passing(one)]
    return tuple(sorted(found, key=lambda one: (one.key, one.value, one.effect)))


def momentary(node: NodeFacts) -> tuple[Taint, ...]:
    """The taints of its present state."""
    return tuple(one for one in node.taints if one.effect in _KEEPS_OFF and passing(one))


def tolerates(toleration: Mapping[str, Any], taint: Taint) -> bool:
    """Kubernetes' own rule: no key with ``Exists`` tolerates everything, no effect every effect."""
    key, operator = toleration.get("key") or "", toleration.get("operator") or "Equal"
    if toleration.get("effect") not in (None, "", taint.effect):
        return False
    if key and key != taint.key:
        return False
    return operator == "Exists" or bool(key and (toleration.get("value") or "") == taint.value)


def tolerated(tolerations: Iterable[Mapping[str, Any]], taints: Iterable[Taint]) -> bool:
    """Whether pods with these tolerations may be put on a node with these taints."""
    given = tuple(tolerations)
    return all(any(tolerates(one, taint) for one in given) for taint in taints if taint.effect in _KEEPS_OFF)


def needed(taints: Iterable[Taint], given: Iterable[Mapping[str, Any]]) -> tuple[Toleration, ...]:
    """The tolerations that these taints ask for beside those that are given, as narrow as the taints are."""
    have = tuple(given)
    wanted = [_toleration(one) for one in taints if not any(tolerates(other, one) for other in have)]
    return tuple(one for place, one in enumerate(wanted) if one not in wanted[:place])


def text(taint: Taint) -> str:
    """A taint as kubectl writes it: ``sku=gpu:NoSchedule``."""
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


def _toleration(taint: Taint) -> Toleration:
    if taint.value:
        return {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
    return {"key": taint.key, "operator": "Exists", "effect": taint.effect}
