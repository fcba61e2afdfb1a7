"""Clusters on record in which something stands in the way, each one fault away from one that works."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.cluster_recorder import (
    GROUPS,
    Recording,
    Row,
    claim,
    configuration,
    daemon,
    deployment,
    discovered,
    node,
    pod,
    quota,
    refused,
    space,
    storage,
)

_MIRROR = "registry.example"
_PLUGIN = f"{_MIRROR}/nvidia/k8s-device-plugin:v0.17.4"
_DISK = [storage("longhorn", "driver.longhorn.io", default=True, waits=False)]
_CARD = discovered("NVIDIA-A10", "8.6", 23028)
_SERVER = "10.20.0.10:6443"


def _plugin(ready: int = 1, count: int = 1) -> Row:
    return daemon("nvidia-device-plugin-daemonset", _PLUGIN, count, ready)


def healthy(**lists: Any) -> Recording:
    """One ordinary node, one with an A10, and all that is needed; ``lists`` take the place of its own."""
    usual: dict[str, Any] = {
        "nodes": [node("worker-1"), node("a10-1", labels=_CARD, gpus=1, memory=64)],
        "pods": [pod("web-1", "worker-1", cpu="500m", memory="512Mi")],
        "daemonsets": [_plugin(), daemon("gpu-feature-discovery", _PLUGIN, 1)],
        "deployments": [deployment("metrics-server", f"{_MIRROR}/metrics-server/metrics-server:v0.8.0")],
        "storage_classes": _DISK,
    }
    return Recording(groups=(*GROUPS, "metrics.k8s.io/v1beta1"), lists=usual | lists)


def _with(**more: Any) -> Recording:
    return replace(healthy(), **more)


def _nodes(*gpu_nodes: Row, **lists: Any) -> Recording:
    return healthy(nodes=[node("worker-1"), *gpu_nodes], **lists)


def _deaf(text: str, **more: Any) -> Recording:
    """One that cannot be talked to at all."""
    return _with(version=text, **more)


_REFUSED = "The connection to the server {} was refused - did you specify the right host or port?"
_EMPTY: Row = {"kind": "Config", "clusters": None, "users": None, "contexts": None, "current-context": ""}
_UNTRUSTED = "Unable to connect to the server: tls: failed to verify certificate: x509:"
_NO_FILE = "error: stat /home/ada/.kube/prod: no such file or directory"
_CRASH = "CrashLoopBackOff: back-off 5m0s restarting failed container=main pod=nvidia-device-plugin-x7k2p_kube-system"

BROKEN = {
    "healthy": healthy(),
    # programs and the way there
    "kubectl-missing": _with(kubectl=None),
    "kubectl-old": _with(kubectl="v1.27.3"),
    "helm-missing": _with(helm=None),
    "helm-old": _with(helm="v3.6.3"),
    "kubeconfig-missing": _deaf(
        _REFUSED.format("localhost:8080"),
        config=_EMPTY,
    ),
    "kubeconfig-not-there": _deaf(_NO_FILE, config=_EMPTY),
    "context-not-chosen": _deaf(
        _REFUSED.format("localhost:8080"), config=configuration("test", f"https://{_SERVER}") | {"current-context": ""}
    ),
    "server-refuses": _deaf(_REFUSED.format(_SERVER)),
    "server-silent": _deaf(f"Unable to connect to the server: dial tcp {_SERVER}: i/o timeout"),
    "server-unnamed": _deaf(
        "Unable to connect to the server: dial tcp: lookup api.prod.example on 10.0.0.53:53: no such host",
        config=configuration("prod", "https://api.prod.example:6443"),
    ),
    "certificate-unknown": _deaf(
        f"{_UNTRUSTED} certificate signed by unknown authority"
    ),
    "certificate-expired": _deaf(
        f"{_UNTRUSTED} certificate has expired or is not yet valid: "
        "current time 2026-11-22T10:00:00Z is after 2026-11-20T08:12:44Z"
    ),
    "login-plugin-missing": _deaf(
        "Unable to connect to the server: getting credentials: exec: executable gke-gcloud-auth-plugin not found\n\n"
        "It looks like you are trying to use a client-go credential plugin that is not installed."
    ),
    "login-expired": _deaf(
        "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255"
    ),
    "token-expired": _deaf("error: You must be logged in to the server (Unauthorized)"),
    # the cluster itself
    "too-old": _with(version={"gitVersion": "v1.27.16"}),
    "newer-than-known": _with(version={"gitVersion": "v1.41.0"}),
    "no-nodes": healthy(nodes=[], pods=[]),
    "nodes-not-ready": healthy(
        nodes=[node(f"worker-{n}", ready=False, taints=["node.kubernetes.io/not-ready:NoExecute"]) for n in (1, 2)]
    ),
    "arm-only": healthy(nodes=[node(f"worker-{n}", architecture="arm64") for n in (1, 2)], daemonsets=[]),
    # cards
    "plugin-absent": _nodes(node("a10-1", labels=_CARD), daemonsets=[]),
    "plugin-crashes": _nodes(
        node("a10-1", labels=_CARD),
        daemonsets=[_plugin(ready=0)],
        pods=[pod("plugin-x7k2p", "a10-1", namespace="kube-system", waiting=_CRASH,
                  owner="DaemonSet/nvidia-device-plugin-daemonset")],
    ),
    "card-unhealthy": _nodes(node("a10-1", labels=_CARD, gpus=2, unhealthy={"nvidia.com/gpu": 1})),
    "cards-busy": healthy(pods=[pod("train-0", "a10-1", cpu="4", memory="16Gi", gpu="1")]),
    "card-pascal": _nodes(node("p100-1", labels=discovered("Tesla-P100-PCIE-16GB", "6.0", 16384), gpus=1)),
    "cards-mixed": _nodes(
        node("p100-1", labels=discovered("Tesla-P100-PCIE-16GB", "6.0", 16384), gpus=1),
        node("a10-1", labels=_CARD, gpus=1),
    ),
    "driver-old": _nodes(node("a10-1", labels=discovered("NVIDIA-A10", "8.6", 23028, driver="515.105.01"), gpus=1)),
    "labels-absent": _nodes(node("gpu-1", gpus=1)),
    "card-tainted": _nodes(node("a10-1", labels=_CARD, gpus=1, taints=["dedicated=research:NoSchedule"])),
    "card-cordoned": _nodes(node("a10-1", labels=_CARD, gpus=1, cordoned=True,
                                 taints=["node.kubernetes.io/unschedulable:NoSchedule"])),
    "card-unreachable": _nodes(node("a10-1", labels=_CARD, gpus=1, ready=False, taints=[
        "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"])),
    "k3s-without-class": replace(
        _nodes(node("tower", labels=_CARD | {"k3s.io/hostname": "tower", "node.kubernetes.io/instance-type": "k3s"},
                    gpus=1, provider="k3s://tower", kubelet="v1.34.1+k3s1")),
        version={"gitVersion": "v1.34.1+k3s1"},
    ),
    # storage
    "no-storage-class": healthy(storage_classes=[]),
    "no-default-class": healthy(storage_classes=[storage("fast", "driver.longhorn.io")]),
    "claim-pending": healthy(claims=[claim("deploykit-cache", "gone", phase="Pending")]),
    "cache-kept": healthy(claims=[claim("deploykit-cache", "longhorn", size="40Gi")]),
    # policy
    "namespace-absent": _with(namespace=None),
    "namespace-not-ours-to-make": _with(namespace=None, denied=("create namespaces",)),
    "restricted": _with(namespace=space(enforce="restricted", warn="restricted")),
    "privileged-only-warned": _with(namespace=space(warn="baseline")),
    "quota-spent": healthy(quotas=[
        quota("team", {"requests.nvidia.com/gpu": "2", "requests.memory": "64Gi", "limits.memory": "64Gi"},
              {"requests.nvidia.com/gpu": "2", "requests.memory": "60Gi", "limits.memory": "60Gi"}),
    ]),
    "limits-small": healthy(limits=[{
        "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "2", "memory": "4Gi"}, "min": {"cpu": "50m"}},
                            {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}}]},
    }]),
    "nothing-may-be-made": _with(denied=("create deployments", "patch deployments", "create persistentvolumeclaims")),
    "nodes-hidden": healthy(nodes=refused("nodes"), pods=refused("pods")),
    # what runs there
    "release-stuck": _with(releases=({"name": "deploykit", "namespace": "speech", "revision": "3",
                                      "status": "pending-upgrade", "chart": "deploykit-0.7.0"},)),
    "disk-pressure": _nodes(node("a10-1", labels=_CARD, gpus=1, pressure=("DiskPressure",),
                                 taints=["node.kubernetes.io/disk-pressure:NoSchedule"])),
    "no-room": _nodes(node("a10-1", labels=_CARD, gpus=1, cpu=4, memory=8, disk=10),
                      pods=[pod("db-0", "a10-1", cpu="3500m", memory="6Gi")]),
}  # fmt: skip
