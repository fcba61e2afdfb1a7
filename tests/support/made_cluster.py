"""Clusters made by hand: a small one that works, and the words to change it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deploy_kit.cluster.facts import (
    ClusterFacts,
    DaemonFacts,
    NamespaceFacts,
    NodeFacts,
    RuntimeClassFacts,
    StorageClassFacts,
    Taint,
)
from deploy_kit.cluster.verdict import ClusterVerdict, Wish
from deploy_kit.data import table
from deploy_kit.facts import Fact, known

GB = 10**9
GIB = 1 << 30
WISH = Wish("indextts-2.5", cache_bytes=8_300_000_000)
GROUPS = ("v1", "apps/v1", "metrics.k8s.io/v1beta1", *(row["group"] for row in table("kubernetes")["groups"]))
PLUGIN = DaemonFacts("device-plugin", "kube-system", "nvidia-device-plugin", "nvcr.io/nvidia/k8s-device-plugin", 1, 1)
WAITING = StorageClassFacts("standard", "rancher.io/local-path", default=True, waits=True)


def taint(text: str) -> Taint:
    """``sku=gpu:NoSchedule`` as a value."""
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return Taint(key, value, effect)


def node(name: str = "node-1", **changes: Any) -> NodeFacts:
    """An ordinary node: 8 cores, 32 GiB, ready. ``taints`` may be texts; capacity follows what is allocatable."""
    usual = {"cpu": 8000, "memory": 32 * GIB, "ephemeral-storage": 100 * GB, "pods": 110}
    allocatable = usual | changes.pop("allocatable", {})
    capacity = allocatable | changes.pop("capacity", {})
    taints = tuple(taint(one) if isinstance(one, str) else one for one in changes.pop("taints", ()))
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": name} | changes.pop(
        "labels", {}
    )
    plain = NodeFacts(name, ready=True, schedulable=True, labels=labels, taints=taints, capacity=capacity,
                      allocatable=allocatable, architecture=labels["kubernetes.io/arch"])  # fmt: skip
    return replace(plain, **changes)


def gfd(
    product: str = "NVIDIA-L4", capability: str = "8.9", driver: str = "580.95.05", mib: int = 23034
) -> dict[str, str]:
    """The labels that NVIDIA's feature discovery writes."""
    major, minor = capability.split(".")
    return {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": product,
        "nvidia.com/gpu.compute.major": major,
        "nvidia.com/gpu.compute.minor": minor,
        "nvidia.com/gpu.memory": str(mib),
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/cuda.driver-version.full": driver,
        "nvidia.com/cuda.driver-version.major": driver.partition(".")[0],
    }


def gpu(name: str = "gpu-1", count: int = 1, resource: str = "nvidia.com/gpu", **changes: Any) -> NodeFacts:
    """A node with cards that a device plug-in hands out."""
    labels = gfd(**changes.pop("card", {})) | changes.pop("labels", {})
    capacity = {resource: count} | changes.pop("capacity", {})
    return node(name, labels=labels, allocatable={resource: count} | changes.pop("allocatable", {}), capacity=capacity,
                **changes)  # fmt: skip


def cluster(*nodes: NodeFacts, **changes: Any) -> ClusterFacts:
    """A cluster that answered everything; values stand for known facts, facts for themselves."""
    usual: dict[str, Any] = {
        "kubectl": "1.36.1",
        "helm": "3.21.4",
        "context": "test",
        "server": "cluster.example:6443",
        "version": "1.36.3",
        "groups": GROUPS,
        "rights": {row["right"]: True for row in table("kubernetes")["rights"]},
        "namespace": NamespaceFacts("default", exists=True),
        "nodes": nodes or (node(), gpu()),
        "daemons": (PLUGIN,),
        "runtime_classes": (),
        "storage_classes": (WAITING,),
        "claims": (),
        "quotas": (),
        "limits": (),
        "device_classes": (),
        "slices": (),
        "release": None,
    }
    facts: dict[str, Any] = {
        name: one if isinstance(one, Fact) else known(one, f"kubectl {name}") for name, one in (usual | changes).items()
    }
    return ClusterFacts(**facts)


def nvidia_class() -> tuple[RuntimeClassFacts, ...]:
    return (RuntimeClassFacts("nvidia", "nvidia"),)


def codes(verdict: ClusterVerdict) -> list[str]:
    """The codes of a verdict in order, without those that are always told."""
    return [one.code for one in verdict.findings if not one.code.startswith(("CLUSTER-PLATFORM", "HOST-EXPECT"))]
