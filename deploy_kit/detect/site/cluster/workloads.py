"""Pods in short, and the DaemonSets and Deployments that hand out, label, measure or drive devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy_kit.cluster.facts import DaemonFacts
from deploy_kit.data import table
from deploy_kit.detect.site.cluster.nodes import requests

_DONE = ("Succeeded", "Failed")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Pod:
    """What counts of a pod: its ``node`` (empty: none yet), what it asked of it, whom it belongs to (``namespace``,
    kind and name), and why it does not run (empty: it does)."""

    namespace: str
    node: str
    asked: Mapping[str, int]
    owner: tuple[str, str]
    trouble: str


def pod(row: Mapping[str, Any]) -> Pod:
    """A pod as the API shows it."""
    meta = row["metadata"]
    owners = [one for one in meta.get("ownerReferences") or () if one.get("controller")]
    owner = (owners[0]["kind"], owners[0]["name"]) if owners else ("", "")
    place = (row.get("spec") or {}).get("nodeName") or ""
    return Pod(meta.get("namespace") or "", place, requests(row) if place else {}, owner, _trouble(row))


def is_over(row: Mapping[str, Any]) -> bool:
    """Whether a pod has ended and holds nothing any more."""
    return (row.get("status") or {}).get("phase") in _DONE


def _trouble(row: Mapping[str, Any]) -> str:
    status = row.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            return _said(waiting, (one.get("lastState") or {}).get("terminated"))
    for one in status.get("conditions") or ():
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            return _said(one)
    return ""


def _said(one: Mapping[str, Any], ended: Mapping[str, Any] | None = None) -> str:
    text = f"{one['reason']}: {one.get('message') or ''}".rstrip(": ")
    if ended and ended.get("message"):
        text += f" ({ended['message'].strip()})"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def daemon(row: Mapping[str, Any], pods: Iterable[Pod]) -> DaemonFacts | None:
    """A DaemonSet or Deployment of one of the roles, None for any other."""
    meta, spec, status = row["metadata"], row.get("spec") or {}, row.get("status") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    found = next(
        ((role, one["image"]) for one in containers if (role := _role(meta["name"], one.get("image") or ""))), None
    )
    if found is None:
        return None
    own = [one for one in pods if one.namespace == meta.get("namespace") and _belongs(one.owner, meta["name"])]
    wanted, ready = (
        (status["desiredNumberScheduled"], status.get("numberReady"))
        if "desiredNumberScheduled" in status
        else (spec.get("replicas", 0), status.get("readyReplicas"))
    )
    return DaemonFacts(
        role=found[0],
        namespace=meta.get("namespace") or "",
        name=meta["name"],
        image=found[1],
        wanted=wanted or 0,
        ready=ready or 0,
        trouble=next((one.trouble for one in own if one.trouble), ""),
    )


def _role(name: str, image: str) -> str:
    """By the object's name and the image's path; the registry may be anybody's mirror."""
    path = re.sub(r"(@.*|:[^/:]*)$", "", image)
    text = f"{name} {path}"
    return next((role for role, pattern in table("kubernetes")["components"] if re.search(pattern, text)), "")


def _belongs(owner: tuple[str, str], name: str) -> bool:
    kind, given = owner
    return given == name if kind != "ReplicaSet" else given.rpartition("-")[0] == name
