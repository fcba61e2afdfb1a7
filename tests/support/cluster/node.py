"""One real node: containerd, the kubelet, kube-proxy, and a device plugin whose devices a test makes sick or well."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import stat
import subprocess
import tarfile
from typing import Any

from tests.support import control_groups
from tests.support.cluster import programs
from tests.support.cluster.api import Refused
from tests.support.cluster.control_plane import ControlPlane
from tests.support.cluster.room import ADDRESS, HOME, Room

NAME = "node-a"
GPU = "nvidia.com/gpu"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PAUSE = "docker.io/tests/pause:1"
_SETTLED = {
    "vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000, "kernel/keys/root_maxbytes": 25_000_000,
}  # fmt: skip
"""Settings of the kernel that a kubelet would change, the machine's own; this one finds them as it wants them."""

_CONTAINERD = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{_PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{{plugins}}"
    conf_dir = "{HOME}/cni"
"""
_NETWORK = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}  # fmt: skip


class Node:
    """A node that is ready."""

    def __init__(self, room: Room, plane: ControlPlane, group: str) -> None:
        self._room = room
        self._plane = plane
        self._settle()
        self._containerd()
        self._kubelet(group)
        self._proxy()
        room.until("kubelet", lambda: self._condition("Ready") == "True")

    def offer(self, *healthy: str, sick: tuple[str, ...] = (), mounts: dict[str, str] | None = None) -> None:
        """The device plugin has these devices from now on; ``mounts`` go into each container with one.

        Returns when the node says so.
        """
        paths = [{"host_path": a, "container_path": b, "read_only": True} for a, b in (mounts or {}).items()]
        inventory = {"resource": GPU, "healthy": healthy, "sick": sick, "mounts": paths}
        file = self._room.write("inventory.json", json.dumps(inventory))
        if not self._room.log("device-plugin").exists():
            self._room.start("device-plugin", "device-plugin", f"--inventory={file}")
        wanted = (str(len(healthy) + len(sick)), str(len(healthy)))
        self._room.until("device-plugin", lambda: self._devices() == wanted)

    def load(self, image: bytes) -> None:
        """Put an image into the node, as ``docker save`` writes it."""
        command = self._room.machine.inside("ctr", "--namespace=k8s.io", "images", "import", "-")
        done = subprocess.run(command, input=image, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr.decode()

    def facts(self) -> dict[str, Any]:
        """The node as the API server has it."""
        return self._plane.api.get(f"/api/v1/nodes/{NAME}")

    def _settle(self) -> None:
        """What a kubelet takes for granted, or would set itself."""
        os.mknod(self._room.machine.path("/dev/kmsg"), stat.S_IFCHR | 0o600, os.makedev(1, 11))
        for name, value in _SETTLED.items():
            file = self._room.write(f"settings/{name}", f"{value}\n")
            self._room.machine.run("mount", "--bind", file, f"/proc/sys/{name}")

    def _containerd(self) -> None:
        self._room.write("cni/10-pods.conflist", json.dumps(_NETWORK))
        config = self._room.write("containerd.toml", _CONTAINERD.format(plugins=programs.plugins()))
        self._room.start("containerd", "containerd", "--config", config)
        self._room.until("containerd", self._answers)
        self.load(sandbox_image())

    def _answers(self) -> bool:
        return bool(self._room.machine.run("ctr", "version", check=False).count("Revision") > 1)

    def _kubelet(self, group: str) -> None:
        control_groups.make(group)
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            # The API server has no certificate to show; nobody else reaches this network.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{group}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "clusterDNS": ["10.96.0.10"],
            "clusterDomain": "cluster.local",
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "1s",  # what a device plugin offers is told then
        }
        file = self._room.write("kubelet.yaml", json.dumps(config))
        self._room.start(
            *("kubelet", "kubelet", f"--config={file}", f"--kubeconfig={self._plane.kubeconfig()}"),
            *(f"--hostname-override={NAME}", f"--node-ip={ADDRESS}", f"--cert-dir={HOME}/kubelet-certificates"),
        )

    def _proxy(self) -> None:
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": self._plane.kubeconfig()},
            "hostnameOverride": NAME,
            "mode": "iptables",
            "clusterCIDR": "10.244.0.0/16",
            "iptables": {"minSyncPeriod": "0s"},
            "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }
        self._room.start("kube-proxy", "kube-proxy", f"--config={self._room.write('proxy.yaml', json.dumps(config))}")

    def _condition(self, name: str) -> str:
        try:
            conditions = self.facts().get("status", {}).get("conditions", [])
        except Refused:
            return ""
        return next((str(one["status"]) for one in conditions if one["type"] == name), "")

    def _devices(self) -> tuple[str, str]:
        status = self.facts()["status"]
        return status["capacity"].get(GPU, ""), status["allocatable"].get(GPU, "")


def sandbox_image() -> bytes:
    """The image of a pod's sandbox: one static program, as ``docker save`` would write it."""
    return image(_PAUSE, {"pause": (programs.folder() / "pause").read_bytes()}, ["/pause"])


def image(reference: str, files: dict[str, bytes], entrypoint: list[str]) -> bytes:
    """An image of one layer with these programs."""
    layer = _tar(files, mode=0o755)
    config = {
        "architecture": _ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
    parts = {"config.json": json.dumps(config).encode(), "layer.tar": layer}
    return _tar(parts | {"manifest.json": json.dumps(manifest).encode()}, mode=0o644)


def _tar(files: dict[str, bytes], *, mode: int) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
