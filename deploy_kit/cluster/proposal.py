"""The chart's values for a cluster: only what differs from what holds there anyway, and nothing that the user gave."""

from __future__ import annotations

from typing import Any

from deploy_kit.cluster import gates, hardware, policy, storage, taints
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import NodeFacts
from deploy_kit.cluster.placement import Placed
from deploy_kit.cluster.pools import Group
from deploy_kit.cluster.presets import GENERIC, defaults
from deploy_kit.cluster.storage import Stored
from deploy_kit.cluster.values import at, tree
from deploy_kit.compat.versions import numbers
from deploy_kit.data import table

_MACHINE = "kubernetes.io/arch"
_SYSTEM = "kubernetes.io/os"
_MAJOR = "nvidia.com/gpu.compute.major"
_DRIVER = "nvidia.com/cuda.driver-version.major"
_GIB = 1 << 30


def propose(case: Case, placed: Placed, stored: Stored) -> dict[str, Any]:
    """The values as a tree."""
    usual = defaults(case.preset)
    flat = {
        "platform": case.preset,
        "engine": case.wish.engine,
        "device": placed.device,
        "image.variant": placed.variant,
        **_cards(case, placed),
        **_places(case, placed),
        **_cache(case, stored),
        **{path: _limit(path) for path in policy.unlimited(case)},
    }
    told = {
        path: value
        for path, value in flat.items()
        if case.given(path) is None and (path == "platform" or at(usual, path) != value)
    }
    if case.preset == GENERIC:
        told.pop("platform", None)
    return tree(told)


def _cards(case: Case, placed: Placed) -> dict[str, Any]:
    if placed.device != "cuda":
        return {"gpu.enabled": False, "runtimeClassName": ""}
    found: dict[str, Any] = {"runtimeClassName": _runtime_class(case)}
    if placed.resource:
        found["gpu.resourceName"] = placed.resource
    if placed.dra:
        found["gpu.dra.enabled"] = True
        found["gpu.dra.deviceClassName"] = case.device_class() or table("kubernetes")["dra"]["class"]
    return found


def _runtime_class(case: Case) -> str:
    """The preset's, where the API server has it. On a cluster of one's own, the class that NVIDIA's tools made."""
    classes, usual = case.facts.runtime_classes.value, str(at(defaults(case.preset), "runtimeClassName", ""))
    if classes is None:
        return usual
    names = [one.name for one in classes]
    if case.preset == GENERIC:
        return "nvidia" if "nvidia" in names else ""
    return usual if usual in names else ""


def _places(case: Case, placed: Placed) -> dict[str, Any]:
    """Tolerations, selector and affinity."""
    found: dict[str, Any] = {}
    given = at(defaults(case.preset), "tolerations", [])
    more = taints.needed((one for group in placed.chosen for one in group.taints), given)
    if more:
        found["tolerations"] = [*given, *more]
    selector = _selector(case)
    if selector:
        found["nodeSelector"] = selector
    rules = _apart(placed.chosen, placed.shunned)
    if rules:
        terms = [{"matchExpressions": rules}]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        found["affinity"] = {"nodeAffinity": required}
    return found


def _selector(case: Case) -> dict[str, str]:
    """What keeps pods on nodes of their own kind, where there are others."""
    nodes = case.facts.nodes.value or ()
    machines = {one.architecture for one in nodes if one.architecture}
    found = {_SYSTEM: "linux"} if any(map(hardware.windows, nodes)) else {}
    return found | ({_MACHINE: gates.MODEL_MACHINE} if not case.built_in and len(machines) > 1 else {})


def _apart(chosen: tuple[Group, ...], shunned: tuple[Group, ...]) -> list[dict[str, Any]]:
    """What tells the chosen nodes from those that must be kept off: the capability, the driver, else a label."""
    if not shunned:
        return []
    good, bad = _nodes(chosen), _nodes(shunned)
    for key in (_MAJOR, _DRIVER):
        lowest, highest = _bounds(good, key), _bounds(bad, key)
        if lowest and highest and highest[1] < lowest[0]:
            return [{"key": key, "operator": "Gt", "values": [str(highest[1])]}]
    for key in table("kubernetes")["labels"]["told_apart"]:
        ours, theirs = {one.labels.get(key, "") for one in good}, {one.labels.get(key, "") for one in bad}
        if "" not in ours and not ours & theirs:
            return [{"key": key, "operator": "In", "values": sorted(ours)}]
    return []


def _nodes(found: tuple[Group, ...]) -> list[NodeFacts]:
    return [node for group in found for node in group.nodes]


def _bounds(nodes: list[NodeFacts], key: str) -> tuple[int, int] | None:
    """The least and the greatest whole number under a label; None when a node has none."""
    found = [numbers(one.labels.get(key, ""))[:1] for one in nodes]
    whole = [one[0] for one in found if one]
    return (min(whole), max(whole)) if len(whole) == len(nodes) and whole else None


def _cache(case: Case, stored: Stored) -> dict[str, Any]:
    if case.built_in:
        return {"persistence.enabled": False}
    found: dict[str, Any] = {}
    if stored.storage_class is not None:
        found["persistence.storageClass"] = stored.storage_class
    if stored.access_mode is not None:
        found["persistence.accessMode"] = stored.access_mode
    gib = -(-case.wish.cache_bytes // _GIB) + 1  # a little room beside the weights
    usual = numbers(str(table("kubernetes")["chart"]["values"]["persistence"]["size"]))[0]
    if storage.wanted(case) and gib > usual:
        found["persistence.size"] = f"{gib}Gi"
    return found


def _limit(path: str) -> str:
    """A value for a limit that only a quota asks for: wide enough not to be felt."""
    return {"resources.limits.cpu": "4"}[path]
