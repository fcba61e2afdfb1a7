"""A cluster of which there is only a description, put into a real API server as if its nodes and agents had spoken."""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import json
from typing import Any

from tests.support.cluster.api import Api, Json, Refused
from tests.support.cluster_recorder import NAMESPACE, Recording

_KINDS = {
    "nodes": ("v1", "Node", "/api/v1/nodes"),
    "pods": ("v1", "Pod", "/api/v1/namespaces/{}/pods"),
    "daemonsets": ("apps/v1", "DaemonSet", "/apis/apps/v1/namespaces/{}/daemonsets"),
    "deployments": ("apps/v1", "Deployment", "/apis/apps/v1/namespaces/{}/deployments"),
    "runtime_classes": ("node.k8s.io/v1", "RuntimeClass", "/apis/node.k8s.io/v1/runtimeclasses"),
    "storage_classes": ("storage.k8s.io/v1", "StorageClass", "/apis/storage.k8s.io/v1/storageclasses"),
    "claims": ("v1", "PersistentVolumeClaim", "/api/v1/namespaces/{}/persistentvolumeclaims"),
    "quotas": ("v1", "ResourceQuota", "/api/v1/namespaces/{}/resourcequotas"),
    "limits": ("v1", "LimitRange", "/api/v1/namespaces/{}/limitranges"),
}
"""Lists of a recording, in the order in which they are made."""

_WITHIN = ("kube-system", "default", NAMESPACE)
_RIGHTS = "/apis/rbac.authorization.k8s.io/v1"


def describe(api: Api, recording: Recording) -> None:
    """Make a cluster without controllers what a recording says; nothing of what was there before stays."""
    clear(api)
    if isinstance(recording.namespace, dict):
        api.post("/api/v1/namespaces", _typed(recording.namespace, "v1", "Namespace"))
    for name, rows in recording.lists.items():
        assert not isinstance(rows, str), "what is refused is no object"
        for row in rows:
            put(api, name, row)
    assert not isinstance(recording.releases, str)
    for row in recording.releases:
        release(api, row)


def put(api: Api, name: str, row: Json) -> None:
    """Make one object of a list of `Recording`, with the state it has."""
    version, kind, place = _KINDS[name]
    whole = _completed(kind, _typed(row, version, kind))
    where = place.format(whole["metadata"].get("namespace", NAMESPACE))
    state = whole.pop("status", None) if kind != "Node" else None
    api.post(where, whole)
    if state:
        api.merge(f"{where}/{whole['metadata']['name']}/status", {"status": state})


def release(api: Api, row: Json) -> None:
    """A release of Helm's, as Helm keeps it."""
    name, number = row["name"], int(row["revision"])
    chart, _, version = row["chart"].rpartition("-")
    moment = "2026-11-20T10:00:00Z"
    content = {
        "name": name, "namespace": row["namespace"], "version": number,
        "info": {"status": row["status"], "first_deployed": moment, "last_deployed": moment},
        "chart": {"metadata": {"name": chart, "version": version, "apiVersion": "v2"}},
    }  # fmt: skip
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode()))
    secret = {
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v{number}",
            "labels": {"owner": "helm", "name": name, "status": row["status"], "version": str(number)},
        },
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(packed).decode()},
    }
    api.post(f"/api/v1/namespaces/{row['namespace']}/secrets", _typed(secret, "v1", "Secret"))


def allow(api: Api, user: str, *rules: tuple[str, str, str], cluster: bool = False) -> None:
    """Rights for a user in the namespace, or everywhere: API group, resources and verbs, each with commas."""
    rows = [
        {"apiGroups": group.split(","), "resources": resources.split(","), "verbs": verbs.split(",")}
        for group, resources, verbs in rules
    ]
    where, prefix = (_RIGHTS, "Cluster") if cluster else (f"{_RIGHTS}/namespaces/{NAMESPACE}", "")
    name = {"metadata": {"name": f"tests-{user}"}}
    version = "rbac.authorization.k8s.io/v1"
    api.post(f"{where}/{prefix.lower()}roles", _typed(name | {"rules": rows}, version, f"{prefix}Role"))
    binding = name | {
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": f"{prefix}Role", "name": f"tests-{user}", "apiGroup": "rbac.authorization.k8s.io"},
    }
    api.post(f"{where}/{prefix.lower()}rolebindings", _typed(binding, version, f"{prefix}RoleBinding"))


def clear(api: Api) -> None:
    """An empty cluster, as after its start."""
    for _, _, place in _KINDS.values():
        for space in _WITHIN if "{}" in place else ("",):
            api.delete(place.format(space))
    api.delete(f"/api/v1/namespaces/{NAMESPACE}/secrets")
    for kind in ("clusterrolebindings", "clusterroles"):
        for one in api.get(f"{_RIGHTS}/{kind}")["items"]:
            if one["metadata"]["name"].startswith("tests-"):
                api.delete(f"{_RIGHTS}/{kind}/{one['metadata']['name']}")
    _drop(api)


def _drop(api: Api) -> None:
    """Remove the namespace; nobody else would let go of it."""
    place = f"/api/v1/namespaces/{NAMESPACE}"
    for kind in ("rolebindings", "roles"):
        api.delete(f"{_RIGHTS}/namespaces/{NAMESPACE}/{kind}")
    with contextlib.suppress(Refused):
        api.get(place)
        api.delete(place)
        without = {"metadata": {"name": NAMESPACE}, "spec": {"finalizers": []}}
        api.put(f"{place}/finalize", _typed(without, "v1", "Namespace"))


def _typed(row: Json, version: str, kind: str) -> Json:
    return {"apiVersion": version, "kind": kind} | copy.deepcopy(row)


def _completed(kind: str, row: Json) -> Json:
    """What the API asks for besides, and no test."""
    meta, spec = row["metadata"], row.get("spec", {})
    if kind in ("DaemonSet", "Deployment"):
        labels = {"app": meta["name"]}
        spec["selector"] = {"matchLabels": labels}
        spec["template"]["metadata"] = {"labels": labels}
    if kind == "Pod":
        for one in spec["containers"]:
            one["image"] = "registry.example/any"
            asked = one["resources"]["requests"]
            one["resources"]["limits"] = {name: count for name, count in asked.items() if "/" in name}
        spec["nodeName"] = spec.get("nodeName") or None
        for one in meta["ownerReferences"]:
            one |= {"apiVersion": "apps/v1", "uid": "00000000-0000-0000-0000-000000000001"}
        for container, one in zip(spec["containers"], row["status"].get("containerStatuses", ())):
            one |= {"name": container["name"], "image": "", "imageID": "", "ready": False, "restartCount": 0}
    if kind in ("DaemonSet", "Deployment"):
        _counted(kind, row["status"], spec)
    if kind == "Node":
        for one in row["status"]["conditions"]:
            one |= {"lastHeartbeatTime": None, "lastTransitionTime": None}
        _informed(row["status"]["nodeInfo"])
    return row


def _counted(kind: str, status: Json, spec: Json) -> None:
    if kind == "DaemonSet":
        status |= {"currentNumberScheduled": status["desiredNumberScheduled"], "numberMisscheduled": 0}
    else:
        status |= {"replicas": spec["replicas"], "updatedReplicas": spec["replicas"]}
        status["availableReplicas"] = status["readyReplicas"]


def _informed(info: dict[str, Any]) -> None:
    for name in ("machineID", "systemUUID", "bootID", "kubeProxyVersion"):
        info.setdefault(name, "")
    info.setdefault("operatingSystem", "linux")
