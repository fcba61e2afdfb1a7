"""Clusters on record: what the API of each platform shows, in the form its own nodes and objects have.

``tests/clusters/<name>.json`` holds what is seen of each (``--update-golden`` writes them anew).
"""

from __future__ import annotations

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
    runtime_class,
    storage,
)

_MIRROR = "registry.example"
"""Images may come from anybody's mirror; this one is nobody's."""
_PLUGIN = f"{_MIRROR}/nvidia/k8s-device-plugin:v0.17.4"
_METRICS = deployment("metrics-server", f"{_MIRROR}/metrics-server/metrics-server:v0.8.0")
_DRA = ("resource.k8s.io/v1",)
_OBSERVED = ("monitoring.coreos.com/v1",)
_SCALED = ("keda.sh/v1alpha1", "external.metrics.k8s.io/v1beta1")
_ROUTED = ("gateway.networking.k8s.io/v1",)
_METERED = ("metrics.k8s.io/v1beta1",)


def _zone(region: str, zone: str, kind: str) -> Row:
    return {
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
        "node.kubernetes.io/instance-type": kind,
    }


def _gke(name: str, pool: str, kind: str, zone: str = "europe-west4-a", **more: Any) -> Row:
    labels = _zone("europe-west4", zone, kind) | {
        "cloud.google.com/gke-nodepool": pool,
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/gke-container-runtime": "containerd",
        **more.pop("labels", {}),
    }
    return node(
        f"gke-prod-{pool}-{name}", labels=labels, provider=f"gce://proj/{zone}/gke-prod-{pool}-{name}",
        kubelet="v1.33.5-gke.1201000", runtime="containerd://2.0.6", kernel="6.6.105+",
        system="Container-Optimized OS from Google", **more,
    )  # fmt: skip


def _l4(spot: bool = False) -> Row:
    return {
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-accelerator-count": "1",
        "cloud.google.com/gke-gpu-driver-version": "default",
        **({"cloud.google.com/gke-spot": "true"} if spot else {}),
    }


def gke() -> Recording:
    """A GKE cluster with one L4 pool, one of them in use, and a pool of spot nodes."""
    pools = [
        _gke("a1b2", "default", "e2-standard-8"),
        _gke("c3d4", "default", "e2-standard-8", "europe-west4-b"),
        _gke("e5f6", "l4", "g2-standard-8", labels=_l4(), taints=["nvidia.com/gpu=present:NoSchedule"], gpus=1),
        _gke("g7h8", "l4", "g2-standard-8", "europe-west4-b", labels=_l4(), gpus=1,
             taints=["nvidia.com/gpu=present:NoSchedule"]),
        _gke("i9j0", "l4-spot", "g2-standard-8", labels=_l4(spot=True), gpus=1,
             taints=["nvidia.com/gpu=present:NoSchedule", "cloud.google.com/gke-spot=true:NoSchedule"]),
    ]  # fmt: skip
    return Recording(
        version={"gitVersion": "v1.33.5-gke.1201000"},
        config=configuration("gke_proj_europe-west4_prod", "https://10.156.0.2"),
        groups=(*GROUPS, "resource.k8s.io/v1beta2", *_METERED, *_ROUTED, "monitoring.googleapis.com/v1"),
        lists={
            "nodes": pools,
            "pods": [pod("train-0", "gke-prod-l4-e5f6", cpu="4", memory="16Gi", gpu="1"),
                     pod("web-1", "gke-prod-default-a1b2", cpu="500m", memory="512Mi")],
            "daemonsets": [
                daemon("nvidia-gpu-device-plugin-small-cos", f"{_MIRROR}/nvidia-gpu-device-plugin:v1.0.46", 3),
                daemon("nvidia-gpu-device-plugin-large-cos", f"{_MIRROR}/nvidia-gpu-device-plugin:v1.0.46", 0),
                daemon("pdcsi-node", f"{_MIRROR}/gcp-compute-persistent-disk-csi-driver:v1.21.2", 5),
            ],
            "deployments": [_METRICS],
            "runtime_classes": [runtime_class("gvisor", "runsc")],
            "storage_classes": [
                storage("standard-rwo", "pd.csi.storage.gke.io", default=True),
                storage("premium-rwo", "pd.csi.storage.gke.io"),
                storage("standard", "kubernetes.io/gce-pd", waits=False),
                storage("standard-rwx", "filestore.csi.storage.gke.io"),
            ],
            "/apis/resource.k8s.io/v1beta2/deviceclasses": [],
            "/apis/resource.k8s.io/v1beta2/resourceslices": [],
        },
    )  # fmt: skip


def _eks(name: str, kind: str, group: str, zone: str = "eu-central-1a", **more: Any) -> Row:
    labels = _zone("eu-central-1", zone, kind) | {
        "eks.amazonaws.com/nodegroup": group,
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
        "k8s.io/cloud-provider-aws": "0123456789abcdef",
        **more.pop("labels", {}),
    }
    return node(
        f"ip-{name}.eu-central-1.compute.internal", labels=labels, provider=f"aws:///{zone}/i-0{name.replace('-', '')}",
        kubelet="v1.34.1-eks-c39b1d0", runtime="containerd://2.1.4", kernel="6.12.46-66.121.amzn2023.x86_64",
        system="Amazon Linux 2023.9.20251027", **more,
    )  # fmt: skip


_EBS = [storage("gp2", "kubernetes.io/aws-ebs", expandable=False), storage("gp3", "ebs.csi.aws.com", default=True)]


def eks() -> Recording:
    """An EKS cluster with a managed node group of L40S, tainted by its owner, and NVIDIA's plugin with discovery."""
    taints = ["nvidia.com/gpu=true:NoSchedule"]
    card = discovered("NVIDIA-L40S", "8.9", 46068, driver="580.95.05")
    cards = [_eks(f"10-0-{n}-8", "g6e.2xlarge", "gpu", labels=card, taints=taints, gpus=1, memory=64) for n in (20, 21)]
    return Recording(
        version={"gitVersion": "v1.34.1-eks-113cf36"},
        config=configuration(
            "arn:aws:eks:eu-central-1:111122223333:cluster/prod",
            "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
        ),
        groups=(*GROUPS, *_DRA, "vpcresources.k8s.aws/v1beta1", *_OBSERVED, *_METERED),
        lists={
            "nodes": [_eks("10-0-10-7", "m7i.2xlarge", "system"), *cards],
            "pods": [pod("web-1", "ip-10-0-10-7.eu-central-1.compute.internal", cpu="500m", memory="512Mi")],
            "daemonsets": [
                daemon("nvidia-device-plugin", _PLUGIN, 2),
                daemon("nvidia-device-plugin-gpu-feature-discovery", _PLUGIN, 2),
                daemon("aws-node", f"{_MIRROR}/amazon-k8s-cni:v1.20.3", 3),
            ],
            "deployments": [
                _METRICS, deployment("prometheus-operator", f"{_MIRROR}/prometheus-operator:v0.86.1", "monitoring"),
            ],
            "storage_classes": [*_EBS, storage("efs", "efs.csi.aws.com", waits=False)],
            "/apis/resource.k8s.io/v1/deviceclasses": [],
            "/apis/resource.k8s.io/v1/resourceslices": [],
        },
    )  # fmt: skip


def eks_auto() -> Recording:
    """EKS Auto Mode: Karpenter and the plugin are built in, no component of them is to be seen."""

    def auto(name: str, pool: str, kind: str, **more: Any) -> Row:
        labels = _zone("us-west-2", "us-west-2c", kind) | {
            "eks.amazonaws.com/compute-type": "auto",
            "karpenter.sh/nodepool": pool,
            "karpenter.sh/capacity-type": "on-demand",
            "eks.amazonaws.com/instance-family": kind.partition(".")[0],
            **more.pop("labels", {}),
        }
        return node(
            name, labels=labels, provider=f"aws:///us-west-2c/{name}", kubelet="v1.33.5-eks-ba24e9c",
            runtime="containerd://2.0.6+bottlerocket", kernel="6.12.53",
            system="Bottlerocket (EKS Auto, Nvidia) 2025.10.28 (aws-k8s-1.33)", **more,
        )  # fmt: skip

    card = {
        "eks.amazonaws.com/instance-gpu-name": "l4", "eks.amazonaws.com/instance-gpu-manufacturer": "nvidia",
        "eks.amazonaws.com/instance-gpu-count": "1", "eks.amazonaws.com/instance-gpu-memory": "22888",
    }  # fmt: skip
    return Recording(
        version={"gitVersion": "v1.33.5-eks-113cf36"},
        config=configuration("auto", "https://FEDCBA9876543210.gr7.us-west-2.eks.amazonaws.com"),
        groups=(*GROUPS, "eks.amazonaws.com/v1", "karpenter.sh/v1", *_METERED),
        lists={
            "nodes": [
                auto("i-0aa1", "general-purpose", "c6g.large", architecture="arm64", cpu=2, memory=4),
                auto("i-0bb2", "gpu", "g6.2xlarge", labels=card, taints=["nvidia.com/gpu=:NoSchedule"], gpus=1),
            ],
            "pods": [],
            "deployments": [_METRICS],
            "storage_classes": [storage("auto-ebs-sc", "ebs.csi.eks.amazonaws.com", default=True)],
        },
    )  # fmt: skip


def _aks(name: str, pool: str, kind: str, **more: Any) -> Row:
    labels = _zone("westeurope", "westeurope-1", kind) | {
        "kubernetes.azure.com/agentpool": pool,
        "kubernetes.azure.com/mode": "system" if pool == "system" else "user",
        "kubernetes.azure.com/cluster": "MC_speech_prod_westeurope",
        "agentpool": pool,
        **more.pop("labels", {}),
    }
    return node(
        f"aks-{pool}-{name}", labels=labels, provider="azure:///subscriptions/0000/resourceGroups/mc/providers/x",
        kubelet="v1.33.5", runtime="containerd://1.7.28-1", kernel="5.15.0-1098-azure", system="Ubuntu 22.04.5 LTS",
        **more,
    )  # fmt: skip


def aks() -> Recording:
    """An AKS cluster: T4 nodes with the taint of Azure's documents and NVIDIA's plain plugin, spot nodes with A100."""
    card = {"kubernetes.azure.com/accelerator": "nvidia", "accelerator": "nvidia"}
    spot = {"kubernetes.azure.com/scalesetpriority": "spot"}
    cards = [
        _aks("31894572-vmss000000", "gput4", "Standard_NC8as_T4_v3", labels=card, gpus=1, memory=56,
             taints=["sku=gpu:NoSchedule"]),
        _aks("27711902-vmss000000", "gpuspot", "Standard_NC24ads_A100_v4", labels=card | spot, gpus=1, cpu=24,
             memory=220, taints=["sku=gpu:NoSchedule", "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"]),
    ]  # fmt: skip
    return Recording(
        version={"gitVersion": "v1.33.5"},
        config=configuration("prod", "https://prod-dns-0a1b2c3d.hcp.westeurope.azmk8s.io:443"),
        groups=(*GROUPS, *_METERED, *_SCALED, "karpenter.azure.com/v1beta1"),
        lists={
            "nodes": [_aks("10000001-vmss000000", "system", "Standard_D8s_v5"), *cards],
            "pods": [pod("coredns-1", "aks-system-10000001-vmss000000", cpu="100m", memory="70Mi")],
            "daemonsets": [daemon("nvidia-device-plugin-daemonset", _PLUGIN, 2, namespace="gpu-resources")],
            "deployments": [_METRICS, deployment("keda-operator", f"{_MIRROR}/kedacore/keda:2.17.2")],
            "runtime_classes": [runtime_class("kata-mshv-vm-isolation", "kata")],
            "storage_classes": [
                storage("default", "disk.csi.azure.com", default=True),
                storage("managed-csi", "disk.csi.azure.com"),
                storage("azurefile-csi", "file.csi.azure.com", waits=False),
            ],
        },
    )  # fmt: skip


def oke() -> Recording:
    """An OKE cluster: the shape is all that names the card."""

    def one(name: str, kind: str, pool: str, **more: Any) -> Row:
        labels = _zone("eu-frankfurt-1", "EU-FRANKFURT-1-AD-1", kind) | {"oke.oraclecloud.com/pool.name": pool}
        return node(
            name, labels=labels | {"oci.oraclecloud.com/fault-domain": "FAULT-DOMAIN-1"},
            provider="ocid1.instance.oc1.eu-frankfurt-1.anxx", kubelet="v1.33.1", runtime="cri-o://1.33.4",
            system="Oracle Linux Server 8.10", kernel="5.15.0-313.189.5.el8uek.x86_64", **more,
        )  # fmt: skip

    return Recording(
        version={"gitVersion": "v1.33.1"},
        config=configuration("context-c2a", "https://130.61.0.1:6443"),
        groups=(*GROUPS, *_METERED),
        lists={
            "nodes": [
                one("10.0.10.11", "VM.Standard.E5.Flex", "system"),
                one("10.0.10.21", "VM.GPU.A10.1", "gpu", gpus=1, memory=240,
                    taints=["nvidia.com/gpu=present:NoSchedule"]),
            ],
            "pods": [],
            "daemonsets": [
                daemon("nvidia-gpu-device-plugin", f"{_MIRROR}/oke-public-nvidia-k8s-device-plugin:v0.17.2", 1),
            ],
            "storage_classes": [
                storage("oci", "oracle.com/oci", waits=False),
                storage("oci-bv", "blockvolume.csi.oraclecloud.com", default=True),
            ],
        },
    )  # fmt: skip


def k3s() -> Recording:
    """A home laboratory: one k3s server, one agent with an RTX 4090, the runtime class that k3s makes by itself."""
    labels = {"node.kubernetes.io/instance-type": "k3s", "k3s.io/hostname": "tower"}
    master = {"node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/master": "true"}
    usual = {"kubelet": "v1.34.1+k3s1", "runtime": "containerd://2.1.4-k3s2", "system": "Debian GNU/Linux 13 (trixie)"}
    card = discovered("NVIDIA-GeForce-RTX-4090", "8.9", 24564)
    return Recording(
        version={"gitVersion": "v1.34.1+k3s1"},
        config=configuration("default", "https://127.0.0.1:6443"),
        groups=(*GROUPS, *_DRA, "helm.cattle.io/v1", "k3s.cattle.io/v1", "traefik.io/v1alpha1", *_METERED),
        lists={
            "nodes": [
                node("nas", labels=labels | master, provider="k3s://nas", cpu=4, memory=16, **usual),
                node("tower", labels=labels | card, provider="k3s://tower", gpus=1, memory=64, **usual),
            ],
            "pods": [pod("coredns-1", "nas", cpu="100m", memory="70Mi", namespace="kube-system")],
            "daemonsets": [
                daemon("nvidia-device-plugin", _PLUGIN, 1, namespace="nvidia-device-plugin"),
                daemon("nvidia-device-plugin-gpu-feature-discovery", _PLUGIN, 1, namespace="nvidia-device-plugin"),
            ],
            "deployments": [_METRICS],
            "runtime_classes": [runtime_class(name) for name in ("nvidia", "nvidia-experimental", "crun", "spin")],
            "storage_classes": [storage("local-path", "rancher.io/local-path", default=True, expandable=False)],
            "claims": [claim("deploykit-cache", "local-path", size="40Gi")],
            "/apis/resource.k8s.io/v1/deviceclasses": [],
            "/apis/resource.k8s.io/v1/resourceslices": [],
        },
    )  # fmt: skip


def _operator(*extra: Row, nodes: int) -> list[Row]:
    own, base = "gpu-operator", f"{_MIRROR}/nvidia"
    return [
        daemon("nvidia-device-plugin-daemonset", f"{base}/k8s-device-plugin:v0.20.0", nodes, namespace=own),
        daemon("gpu-feature-discovery", f"{base}/k8s-device-plugin:v0.20.0", nodes, namespace=own),
        daemon("nvidia-container-toolkit-daemonset", f"{base}/container-toolkit:v1.20.0", nodes, namespace=own),
        daemon("nvidia-driver-daemonset", f"{base}/driver:580.95.05-ubuntu24.04", nodes, namespace=own),
        daemon("nvidia-dcgm-exporter", f"{base}/dcgm-exporter:4.4.1", nodes, namespace=own),
        daemon("nvidia-operator-validator", f"{base}/gpu-operator:v26.7.0", nodes, namespace=own),
        *extra,
    ]  # fmt: skip


_OPERATOR = deployment("gpu-operator", f"{_MIRROR}/nvidia/gpu-operator:v26.7.0", "gpu-operator")
_OPERATOR_CLASSES = [runtime_class(name) for name in ("nvidia", "nvidia-cdi", "nvidia-legacy")]
_CONTROL = {"node-role.kubernetes.io/control-plane": ""}
_KEPT = ["node-role.kubernetes.io/control-plane:NoSchedule"]


def kubeadm_mig() -> Recording:
    """Kubeadm with NVIDIA's operator; an H100 cut into slices of two sizes beside whole cards."""
    whole = discovered("NVIDIA-H100-80GB-HBM3", "9.0", 81559, 8, mig_capable="true", mig_strategy="mixed")
    cut = whole | {
        "nvidia.com/mig.config": "all-balanced", "nvidia.com/mig.config.state": "success", "nvidia.com/gpu.count": "2",
        "nvidia.com/mig-1g.10gb.count": "4", "nvidia.com/mig-1g.10gb.memory": "9728",
        "nvidia.com/mig-1g.10gb.product": "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb",
        "nvidia.com/mig-3g.40gb.count": "2", "nvidia.com/mig-3g.40gb.memory": "40192",
        "nvidia.com/mig-3g.40gb.product": "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb",
    }  # fmt: skip
    return Recording(
        config=configuration("kubernetes-admin@kubernetes", "https://10.20.0.10:6443"),
        groups=(*GROUPS, *_DRA, "nvidia.com/v1", "nfd.k8s-sigs.io/v1alpha1", *_OBSERVED, *_METERED),
        lists={
            "nodes": [
                node("cp-1", labels=_CONTROL, taints=_KEPT, cpu=4, memory=16),
                node("dgx-1", labels=whole, gpus=8, cpu=112, memory=2048),
                node("dgx-2", labels=cut, resources={"nvidia.com/mig-1g.10gb": 4, "nvidia.com/mig-3g.40gb": 2},
                     cpu=112, memory=2048),
            ],
            "pods": [pod(f"train-{n}", "dgx-1", cpu="12", memory="180Gi", gpu="1") for n in range(8)]
            + [pod("small-1", "dgx-2", **{"nvidia.com/mig-1g.10gb": "1"})],
            "daemonsets": _operator(
                daemon("nvidia-mig-manager", f"{_MIRROR}/nvidia/k8s-mig-manager:v0.13.0", 2, namespace="gpu-operator"),
                nodes=2,
            ),
            "deployments": [_OPERATOR, _METRICS],
            "runtime_classes": _OPERATOR_CLASSES,
            "storage_classes": [
                storage("nfs-client", "k8s-sigs.io/nfs-subdir-external-provisioner", default=True, waits=False),
            ],
            "/apis/resource.k8s.io/v1/deviceclasses": [],
            "/apis/resource.k8s.io/v1/resourceslices": [],
        },
    )  # fmt: skip


def time_slicing() -> Recording:
    """One A10 handed out four times, under the name that the plugin gives shared cards."""
    card = discovered(
        "NVIDIA-A10-SHARED", "8.6", 23028, driver="570.195.03", gpu_replicas="4",
    ) | {"nvidia.com/gpu.sharing-strategy": "time-slicing"}  # fmt: skip
    return Recording(
        groups=(*GROUPS, *_DRA, *_METERED),
        lists={
            "nodes": [
                node("cp-1", labels=_CONTROL), node("a10-1", labels=card, resources={"nvidia.com/gpu.shared": 4}),
            ],
            "pods": [pod("ollama-0", "a10-1", cpu="2", memory="8Gi", shared="1")],
            "daemonsets": [daemon("nvidia-device-plugin", _PLUGIN, 1), daemon("gpu-feature-discovery", _PLUGIN, 1)],
            "storage_classes": [storage("longhorn", "driver.longhorn.io", default=True, waits=False)],
            "/apis/resource.k8s.io/v1/deviceclasses": [],
            "/apis/resource.k8s.io/v1/resourceslices": [],
        },
    )  # fmt: skip


def _slice(place: str, count: int) -> Row:
    def device(number: int) -> Row:
        return {
            "name": f"gpu-{number}",
            "attributes": {
                "type": {"string": "gpu"},
                "uuid": {"string": f"GPU-0000000{number}-4b1d-9c55-0e3a-7d2f61c08e01"},
                "productName": {"string": "NVIDIA L40S"},
                "brand": {"string": "Nvidia"},
                "architecture": {"string": "Ada Lovelace"},
                "cudaComputeCapability": {"version": "8.9.0"},
                "driverVersion": {"version": "580.95.5"},
                "cudaDriverVersion": {"version": "13.0.0"},
                "resource.kubernetes.io/pcieRoot": {"string": "pci0000:00"},
            },
            "capacity": {"memory": {"value": "46068Mi"}},
        }

    return {
        "metadata": {"name": f"{place}-gpu.nvidia.com-x"},
        "spec": {"driver": "gpu.nvidia.com", "nodeName": place, "devices": [device(n) for n in range(count)]},
    }


def dra() -> Recording:
    """Cards that only dynamic resource allocation hands out: no extended resource anywhere."""
    present = {"nvidia.com/gpu.present": "true", "feature.node.kubernetes.io/pci-10de.present": "true"}
    classes = ("compute-domain-daemon.nvidia.com", "gpu.nvidia.com", "mig.nvidia.com")
    return Recording(
        version={"gitVersion": "v1.36.1"},
        groups=(*GROUPS, *_DRA, "resource.nvidia.com/v1beta1", *_METERED),
        lists={
            "nodes": [
                node("cp-1", labels=_CONTROL, taints=_KEPT, kubelet="v1.36.1"),
                *(node(name, labels=present, kubelet="v1.36.1", memory=128) for name in ("l40s-1", "l40s-2")),
            ],
            "pods": [pod("web-1", "l40s-1", cpu="500m", memory="512Mi")],
            "daemonsets": [
                daemon("nvidia-dra-driver-gpu-kubelet-plugin", f"{_MIRROR}/dra-driver-nvidia-gpu:v0.4.0", 2,
                       namespace="nvidia"),
            ],
            "deployments": [_METRICS],
            "storage_classes": [storage("ceph-block", "rook-ceph.rbd.csi.ceph.com", default=True, waits=False)],
            "/apis/resource.k8s.io/v1/deviceclasses": [{"metadata": {"name": name}} for name in classes],
            "/apis/resource.k8s.io/v1/resourceslices": [_slice("l40s-1", 2), _slice("l40s-2", 2)],
        },
    )  # fmt: skip


def no_gpu() -> Recording:
    """An ordinary cluster without any card."""
    return Recording(
        version={"gitVersion": "v1.35.2"},
        helm="v4.2.4",
        groups=(*GROUPS, *_DRA, *_METERED),
        lists={
            "nodes": [
                node("cp-1", labels=_CONTROL, taints=_KEPT),
                *(node(f"worker-{n}", cpu=16, memory=64) for n in (1, 2, 3)),
            ],
            "pods": [pod("web-1", "worker-1", cpu="2", memory="4Gi")],
            "deployments": [_METRICS],
            "storage_classes": [storage("local-path", "rancher.io/local-path", default=True, expandable=False)],
            "/apis/resource.k8s.io/v1/deviceclasses": [],
            "/apis/resource.k8s.io/v1/resourceslices": [],
        },
    )  # fmt: skip


def little_rights() -> Recording:
    """A developer with the ``edit`` role in one namespace, which has a quota and demands restricted pods."""
    everywhere = ("nodes", "pods", "daemonsets", "deployments")
    return Recording(
        version={"gitVersion": "v1.35.4"},
        namespace=refused("namespaces", scope='in the namespace "speech"').replace("list", "get", 1),
        denied=("create namespaces", "list nodes"),
        lists={
            **{name: refused(name, group="apps" if name[0] == "d" else "") for name in everywhere},
            "runtime_classes": refused("runtimeclasses", group="node.k8s.io"),
            "storage_classes": refused("storageclasses", group="storage.k8s.io"),
            "quotas": [quota("team", {"requests.cpu": "16", "requests.memory": "64Gi", "requests.nvidia.com/gpu": "1",
                                      "persistentvolumeclaims": "4", "requests.storage": "200Gi"},
                             {"requests.cpu": "3500m", "requests.memory": "12Gi", "requests.nvidia.com/gpu": "1",
                              "persistentvolumeclaims": "1", "requests.storage": "20Gi"})],
            "claims": [claim("notebooks", "standard", size="20Gi")],
        },
    )  # fmt: skip


RECORDED = {
    "gke": gke,
    "eks": eks,
    "eks-auto": eks_auto,
    "aks": aks,
    "oke": oke,
    "k3s": k3s,
    "kubeadm-mig": kubeadm_mig,
    "time-slicing": time_slicing,
    "dra": dra,
    "no-gpu": no_gpu,
    "little-rights": little_rights,
}
