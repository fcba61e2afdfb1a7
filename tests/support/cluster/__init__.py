"""A Kubernetes cluster on one machine, whose parts are the real ones: etcd, the control plane, containerd, the kubelet.

It lives in namespaces of its own (mounts, network, processes), as `tests.support.gpu_host` does: its ports, bridges,
firewall rules and folders are nobody else's, and all of it ends with the process that made it, as by a power cut.

The API server alone takes any node for granted that is described to it (`objects`): that is how clusters are shown of
which there is only a description. With `Cluster.join` one node is real: pods run, a device plugin hands out devices.

By hand: ``python -m tests.support.cluster`` starts one and says how to get at it.
"""

from __future__ import annotations

from tests.support.cluster.cluster import Cluster, made
from tests.support.cluster.programs import lacking

__all__ = ["Cluster", "lacking", "made"]
