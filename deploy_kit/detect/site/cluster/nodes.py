"""Nodes, and what the pods bound to them asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deploy_kit.cluster.facts import NodeFacts, Taint
from deploy_kit.data import table
from deploy_kit.detect.site.cluster.quantity import amounts

_BASIC = ("cpu", "memory", "ephemeral-storage", "pods")


def node(row: Mapping[str, Any], requested: Mapping[str, int]) -> NodeFacts:
    """A node as the API shows it."""
    spec, status = row.get("spec") or {}, row.get("status") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    info = status.get("nodeInfo") or {}
    return NodeFacts(
        name=row["metadata"]["name"],
        ready=conditions.get("Ready") == "True",
        schedulable=not spec.get("unschedulable"),
        labels=_telling(row["metadata"].get("labels") or {}),
        taints=tuple(Taint(one["key"], one.get("value") or "", one["effect"]) for one in spec.get("taints") or ()),
        capacity=_resources(status.get("capacity")),
        allocatable=_resources(status.get("allocatable")),
        requested=dict(sorted(requested.items())),
        pressure=tuple(sorted(name for name, state in conditions.items() if name != "Ready" and state == "True")),
        kubelet=(info.get("kubeletVersion") or "").removeprefix("v"),
        runtime=info.get("containerRuntimeVersion") or "",
        system=info.get("osImage") or "",
        architecture=info.get("architecture") or "",
        kernel=info.get("kernelVersion") or "",
        provider=(spec.get("providerID") or "").partition("://")[0],
    )


def _telling(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that tell of hardware, place, pool and platform."""
    wanted, others = tuple(table("kubectl")["labels"]), table("kubectl")["labels_not"]
    return {name: text for name, text in sorted(labels.items()) if name.startswith(wanted) and name not in others}


def _resources(found: Mapping[str, Any] | None) -> dict[str, int]:
    return {name: count for name, count in sorted(amounts(found).items()) if _counts(name)}


def _counts(name: str) -> bool:
    return name in _BASIC or "/" in name


def requests(pod: Mapping[str, Any]) -> dict[str, int]:
    """What a pod asks of its node, reckoned as the scheduler does: containers run together, with the side-cars before
    them; other containers of the start run one by one."""
    spec = pod.get("spec") or {}
    running: dict[str, int] = {}
    for one in spec.get("containers") or ():
        _add(running, _asked(one))
    beside: dict[str, int] = {}
    most: dict[str, int] = {}
    for one in spec.get("initContainers") or ():
        asked = _asked(one)
        if one.get("restartPolicy") == "Always":
            _add(running, asked)
            _add(beside, asked)
            asked = {}
        _raise(most, _sum(beside, asked))
    _raise(running, most)
    running |= _asked(spec)  # resources of the pod as a whole take the place of those of its containers
    _add(running, amounts(spec.get("overhead")))
    return {name: count for name, count in (running | {"pods": 1}).items() if _counts(name) and count}


def _asked(one: Mapping[str, Any]) -> dict[str, int]:
    """The requests; what only has a limit asks for that much."""
    resources = one.get("resources") or {}
    return amounts(resources.get("limits")) | amounts(resources.get("requests"))


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    result = dict(one)
    _add(result, other)
    return result


def _raise(total: dict[str, int], least: Mapping[str, int]) -> None:
    for name, count in least.items():
        total[name] = max(total.get(name, 0), count)


def by_node(pods: Iterable[tuple[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The sums by node."""
    result: dict[str, dict[str, int]] = {}
    for name, asked in pods:
        _add(result.setdefault(name, {}), asked)
    return result
