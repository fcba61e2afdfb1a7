"""A cluster on record: objects as its API shows them, and a runner in which kubectl and helm answer from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploy_kit import proc
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.detect.site import cluster
from deploy_kit.tools import kubectl

Row = dict[str, Any]

NAMESPACE = "speech"
RELEASE = "deploykit"

LISTS = {
    "pods": "/api/v1/pods",
    "nodes": "/api/v1/nodes",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "deployments": "/apis/apps/v1/deployments",
    "runtime_classes": "/apis/node.k8s.io/v1/runtimeclasses",
    "storage_classes": "/apis/storage.k8s.io/v1/storageclasses",
    "claims": f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims",
    "quotas": f"/api/v1/namespaces/{NAMESPACE}/resourcequotas",
    "limits": f"/api/v1/namespaces/{NAMESPACE}/limitranges",
}
GROUPS = (
    "apps/v1", "authorization.k8s.io/v1", "autoscaling/v1", "autoscaling/v2", "batch/v1", "networking.k8s.io/v1",
    "node.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1", "storage.k8s.io/v1",
)  # fmt: skip
NOT_FOUND = "Error from server (NotFound): the server could not find the requested resource"


def refused(what: str, user: str = "dev", group: str = "", scope: str = "at the cluster scope") -> str:
    """As an API server says no."""
    return (
        f'Error from server (Forbidden): {what} is forbidden: User "{user}" cannot list resource "{what}" '
        f'in API group "{group}" {scope}'
    )


@dataclass
class Recording:
    """``lists`` maps a list's name (`LISTS`, or a path) to its rows, or to what kubectl says when it cannot be had;
    ``namespace`` is the namespace's own object, None where there is none, or a text like above; ``may`` says which
    rights are not given; ``config`` and ``version`` are texts where they fail. A program of None is not installed."""

    lists: Mapping[str, list[Row] | str] = field(default_factory=dict)
    version: Row | str = field(default_factory=lambda: {"gitVersion": "v1.36.1"})
    groups: tuple[str, ...] | str = GROUPS
    namespace: Row | str | None = field(default_factory=lambda: {"metadata": {"name": NAMESPACE}})
    denied: tuple[str, ...] = ()
    releases: tuple[Row, ...] | str = ()
    config: Row | str = field(default_factory=lambda: configuration("test", "https://10.0.0.1:6443"))
    kubectl: str | None = "as the server"
    helm: str | None = "v3.21.4"
    page: int = 500
    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def facts(self) -> ClusterFacts:
        return cluster.observe(self, kubeconfig=None, context=None, namespace=NAMESPACE, release=RELEASE)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        input: str | None = None,
        env: Mapping[str, str | None] | None = None,
        check: bool = True,
    ) -> proc.Completed:
        self.asked.append(" ".join(argv))
        self.given.append(input or "")
        assert env == kubectl.ENVIRONMENT, "the user's own defaults would be in force"
        if {"kubectl": self.kubectl, "helm": self.helm}[argv[0]] is None:
            raise proc.CommandMissing(argv, "not found on PATH")
        answer = self._helm(argv) if argv[0] == "helm" else self._kubectl(argv, input)
        return _ended(argv, answer)

    def _helm(self, argv: Sequence[str]) -> Any:
        if "version" in argv:
            return _Plain(self.helm or "")
        return self.releases if isinstance(self.releases, str) else list(self.releases)

    def _kubectl(self, argv: Sequence[str], input: str | None) -> Any:
        if "version" in argv:
            return {"clientVersion": {"gitVersion": self._client()}}
        if "config" in argv:
            return self.config
        if isinstance(self.version, str) and "(Forbidden)" not in self.version:
            return self.version
        if "create" in argv:
            return _Plain(
                "\n".join(json.dumps(self._answered(one), indent=1) for one in json.loads(input or "")["items"])
            )
        return self._raw(argv[argv.index("--raw") + 1])

    def _client(self) -> str:
        if self.kubectl and self.kubectl.startswith("v"):
            return self.kubectl
        return "v1.36.1" if isinstance(self.version, str) else str(self.version["gitVersion"]).partition("-")[0]

    def _answered(self, question: Row) -> Row:
        asked = question["spec"]["resourceAttributes"]
        what = f"{asked['verb']} {asked['resource']}" + (f"/{asked['subresource']}" if "subresource" in asked else "")
        return question | {"status": {"allowed": what not in self.denied}}

    def _raw(self, target: str) -> Any:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/version":
            return self.version
        if path == "/apis":
            return self.groups if isinstance(self.groups, str) else _groups(self.groups)
        if path == f"/api/v1/namespaces/{NAMESPACE}":
            gone = f'Error from server (NotFound): namespaces "{NAMESPACE}" not found'
            return gone if self.namespace is None else self.namespace
        rows = self.lists.get(next((name for name, place in LISTS.items() if place == path), path))
        if rows is None:
            served = path in LISTS.values()
            return {"metadata": {}, "items": []} if served else NOT_FOUND
        return rows if isinstance(rows, str) else self._page(rows, query)

    def _page(self, rows: list[Row], query: Mapping[str, list[str]]) -> Row:
        start = int(query.get("continue", ["0"])[0])
        end = start + min(self.page, int(query["limit"][0]))
        more = {"continue": str(end)} if end < len(rows) else {}
        return {"metadata": more, "items": rows[start:end]}


class _Plain(str):
    """What is printed as it is; any other text is a failure's."""

    __slots__ = ()


def _ended(argv: Sequence[str], answer: Any) -> proc.Completed:
    if isinstance(answer, str) and not isinstance(answer, _Plain):
        return proc.Completed(tuple(argv), 1, "", f"{answer}\n", 0.0)
    text = str(answer) if isinstance(answer, str) else json.dumps(answer)
    return proc.Completed(tuple(argv), 0, text, "", 0.0)


def _groups(names: Sequence[str]) -> Row:
    found: dict[str, list[Row]] = {}
    for name in names:
        found.setdefault(name.partition("/")[0], []).append({"groupVersion": name})
    return {"groups": [{"name": name, "versions": rows} for name, rows in found.items()]}


def configuration(context: str, server: str) -> Row:
    """As ``kubectl config view`` shows it."""
    return {
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": "DATA+OMITTED"}}],
        "users": [{"name": "me", "user": {"token": "REDACTED"}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": "me"}}],
        "current-context": context,
    }


def node(name: str, **more: Any) -> Row:
    """A node: ``labels``, ``taints`` as ``key=value:Effect``, ``gpus`` and other ``resources``, ``unhealthy`` (how many
    of a resource cannot be had), ``cpu``, ``memory`` (GiB), ``ready``, ``pressure``, ``provider``, ``kubelet`` …"""
    extended = {
        name: str(count)
        for name, count in ({"nvidia.com/gpu": more.get("gpus", 0)} | more.get("resources", {})).items()
        if count
    }
    basic = {"cpu": str(more.get("cpu", 8)), "memory": f"{more.get('memory', 32) * 1024 * 1024}Ki", "pods": "110",
             "ephemeral-storage": f"{more.get('disk', 200)}Gi", "hugepages-2Mi": "0"}  # fmt: skip
    fit = {kind: str(int(count) - more.get("unhealthy", {}).get(kind, 0)) for kind, count in extended.items()}
    architecture = more.get("architecture", "amd64")
    usual = {"kubernetes.io/arch": architecture, "kubernetes.io/os": "linux", "kubernetes.io/hostname": name}
    return {
        "metadata": {"name": name, "labels": usual | {"beta.kubernetes.io/os": "linux"} | more.get("labels", {})},
        "spec": {
            "taints": [_taint(text) for text in more.get("taints", ())],
            "providerID": more.get("provider", ""),
            "unschedulable": more.get("cordoned", False),
        },
        "status": {
            "capacity": basic | extended,
            "allocatable": basic | {"cpu": f"{more.get('cpu', 8) * 1000 - 80}m"} | fit,
            "conditions": [
                {"type": "Ready", "status": "True" if more.get("ready", True) else "False"},
                *({"type": kind, "status": "True" if kind in more.get("pressure", ()) else "False"}
                  for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")),
            ],
            "nodeInfo": {
                "kubeletVersion": more.get("kubelet", "v1.36.1"),
                "containerRuntimeVersion": more.get("runtime", "containerd://2.1.4"),
                "osImage": more.get("system", "Ubuntu 24.04.3 LTS"),
                "architecture": architecture,
                "kernelVersion": more.get("kernel", "6.8.0-87-generic"),
            },
        },
    }  # fmt: skip


def _taint(text: str) -> Row:
    place, _, effect = text.rpartition(":")
    key, _, value = place.partition("=")
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


def pod(
    name: str, place: str = "", *, owner: str = "", waiting: str = "", namespace: str = "default", **asked: str
) -> Row:
    """A pod on a node, of a DaemonSet or of a Deployment (``Kind/name``); ``waiting`` is ``Reason: message``."""
    kind, _, controller = owner.partition("/")
    reason, _, message = waiting.partition(": ")
    state = {"waiting": {"reason": reason, "message": message}} if waiting else {"running": {}}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "ownerReferences": [{"kind": kind, "name": controller, "controller": True}] if owner else [],
        },
        "spec": {
            "nodeName": place,
            "containers": [{"name": "main", "resources": {"requests": {_resource(k): v for k, v in asked.items()}}}],
        },
        "status": {"phase": "Pending" if waiting else "Running", "containerStatuses": [{"state": state}]},
    }


def _resource(name: str) -> str:
    return {"gpu": "nvidia.com/gpu", "shared": "nvidia.com/gpu.shared"}.get(name, name)


def daemon(name: str, image: str, count: int, ready: int | None = None, namespace: str = "kube-system") -> Row:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
        "status": {"desiredNumberScheduled": count, "numberReady": count if ready is None else ready},
    }


def deployment(name: str, image: str, namespace: str = "kube-system", ready: int = 1) -> Row:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
        "status": {"readyReplicas": ready},
    }


def storage(name: str, provisioner: str, *, default: bool = False, waits: bool = True, expandable: bool = True) -> Row:
    notes = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "metadata": {"name": name, "annotations": notes},
        "provisioner": provisioner,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer" if waits else "Immediate",
        "allowVolumeExpansion": expandable,
    }


def claim(name: str, storage_class: str, mode: str = "ReadWriteOnce", size: str = "30Gi", phase: str = "Bound") -> Row:
    return {
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": [mode],
            "resources": {"requests": {"storage": size}},
        },
        "status": {"phase": phase},
    }


def runtime_class(name: str, handler: str | None = None) -> Row:
    return {"metadata": {"name": name}, "handler": handler or name}


def space(**labels: str) -> Row:
    """The namespace with its levels of pod security: ``space(enforce="restricted")``."""
    found = {f"pod-security.kubernetes.io/{mode}": level for mode, level in labels.items()}
    return {"metadata": {"name": NAMESPACE, "labels": {"kubernetes.io/metadata.name": NAMESPACE} | found}}


def quota(name: str, hard: Mapping[str, str], used: Mapping[str, str]) -> Row:
    return {"metadata": {"name": name}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def discovered(
    product: str, capability: str, memory: int, count: int = 1, driver: str = "580.95.05", **more: str
) -> Row:
    """The labels of NVIDIA's feature discovery; ``memory`` in MiB."""
    major, minor = capability.split(".")
    first, second, third = driver.split(".")
    return {
        "feature.node.kubernetes.io/pci-10de.present": "true",
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": product,
        "nvidia.com/gpu.family": {"6": "pascal", "7": "turing", "8": "ampere", "9": "hopper", "12": "blackwell"}[major],
        "nvidia.com/gpu.compute.major": major,
        "nvidia.com/gpu.compute.minor": minor,
        "nvidia.com/gpu.count": str(count),
        "nvidia.com/gpu.memory": str(memory),
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/cuda.driver-version.major": first,
        "nvidia.com/cuda.driver-version.minor": second,
        "nvidia.com/cuda.driver-version.revision": third,
        "nvidia.com/cuda.driver-version.full": driver,
        "nvidia.com/gfd.timestamp": "1763870000",
        "nvidia.com/mig.capable": "false",
        **{f"nvidia.com/{name.replace('_', '.')}": text for name, text in more.items()},
    }
