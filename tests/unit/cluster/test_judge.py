"""One cluster that works, and everything that can be wrong with it, one thing at a time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from deploy_kit import cluster
from deploy_kit.cluster import ClusterVerdict, Wish
from deploy_kit.cluster.facts import (
    ClaimFacts,
    ClusterFacts,
    DaemonFacts,
    LimitFacts,
    NamespaceFacts,
    QuotaFacts,
    ReleaseFacts,
    RuntimeClassFacts,
    SliceFacts,
    StorageClassFacts,
)
from deploy_kit.cluster.values import at
from deploy_kit.compat import cards
from deploy_kit.facts import unknown
from deploy_kit.findings import Finding, Severity
from tests.support.made_cluster import (
    GB,
    GIB,
    GROUPS,
    PLUGIN,
    WAITING,
    WISH,
    codes,
    gfd,
    gpu,
    node,
    nvidia_class,
)
from tests.support.made_cluster import cluster as made

DEFAULT_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
PASCAL = {"product": "Tesla-P40", "capability": "6.1"}


def judge(facts: ClusterFacts, **wish: Any) -> ClusterVerdict:
    return cluster.judge(facts, replace(WISH, **wish))


def finding(verdict: ClusterVerdict, code: str) -> Finding:
    return next(one for one in verdict.findings if one.code == code)


def severity(verdict: ClusterVerdict, code: str) -> str:
    return finding(verdict, code).severity.value


def reasons(verdict: ClusterVerdict) -> dict[str, str]:
    return {one.name: one.reason for one in verdict.pools}


def rules(verdict: ClusterVerdict) -> list[dict[str, Any]]:
    path = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    return [rule for term in at(verdict.values, path, []) for rule in term["matchExpressions"]]


# what works


def test_a_cluster_that_works_needs_no_more_than_the_image() -> None:
    verdict = judge(made())

    assert verdict.values == {"engine": "indextts-2.5", "device": "cuda", "image": {"variant": "cu128"}}
    assert (codes(verdict), verdict.chosen) == ([], ("gpu-1",))


def test_a_wish_for_the_cpu_goes_to_the_ordinary_nodes() -> None:
    verdict = judge(made(), device="cpu")

    assert (verdict.device, verdict.variant, verdict.chosen) == ("cpu", "cpu", ("node-1",))
    assert verdict.values["gpu"] == {"enabled": False}
    assert codes(verdict) == []


def test_the_built_in_voice_needs_no_card_and_no_cache() -> None:
    verdict = cluster.judge(made(storage_classes=()), Wish("espeak", "cuda"))

    assert (verdict.variant, verdict.device) == ("core", "cpu")
    assert verdict.values["persistence"] == {"enabled": False}
    assert codes(verdict) == []


def test_pods_without_a_card_use_nodes_with_cards_where_there_are_no_others() -> None:
    assert judge(made(gpu()), device="cpu").chosen == ("gpu-1",)


def test_nothing_asked_is_nothing_known() -> None:
    verdict = cluster.judge(ClusterFacts(kubectl=unknown("kubectl", "missing")), WISH)

    assert (codes(verdict), verdict.values) == (["CLUSTER-NO-KUBECTL"], {})


# programs, versions, rights


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("no-kubeconfig", "CLUSTER-NO-KUBECONFIG"),
        ("bad-kubeconfig: yaml", "CLUSTER-BAD-KUBECONFIG"),
        ("no-context: x", "CLUSTER-NO-CONTEXT"),
        ("no-plugin: aws", "CLUSTER-NO-LOGIN-PLUGIN"),
        ("plugin-failed: aws", "CLUSTER-LOGIN-FAILED"),
        ("no-name: lookup", "CLUSTER-UNREACHABLE"),
        ("refused: 6443", "CLUSTER-UNREACHABLE"),
        ("silent: 10 s", "CLUSTER-UNREACHABLE"),
        ("certificate: x509", "CLUSTER-CERTIFICATE"),
        ("unauthorized: 401", "CLUSTER-UNAUTHORIZED"),
        ("forbidden: 403", "CLUSTER-FORBIDDEN"),
        ("failing: 500", "CLUSTER-UNREACHABLE"),
        ("what nobody foresaw", "CLUSTER-UNREACHABLE"),
    ],
)
def test_a_cluster_that_does_not_answer_ends_the_judgement(reason: str, code: str) -> None:
    verdict = judge(made(version=unknown("/version", reason), nodes=unknown("nodes", reason)))

    assert codes(verdict) == [code]
    assert severity(verdict, code) == "blocker"


@pytest.mark.parametrize(
    ("kubectl", "server", "said"),
    [
        ("1.36.0", "1.36.9", False),
        ("1.35.0", "1.36.9", False),
        ("1.37.0", "1.36.9", False),
        ("1.34.0", "1.36.9", True),
        ("1.36.0", "1.34.1-gke.4", True),
    ],
)
def test_kubectl_may_be_one_minor_version_apart(kubectl: str, server: str, said: bool) -> None:
    assert ("CLUSTER-KUBECTL-OLD" in codes(judge(made(kubectl=kubectl, version=server)))) is said


@pytest.mark.parametrize(
    ("version", "code", "level"),
    [
        ("1.29.15", "CLUSTER-TOO-OLD", "blocker"),
        ("1.30.0", "CLUSTER-UNMAINTAINED", "warning"),
        ("1.34.9-eks-113cf36", "CLUSTER-UNMAINTAINED", "info"),
        ("1.38.0", "CLUSTER-NEWER", "info"),
    ],
)
def test_the_version_of_the_cluster(version: str, code: str, level: str) -> None:
    verdict = judge(made(version=version, kubectl=version))

    assert codes(verdict) == [code]
    assert severity(verdict, code) == level


@pytest.mark.parametrize(("version", "code"), [("3.7.2", "CLUSTER-HELM-OLD"), (None, "CLUSTER-NO-HELM")])
def test_helm_must_be_able_to_read_charts_from_registries(version: str | None, code: str) -> None:
    assert [one.code for one in judge(made(helm=version)).blockers] == [code]


@pytest.mark.parametrize("version", ["3.8.0", "4.2.4"])
def test_both_kinds_of_helm_will_do(version: str) -> None:
    assert codes(judge(made(helm=version))) == []


def test_missing_rights_are_named_with_the_command_that_asks_again() -> None:
    verdict = judge(made(rights={"create deployments.apps": False, "get pods/log": False, "list pods": True}))

    assert codes(verdict) == ["CLUSTER-FORBIDDEN", "CLUSTER-FORBIDDEN-PART"]
    assert finding(verdict, "CLUSTER-FORBIDDEN").commands == (
        ("kubectl", "auth", "can-i", "create", "deployments.apps", "--namespace", "default"),
    )


def test_what_may_not_be_seen_is_named_and_nothing_concluded() -> None:
    verdict = judge(made(quotas=unknown("quotas", "forbidden: x"), storage_classes=unknown("classes", "forbidden: x")))

    assert codes(verdict) == ["CLUSTER-UNSEEN"]
    assert finding(verdict, "CLUSTER-UNSEEN").subject == "storageclasses, resourcequotas"


@pytest.mark.parametrize(("device", "computes", "variant"), [("auto", "cpu", "cpu"), ("cuda", "cuda", "cu128")])
def test_where_nodes_are_hidden_a_card_is_believed_only_to_who_asks_for_one(
    device: str, computes: str, variant: str
) -> None:
    verdict = judge(made(nodes=unknown("nodes", "forbidden: x")), device=device)

    assert (verdict.device, verdict.variant) == (computes, variant)
    assert (codes(verdict), verdict.blockers) == (["CLUSTER-NODES-UNSEEN"], ())


# platforms


@pytest.mark.parametrize(
    ("facts", "preset"),
    [
        (made(version="1.36.1-gke.1200"), "gke"),
        (made(version="1.36.1-eks-113cf36"), "eks"),
        (made(node(labels={"kubernetes.azure.com/agentpool": "np"})), "aks"),
        (made(node(labels={"oci.oraclecloud.com/fault-domain": "FD-1"})), "oke"),
        (made(version="1.36.1+k3s1"), "k3s"),
        (made(version="1.36.1+rke2r1"), "k3s"),
        (made(node(provider="aws", labels={"eks.amazonaws.com/nodegroup": "a"}), version="1.36.1+k3s1"), "k3s"),
        (made(node(provider="aws")), "generic"),
        (made(node(provider="gce")), "generic"),
    ],
)
def test_a_platform_is_known_by_its_version_or_labels_but_not_by_whose_machines_it_runs_on(
    facts: ClusterFacts, preset: str
) -> None:
    assert judge(facts).preset == preset


def test_who_names_the_platform_is_believed() -> None:
    verdict = judge(made(version="1.36.1-gke.1200"), values={"platform": "generic"})

    assert verdict.preset == "generic"
    assert "platform" not in verdict.values


def test_the_platform_is_told_with_what_it_was_known_by() -> None:
    verdict = judge(made(version="1.36.1-gke.1200"))

    assert [one.observed for one in finding(verdict, "CLUSTER-PLATFORM").evidence] == ["1.36.1-gke.1200"]
    assert verdict.values["platform"] == "gke"


# cards


@pytest.mark.parametrize(
    ("card", "variant"),
    [
        ({"capability": "7.0"}, "cu128"),
        ({"capability": "9.0"}, "cu128"),
        ({"capability": "12.0"}, "cu128"),
        ({"capability": "6.1"}, "cu126"),
        ({"capability": "5.2"}, "cu126"),
    ],
)
def test_the_image_follows_the_card(card: dict[str, str], variant: str) -> None:
    verdict = judge(made(node(), gpu(card=card)))

    assert (verdict.variant, verdict.device) == (variant, "cuda")


def test_cards_without_any_code_of_ours_leave_the_cpu() -> None:
    verdict = judge(made(node(), gpu(card={"product": "Tesla-K80", "capability": "3.7"})))

    assert (verdict.variant, verdict.device, verdict.chosen) == ("cpu", "cpu", ("node-1",))
    assert reasons(verdict)["gpu-1"] == "CLUSTER-CARD-UNSUPPORTED"


def test_old_cards_are_avoided_by_their_capability() -> None:
    verdict = judge(made(node(), gpu("new", 4), gpu("old", 2, card=PASCAL)))

    assert verdict.chosen == ("new",)
    assert rules(verdict) == [{"key": "nvidia.com/gpu.compute.major", "operator": "Gt", "values": ["6"]}]
    assert severity(verdict, "CLUSTER-CARD-UNSUPPORTED") == "info"


def test_old_cards_are_taken_where_they_alone_are_free() -> None:
    verdict = judge(made(node(), gpu("new", requested={"nvidia.com/gpu": 1}), gpu("old", card=PASCAL)))

    assert (verdict.variant, verdict.chosen) == ("cu126", ("old",))
    assert rules(verdict) == []  # the new one's are served by that image as well


def test_an_image_that_was_asked_for_decides_about_the_pools() -> None:
    verdict = judge(
        made(node(), gpu("blackwell", card={"capability": "12.0"}), gpu("old", card=PASCAL)), variant="cu126"
    )

    assert (verdict.variant, verdict.chosen) == ("cu126", ("old",))
    assert reasons(verdict)["blackwell"] == "CLUSTER-CARD-UNSUPPORTED"
    assert rules(verdict) == [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["Tesla-P40"]}]


def test_nodes_with_an_old_driver_are_avoided_by_its_number() -> None:
    verdict = judge(made(node(), gpu("new"), gpu("old", card={"driver": "470.256.02"})))

    assert verdict.chosen == ("new",)
    assert rules(verdict) == [{"key": "nvidia.com/cuda.driver-version.major", "operator": "Gt", "values": ["470"]}]
    assert severity(verdict, "CLUSTER-DRIVER-OLD") == "warning"


def test_pools_are_told_apart_by_the_platforms_label_where_no_other_is() -> None:
    labels = {"cloud.google.com/gke-nodepool": "p100s", "cloud.google.com/gke-accelerator": "nvidia-tesla-p100"}
    old = node("old", labels=labels, allocatable={"nvidia.com/gpu": 1})
    labels = {"cloud.google.com/gke-nodepool": "l4s", "cloud.google.com/gke-accelerator": "nvidia-l4"}
    verdict = judge(made(old, node("new", labels=labels, allocatable={"nvidia.com/gpu": 4}), version="1.36.1-gke.7"))

    assert (verdict.chosen, reasons(verdict)["p100s"]) == (("l4s",), "CLUSTER-CARD-UNSUPPORTED")
    assert rules(verdict) == [{"key": "cloud.google.com/gke-accelerator", "operator": "In", "values": ["nvidia-l4"]}]


def test_a_pool_that_cannot_work_is_avoided_even_while_it_has_another_fault() -> None:
    verdict = judge(made(node(), gpu("new"), gpu("old", card=PASCAL, allocatable={"nvidia.com/gpu": 0})))

    assert reasons(verdict)["old"] == "CLUSTER-GPU-UNHEALTHY"
    assert rules(verdict) == [{"key": "nvidia.com/gpu.compute.major", "operator": "Gt", "values": ["6"]}]


@pytest.mark.parametrize(
    ("label", "capability"),
    [
        ({"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"}, "9.0"),
        ({"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}, "7.5"),
        ({"cloud.google.com/gke-accelerator": "nvidia-rtx-pro-6000"}, "12.0"),
        ({"cloud.google.com/gke-accelerator": "nvidia-b200"}, "10.0"),
        ({"karpenter.k8s.aws/instance-gpu-name": "a10g"}, "8.6"),
        ({"eks.amazonaws.com/instance-gpu-name": "l40s"}, "8.9"),
        ({"karpenter.azure.com/sku-gpu-name": "V100"}, "7.0"),
        ({"node.kubernetes.io/instance-type": "Standard_NC24ads_A100_v4"}, "8.0"),
        ({"node.kubernetes.io/instance-type": "Standard_NC6s_v2"}, "6.0"),
        ({"node.kubernetes.io/instance-type": "VM.GPU.A10.1"}, "8.6"),
        ({"node.kubernetes.io/instance-type": "BM.GPU.H200.8"}, "9.0"),
        ({"node.kubernetes.io/instance-type": "g4dn.xlarge"}, "7.5"),
        ({"node.kubernetes.io/instance-type": "g6e.4xlarge"}, "8.9"),
        ({"node.kubernetes.io/instance-type": "p2.xlarge"}, "3.7"),
        ({"nvidia.com/gpu.product": "NVIDIA-GeForce-RTX-5070-Ti"}, "12.0"),
        ({"nvidia.com/gpu.product": "NVIDIA-GeForce-RTX-3090"}, "8.6"),
        ({"nvidia.com/gpu.product": "NVIDIA-GeForce-GTX-1080-Ti"}, "6.1"),
        ({"nvidia.com/gpu.product": "Quadro-RTX-6000"}, "7.5"),
        ({"nvidia.com/gpu.product": "NVIDIA-RTX-6000-Ada-Generation"}, "8.9"),
        ({"nvidia.com/gpu.product": "NVIDIA-GH200-480GB"}, "9.0"),
        ({"nvidia.com/gpu.product": "NVIDIA-A16"}, "8.6"),
        ({"nvidia.com/gpu.product": "Tesla-M60"}, "5.2"),
        ({"nvidia.com/gpu.product": "what-nobody-knows"}, ""),
    ],
)
def test_a_cards_capability_by_the_names_that_platforms_give(label: dict[str, str], capability: str) -> None:
    verdict = judge(made(node("gpu-1", labels=label, allocatable={"nvidia.com/gpu": 1})))

    assert verdict.pools[0].capability == capability


def test_a_card_that_no_label_describes_is_tried() -> None:
    verdict = judge(made(node(allocatable={"nvidia.com/gpu": 1})))

    assert (verdict.variant, verdict.device, codes(verdict)) == ("cu128", "cuda", ["CLUSTER-CUDA-LABELS-MISSING"])


def test_a_card_newer_than_the_tables_is_tried() -> None:
    verdict = judge(made(gpu(card={"capability": "14.0"})))

    assert (verdict.variant, verdict.device, codes(verdict)) == ("cu128", "cuda", ["CLUSTER-CARD-NEW"])


def test_the_users_own_rows_count() -> None:
    matrix = cards.matrix({"variants": {"cu128": {"sass": ["3.7"]}}})
    verdict = cluster.judge(made(gpu(card={"capability": "3.7"})), WISH, matrix=matrix)

    assert (verdict.variant, verdict.device) == ("cu128", "cuda")


def test_older_names_of_the_drivers_label_are_read() -> None:
    labels = {
        f"nvidia.com/cuda.driver.{part}": value for part, value in (("major", "470"), ("minor", "57"), ("rev", "02"))
    }
    old = node("old", labels=labels | {"nvidia.com/gpu.present": "true"}, allocatable={"nvidia.com/gpu": 1})

    assert judge(made(node(), old)).pools[0].driver == "470.57.02"
    assert reasons(judge(made(node(), old)))["old"] == "CLUSTER-DRIVER-OLD"


def test_a_driver_between_floor_and_native_is_told() -> None:
    assert codes(judge(made(gpu(card={"driver": "535.183.01"})))) == ["GPU-MINOR-VERSION"]


def test_other_makers_cards_are_named_where_no_other_is_found() -> None:
    verdict = judge(made(node(allocatable={"amd.com/gpu": 8})))

    assert [one.observed for one in finding(verdict, "CLUSTER-NO-GPU-NODES").evidence] == ["amd.com/gpu"]


# who hands them out


MARKED = node("gpu-1", labels=gfd())


@pytest.mark.parametrize(("device", "level"), [("auto", "warning"), ("cuda", "blocker")])
def test_cards_that_nobody_hands_out(device: str, level: str) -> None:
    verdict = judge(made(node(), MARKED, daemons=()), device=device)

    assert severity(verdict, "CLUSTER-NO-DEVICE-PLUGIN") == level
    assert finding(verdict, "CLUSTER-NO-DEVICE-PLUGIN").commands[-1][:4] == ("helm", "upgrade", "--install", "nvdp")
    assert (verdict.device, verdict.variant) == ("cpu", "cu128")  # once it is mended, the image is the same


def test_a_plugin_that_does_not_run_is_named_with_its_last_words() -> None:
    sick = replace(PLUGIN, ready=0, trouble="CrashLoopBackOff: NVML not found")
    verdict = judge(made(node(), MARKED, daemons=(sick,)))

    told = dict(finding(verdict, "CLUSTER-PLUGIN-TROUBLE").args)["detail"]
    assert told == "kube-system/nvidia-device-plugin (0/1): CrashLoopBackOff: NVML not found"


def test_a_plugin_that_fails_on_one_node_does_not_keep_pods_from_the_others() -> None:
    verdict = judge(made(node(), gpu(), daemons=(replace(PLUGIN, wanted=2),)))

    assert (verdict.device, codes(verdict)) == ("cuda", ["CLUSTER-PLUGIN-TROUBLE"])


def test_on_k3s_a_plugin_without_the_runtime_class_sees_no_card() -> None:
    verdict = judge(made(node(), MARKED, version="1.36.1+k3s1"))

    assert reasons(verdict)["gpu-1"] == "CLUSTER-RUNTIME-CLASS"


def test_on_k3s_the_preset_names_the_runtime_class() -> None:
    verdict = judge(made(gpu(), version="1.36.1+k3s1", runtime_classes=nvidia_class()))

    assert "runtimeClassName" not in verdict.values
    assert codes(verdict) == []


def test_on_k3s_pods_without_a_card_need_no_runtime_class() -> None:
    verdict = judge(made(version="1.36.1+k3s1", runtime_classes=nvidia_class()), device="cpu")

    assert verdict.values["runtimeClassName"] == ""


@pytest.mark.parametrize(("version", "named"), [("1.36.1", "nvidia"), ("1.36.1-gke.9", None), ("1.36.1-eks-1", None)])
def test_the_runtime_class_that_nvidias_tools_made_is_used_on_clusters_of_ones_own(
    version: str, named: str | None
) -> None:
    classes = (RuntimeClassFacts("nvidia-cdi", "nvidia-cdi"), *nvidia_class())
    verdict = judge(made(version=version, runtime_classes=classes))

    assert verdict.values.get("runtimeClassName") == named


def test_a_runtime_class_that_was_asked_for_must_be_there() -> None:
    verdict = judge(made(version="1.36.1-gke.9"), values={"runtimeClassName": "nvidia"})

    assert [one.code for one in verdict.blockers] == ["CLUSTER-RUNTIME-CLASS-GIVEN"]


def test_cards_that_are_all_unhealthy() -> None:
    verdict = judge(made(node(), gpu(count=2, allocatable={"nvidia.com/gpu": 0})), device="cuda")

    assert [one.code for one in verdict.blockers] == ["CLUSTER-GPU-UNHEALTHY"]


def test_some_unhealthy_cards_are_told() -> None:
    verdict = judge(made(node(), gpu(count=8, allocatable={"nvidia.com/gpu": 7})))

    assert (verdict.device, codes(verdict)) == ("cuda", ["CLUSTER-GPU-UNHEALTHY"])
    assert dict(finding(verdict, "CLUSTER-GPU-UNHEALTHY").args)["have"] == "7"


TAKEN = {"nvidia.com/gpu": 1}


def test_cards_in_others_hands() -> None:
    verdict = judge(made(node(), gpu(requested=TAKEN)))

    assert (verdict.device, codes(verdict)) == ("cpu", ["CLUSTER-GPU-BUSY"])


def test_cards_in_our_own_hands_are_not_in_the_way() -> None:
    ours = ReleaseFacts("speech", "deploykit-1.0.0", "deployed", 3)
    verdict = judge(made(node(), gpu(requested=TAKEN), release=ours))

    assert (verdict.device, codes(verdict)) == ("cuda", [])


def test_where_nodes_are_made_as_needed_taken_cards_are_not_in_the_way() -> None:
    maker = DaemonFacts("autoscaler", "kube-system", "cluster-autoscaler", "x", 1, 1)
    verdict = judge(made(node(), gpu(requested=TAKEN), daemons=(PLUGIN, maker)))

    assert (verdict.device, severity(verdict, "CLUSTER-GPU-FEW")) == ("cuda", "info")


def test_where_nodes_are_made_as_needed_who_asks_for_a_card_gets_its_node_made() -> None:
    verdict = judge(made(node(), groups=(*GROUPS, "karpenter.sh/v1")), device="cuda")

    assert (verdict.device, verdict.variant, verdict.blockers) == ("cuda", "cu128", ())
    assert codes(verdict) == ["CLUSTER-NO-GPU-NODES"]


def test_fewer_cards_than_pods() -> None:
    many = StorageClassFacts("files", "nfs.csi.k8s.io", default=True, waits=True)
    verdict = judge(made(node(), gpu(count=2), storage_classes=(many,)), replicas=3)

    assert severity(verdict, "CLUSTER-GPU-FEW") == "warning"


def test_a_slice_is_asked_for_by_its_own_name() -> None:
    verdict = judge(made(node(), gpu(resource="nvidia.com/mig-1g.10gb", count=7)))

    assert verdict.values["gpu"] == {"resourceName": "nvidia.com/mig-1g.10gb"}
    assert codes(verdict) == ["CLUSTER-MIG"]


def test_a_slice_too_small_for_the_model_is_left_out() -> None:
    verdict = judge(made(node(), gpu(resource="nvidia.com/mig-1g.5gb", capacity={"nvidia.com/mig-3g.20gb": 2},
                                     allocatable={"nvidia.com/mig-3g.20gb": 2})))  # fmt: skip

    assert verdict.values["gpu"] == {"resourceName": "nvidia.com/mig-3g.20gb"}
    assert reasons(verdict)["gpu-1 (1g.5gb)"] == "CLUSTER-GPU-SMALL"


def test_whole_cards_come_before_shared_ones() -> None:
    labels = {"nvidia.com/gpu.sharing-strategy": "time-slicing", "nvidia.com/gpu.replicas": "4"}
    shared = gpu("shared", 8, card={"product": "NVIDIA-L4-SHARED"}, labels=labels)

    alone = judge(made(node(), shared))

    assert judge(made(node(), shared, gpu("whole", resource="nvidia.com/mig-2g.20gb"))).chosen == ("whole (2g.20gb)",)
    assert codes(alone) == ["CLUSTER-SHARED"]
    assert dict(finding(alone, "CLUSTER-SHARED").args)["count"] == "4"


def test_several_shares_of_a_card_are_no_more_than_one() -> None:
    verdict = judge(made(node(), gpu(resource="nvidia.com/gpu.shared", count=4)), values={"gpu": {"count": 2}})

    assert codes(verdict) == ["CLUSTER-SHARED", "CLUSTER-SHARED-COUNT"]


def test_mps_gives_each_pod_its_part_of_the_memory() -> None:
    labels = {"nvidia.com/gpu.sharing-strategy": "mps", "nvidia.com/gpu.replicas": "10"}
    verdict = judge(made(node(), gpu(count=10, labels=labels)))

    assert reasons(verdict)["gpu-1"] == "CLUSTER-GPU-SMALL"


def test_a_resource_that_was_asked_for_decides() -> None:
    verdict = judge(made(node(), gpu("whole"), gpu("sliced", 7, "nvidia.com/mig-1g.10gb")),
                    values={"gpu": {"resourceName": "nvidia.com/mig-1g.10gb"}})  # fmt: skip

    assert verdict.chosen == ("sliced (1g.10gb)",)
    assert reasons(verdict)["whole"] == "CLUSTER-RESOURCE-GIVEN"


OFFERS = (SliceFacts("gpu.nvidia.com", "gpu-1", 2, {"productName": "NVIDIA L4", "cudaComputeCapability": "8.9.0"}),)


def test_cards_that_only_claims_give_are_claimed() -> None:
    classes, groups = ("compute-domain-daemon.nvidia.com", "gpu.nvidia.com"), (*GROUPS, "resource.k8s.io/v1")
    verdict = judge(made(node(), node("gpu-1"), groups=groups, device_classes=classes, slices=OFFERS))

    assert (verdict.device, verdict.values["gpu"]) == ("cuda", {"dra": {"enabled": True}})
    assert (verdict.pools[0].capability, verdict.pools[0].total) == ("8.9", 2)
    assert codes(verdict) == ["CLUSTER-DRA-USED"]


def test_claims_are_offered_where_ordinary_resources_are_there_as_well() -> None:
    verdict = judge(
        made(groups=(*GROUPS, "resource.k8s.io/v1beta1"), device_classes=("gpu.nvidia.com",), slices=OFFERS)
    )

    assert ("gpu" in verdict.values, codes(verdict)) == (False, ["CLUSTER-DRA"])
    assert dict(finding(verdict, "CLUSTER-DRA").args)["version"] == "resource.k8s.io/v1beta1"


def test_claims_are_kept_off_cards_that_cannot_work() -> None:
    old = SliceFacts("gpu.nvidia.com", "old", 1, {"productName": "Tesla P40", "cudaComputeCapability": "6.1.0"})
    groups = (*GROUPS, "resource.k8s.io/v1")
    verdict = judge(made(node(), node("gpu-1"), node("old"), groups=groups, slices=(*OFFERS, old)))

    assert (verdict.chosen, reasons(verdict)["old"]) == (("gpu-1",), "CLUSTER-CARD-UNSUPPORTED")
    assert rules(verdict) == [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["gpu-1"]}]


def test_a_claimed_card_too_small_for_the_model_is_left_out() -> None:
    small = (SliceFacts("gpu.nvidia.com", "gpu-1", 1, {"cudaComputeCapability": "8.9.0", "memory": str(4 * GIB)}),)
    verdict = judge(made(node(), node("gpu-1"), groups=(*GROUPS, "resource.k8s.io/v1"), slices=small))

    assert reasons(verdict)["gpu-1"] == "CLUSTER-GPU-SMALL"


def test_an_alpha_of_claims_is_not_used() -> None:
    verdict = judge(made(node(), node("gpu-1"), groups=(*GROUPS, "resource.k8s.io/v1alpha3"), slices=OFFERS))

    assert (verdict.device, codes(verdict)) == ("cpu", ["CLUSTER-DRA-VERSION"])


# taints, selectors, places


def test_the_charts_own_toleration_is_enough_for_the_usual_taint() -> None:
    verdict = judge(made(node(), gpu(taints=("nvidia.com/gpu=present:NoSchedule",))))

    assert "tolerations" not in verdict.values
    assert severity(verdict, "CLUSTER-TAINT") == "info"


def test_other_taints_are_tolerated_as_narrowly_as_they_are() -> None:
    verdict = judge(made(node(), gpu(taints=("dedicated=speech:NoExecute", "nvidia.com/gpu:NoSchedule"))))

    assert verdict.values["tolerations"] == [
        DEFAULT_TOLERATION,
        {"key": "dedicated", "operator": "Equal", "value": "speech", "effect": "NoExecute"},
    ]
    assert severity(verdict, "CLUSTER-TAINT") == "warning"


def test_a_pool_kept_for_somebody_is_left_alone_where_others_have_enough() -> None:
    verdict = judge(made(node(), gpu("theirs", 8, taints=("team=a:NoSchedule",)), gpu("open", 1)))

    assert verdict.chosen == ("open",)
    assert "tolerations" not in verdict.values


def test_lent_nodes_are_taken_only_when_they_are_needed() -> None:
    spot = gpu("spot", 8, taints=("kubernetes.azure.com/scalesetpriority=spot:NoSchedule",))

    assert judge(made(node(), spot, gpu("own"))).chosen == ("own",)
    assert severity(judge(made(node(), spot)), "CLUSTER-SPOT") == "warning"


def test_the_preset_knows_the_taint_of_its_platforms_guide() -> None:
    pool = {"kubernetes.azure.com/agentpool": "gpu"}
    verdict = judge(made(node(), gpu(labels=pool, taints=("sku=gpu:NoSchedule",))))

    assert (verdict.preset, "tolerations" in verdict.values) == ("aks", False)


def test_preferences_are_no_obstacle() -> None:
    assert codes(judge(made(node(), gpu(taints=("a=b:PreferNoSchedule",))))) == []


def test_taints_of_the_moment_are_not_tolerated() -> None:
    verdict = judge(made(node(), gpu(taints=("node.cilium.io/agent-not-ready:NoSchedule",))))

    assert (verdict.device, codes(verdict)) == ("cpu", ["CLUSTER-TAINT-PASSING"])


def test_the_control_planes_node_is_left_alone_with_the_command_that_opens_it() -> None:
    verdict = judge(made(gpu(taints=("node-role.kubernetes.io/control-plane:NoSchedule",))))

    assert [one.code for one in verdict.blockers] == ["CLUSTER-TAINT-CONTROL-PLANE"]
    assert finding(verdict, "CLUSTER-TAINT-CONTROL-PLANE").commands == (
        ("kubectl", "taint", "nodes", "gpu-1", "node-role.kubernetes.io/control-plane:NoSchedule-"),
    )


def test_the_users_tolerations_are_taken_at_their_word() -> None:
    verdict = judge(made(node(), gpu(taints=("sku=gpu:NoSchedule",))), values={"tolerations": []})

    assert (reasons(verdict)["gpu-1"], verdict.device) == ("CLUSTER-TAINT-GIVEN", "cpu")


def test_the_users_selector_is_taken_at_its_word() -> None:
    verdict = judge(made(node(), gpu("a"), gpu("b")), values={"nodeSelector": {"kubernetes.io/hostname": "b"}})

    assert (verdict.chosen, reasons(verdict)["a"]) == (("b",), "CLUSTER-SELECTOR-GIVEN")


def test_nodes_of_another_architecture_are_left_out_by_a_selector() -> None:
    arm = node("arm", labels={"kubernetes.io/arch": "arm64"})

    assert judge(made(arm, node(), gpu())).values["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert codes(cluster.judge(made(arm), Wish("espeak"))) == []
    assert [one.code for one in judge(made(arm), device="cpu").blockers] == ["CLUSTER-ARCHITECTURE"]


def test_nodes_with_windows_are_left_out_by_a_selector() -> None:
    other = node("win", labels={"kubernetes.io/os": "windows"})
    verdict = judge(made(other, gpu()))

    assert verdict.values["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert codes(cluster.judge(made(other), Wish("espeak"))) == ["CLUSTER-WINDOWS-NODES"]


def test_nodes_that_are_no_machines_are_never_tolerated() -> None:
    fargate = node("fargate", taints=("eks.amazonaws.com/compute-type=fargate:NoSchedule",))

    assert judge(made(fargate, node()), device="cpu").chosen == ("node-1",)
    assert [one.code for one in judge(made(fargate), device="cpu").blockers] == ["CLUSTER-VIRTUAL-NODES"]


# nodes and room


def test_a_cluster_without_nodes() -> None:
    assert [one.code for one in judge(made(nodes=())).blockers] == ["CLUSTER-NO-NODES"]


def test_a_node_out_of_order_beside_good_ones_is_only_told() -> None:
    verdict = judge(made(node(), node("sick", ready=False), gpu()))

    assert (severity(verdict, "CLUSTER-NOT-READY"), verdict.device) == ("warning", "cuda")


def test_nodes_that_put_pods_out() -> None:
    verdict = judge(made(node(pressure=("MemoryPressure",)), gpu()))

    assert dict(finding(verdict, "CLUSTER-EVICTION").args)["detail"] == "MemoryPressure"


@pytest.mark.parametrize(
    ("have", "detail"),
    [
        ({"memory": 4 * GIB}, "memory: 4.3 GB < 7.7 GB"),
        ({"ephemeral-storage": 8 * GB}, "ephemeral-storage: 8.0 GB < 10.0 GB"),
        ({"cpu": 500}, "cpu: 0.5 < 1"),
    ],
)
def test_a_node_with_a_card_that_is_too_small_for_the_pod(have: dict[str, int], detail: str) -> None:
    verdict = judge(made(node(), gpu(allocatable=have)), device="cuda")

    assert [one.code for one in verdict.blockers] == ["CLUSTER-ROOM"]
    assert dict(finding(verdict, "CLUSTER-ROOM").args)["detail"] == detail


def test_room_that_others_have_asked_for_is_a_warning() -> None:
    verdict = judge(made(node(), gpu(requested={"memory": 30 * GIB})))

    assert severity(verdict, "CLUSTER-ROOM-TAKEN") == "warning"


def test_no_node_is_large_enough_for_the_cpu() -> None:
    verdict = judge(made(node(allocatable={"memory": 4 * GIB})))

    assert [one.code for one in verdict.blockers] == ["CLUSTER-ROOM"]


# storage

BLOCK = StorageClassFacts("gp3", "ebs.csi.aws.com", default=True, waits=True)
FILES = StorageClassFacts("efs", "efs.csi.aws.com", waits=False)


def test_without_a_default_class_one_that_waits_is_proposed() -> None:
    classes = (StorageClassFacts("a", "ebs.csi.aws.com"), StorageClassFacts("b", "ebs.csi.aws.com", waits=True))
    verdict = judge(made(storage_classes=classes))

    assert (verdict.values["persistence"], codes(verdict)) == ({"storageClass": "b"}, ["CLUSTER-NO-DEFAULT-CLASS"])


def test_without_any_class_there_is_no_cache() -> None:
    assert [one.code for one in judge(made(storage_classes=())).blockers] == ["CLUSTER-NO-STORAGE-CLASS"]
    assert codes(judge(made(storage_classes=()), values={"persistence": {"type": "emptyDir"}})) == []


def test_several_pods_share_a_class_of_files() -> None:
    verdict = judge(made(node(), gpu(count=2), storage_classes=(BLOCK, FILES)), replicas=2)

    assert verdict.values["persistence"] == {"storageClass": "efs", "accessMode": "ReadWriteMany"}
    assert codes(verdict) == ["CLUSTER-SHARED-STORAGE"]


def test_several_pods_without_a_class_of_files_stay_on_one_node() -> None:
    verdict = judge(made(node(), gpu(count=2), storage_classes=(BLOCK,)), replicas=2)

    assert codes(verdict) == ["CLUSTER-ONE-NODE"]


@pytest.mark.parametrize(
    ("provisioner", "level"), [("ebs.csi.aws.com", "blocker"), ("nobody.example", "warning"), ("nfs.csi.k8s.io", None)]
)
def test_an_access_mode_that_was_asked_for(provisioner: str, level: str | None) -> None:
    classes = (StorageClassFacts("disk", provisioner, default=True, waits=True),)
    values = {"persistence": {"accessMode": "ReadWriteMany", "storageClass": "disk"}}
    verdict = judge(made(storage_classes=classes), values=values)

    assert [one.severity.value for one in verdict.findings if one.code == "CLUSTER-ACCESS-MODE"] == (
        [level] if level else []
    )


def test_a_class_that_was_asked_for_must_be_there() -> None:
    verdict = judge(made(), values={"persistence": {"storageClass": "fast"}})

    assert [one.code for one in verdict.blockers] == ["CLUSTER-CLASS-UNKNOWN"]


def test_a_volume_must_not_be_made_in_a_zone_without_cards() -> None:
    def zone(name: str) -> dict[str, str]:
        return {"topology.kubernetes.io/zone": name}

    nodes = (node(labels=zone("a")), gpu(labels=zone("b")))
    early = replace(BLOCK, waits=False)
    late = replace(BLOCK, name="late", default=False)

    assert codes(judge(made(*nodes, storage_classes=(early,)))) == ["CLUSTER-IMMEDIATE-BINDING"]
    assert judge(made(*nodes, storage_classes=(early, late))).values["persistence"] == {"storageClass": "late"}
    assert codes(judge(made(*nodes, storage_classes=(BLOCK,)))) == []
    assert codes(judge(made(gpu(labels=zone("b")), storage_classes=(early,)))) == []
    assert codes(judge(made(*nodes, storage_classes=(StorageClassFacts("nfs", "nfs.csi.k8s.io", True),)))) == []


KEPT = ClaimFacts("speech-cache", "Bound", "standard", ("ReadWriteOnce",), 20 * GB)


def test_a_cache_that_is_there_is_used_and_no_class_is_asked_for() -> None:
    verdict = judge(made(claims=(KEPT,), storage_classes=()))

    assert codes(verdict) == ["CLUSTER-CLAIM-FOUND"]


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (replace(KEPT, bytes=5 * GB), "CLUSTER-CLAIM-SMALL"),
        (replace(KEPT, phase="Lost"), "CLUSTER-CLAIM-LOST"),
        (replace(KEPT, phase="Pending", storage_class="gone"), "CLUSTER-CLAIM-PENDING"),
    ],
)
def test_what_is_wrong_with_a_cache_that_is_there(claim: ClaimFacts, code: str) -> None:
    assert code in codes(judge(made(claims=(claim,))))


def test_a_claim_that_waits_for_its_pod_is_in_order() -> None:
    assert codes(judge(made(claims=(replace(KEPT, phase="Pending"),)))) == ["CLUSTER-CLAIM-FOUND"]


def test_a_claim_that_was_named_must_be_there() -> None:
    verdict = judge(made(claims=(KEPT,)), values={"persistence": {"existingClaim": "weights"}})

    assert [one.code for one in verdict.blockers] == ["CLUSTER-NO-CLAIM"]


def test_large_weights_get_a_larger_volume() -> None:
    assert judge(made(), cache_bytes=30 * GIB).values["persistence"] == {"size": "31Gi"}


# namespace


def quota(hard: dict[str, int], used: dict[str, int] | None = None, **more: Any) -> QuotaFacts:
    return QuotaFacts("team", hard, used or {}, **more)


@pytest.mark.parametrize(
    ("hard", "used", "detail"),
    [
        ({"pods": 10}, {"pods": 10}, "pods: 10/10 + 1"),
        ({"requests.memory": 8 * GB}, {"requests.memory": 2 * GB}, "requests.memory: 2.0 GB/8.0 GB + 7.7 GB"),
        ({"limits.memory": 8 * GB}, {}, "limits.memory: 0 B/8.0 GB + 12.9 GB"),
        ({"persistentvolumeclaims": 0}, {}, "persistentvolumeclaims: 0/0 + 1"),
        ({"requests.storage": 5 * GB}, {}, "requests.storage: 0 B/5.0 GB + 8.3 GB"),
        ({"requests.cpu": 500}, {}, "requests.cpu: 0/0.5 + 1"),
    ],
)
def test_a_quota_that_leaves_too_little(hard: dict[str, int], used: dict[str, int], detail: str) -> None:
    verdict = judge(made(quotas=(quota(hard, used),)))

    assert [one.code for one in verdict.blockers] == ["CLUSTER-QUOTA"]
    assert dict(finding(verdict, "CLUSTER-QUOTA").args)["detail"] == detail


def test_a_quota_without_cards_leaves_the_cpu() -> None:
    verdict = judge(made(quotas=(quota({"requests.nvidia.com/gpu": 2}, {"requests.nvidia.com/gpu": 2}),)))

    assert (verdict.device, codes(verdict), verdict.blockers) == ("cpu", ["CLUSTER-QUOTA-GPU"], ())


def test_a_quota_for_other_pods_does_not_count() -> None:
    assert codes(judge(made(quotas=(quota({"pods": 0}, scopes=("BestEffort",)),)))) == []


def test_a_quota_of_processor_limits_makes_the_chart_set_one() -> None:
    verdict = judge(made(quotas=(quota({"limits.cpu": 32_000}),)))

    assert (verdict.values["resources"], codes(verdict)) == ({"limits": {"cpu": "4"}}, [])


def test_limit_ranges() -> None:
    small = LimitFacts("small", "Container", {}, {"memory": 4 * GB})
    large = LimitFacts("large", "Pod", {"cpu": 4000}, {})
    volumes = LimitFacts("volumes", "PersistentVolumeClaim", {}, {"storage": GB})
    verdict = judge(made(limits=(small, large, volumes)))

    assert [dict(one.args)["detail"] for one in verdict.blockers] == [
        "memory: 12.9 GB > 4.0 GB",
        "cpu: 1 < 4",
        "storage: 8.3 GB > 1.0 GB",
    ]


@pytest.mark.parametrize(
    ("level", "code"), [("restricted", "CLUSTER-POD-SECURITY"), ("baseline", "CLUSTER-POD-SECURITY")]
)
def test_pod_security_refuses_volumes_of_the_host_and_nothing_else(level: str, code: str) -> None:
    facts = made(namespace=NamespaceFacts("speech", exists=True, enforces=level))

    assert codes(judge(facts)) == [f"{code}-MET"]
    assert [one.code for one in judge(facts, values={"persistence": {"type": "hostPath"}}).blockers] == [code]


@pytest.mark.parametrize(
    ("status", "revision", "action"),
    [("pending-install", 1, "uninstall"), ("pending-upgrade", 4, "rollback"), ("pending-rollback", 5, "rollback")],
)
def test_a_release_that_never_ended(status: str, revision: int, action: str) -> None:
    verdict = judge(made(release=ReleaseFacts("speech", "deploykit-1", status, revision)))

    assert finding(verdict, "CLUSTER-RELEASE-STUCK").commands[1][:3] == ("helm", action, "speech")


def test_custom_resources_that_were_asked_for() -> None:
    verdict = judge(made(groups=("v1",)), values={"keda": {"enabled": True}, "autoscaling": {"enabled": True}})

    assert [(one.code, one.subject) for one in verdict.findings if one.severity is Severity.WARNING] == [
        ("CLUSTER-NO-CRD-GIVEN", "KEDA ScaledObject"),
        ("CLUSTER-NO-METRICS", "metrics"),
    ]


# as it grows


def test_a_thousand_nodes_are_judged_at_once() -> None:
    nodes = tuple(
        gpu(f"gpu-{number}", 8, labels={"eks.amazonaws.com/nodegroup": f"g{number % 7}"}) for number in range(1000)
    )
    facts = made(*nodes, node(), storage_classes=(replace(WAITING, provisioner="nfs.csi.k8s.io"),))
    begun = time.process_time()
    verdict = judge(facts, replicas=5000)

    assert len(verdict.chosen) == 7
    assert time.process_time() - begun < 5
