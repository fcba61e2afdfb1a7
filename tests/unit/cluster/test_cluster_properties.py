"""Whatever a cluster looks like, a verdict comes out of it, and pods with its values land only where they can run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deploy_kit import cluster
from deploy_kit.cluster import ClusterVerdict, Wish, taints
from deploy_kit.cluster.facts import (
    ClaimFacts,
    ClusterFacts,
    DaemonFacts,
    LimitFacts,
    NamespaceFacts,
    NodeFacts,
    QuotaFacts,
    ReleaseFacts,
    RuntimeClassFacts,
    SliceFacts,
    StorageClassFacts,
    Taint,
    Trouble,
)
from deploy_kit.cluster.presets import defaults
from deploy_kit.cluster.values import at, over
from deploy_kit.data import table
from deploy_kit.facts import Fact, known, not_asked, unknown
from deploy_kit.findings import Severity
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.made_cluster import GB, GIB, GROUPS, gfd, node
from tests.support.made_cluster import cluster as made

OF_CARDS = ("CLUSTER-NO-GPU-NODES", "CLUSTER-NO-DEVICE-PLUGIN", "CLUSTER-PLUGIN-TROUBLE", "CLUSTER-GPU-UNHEALTHY",
            "CLUSTER-GPU-BUSY", "CLUSTER-GPU-FEW", "CLUSTER-GPU-SMALL", "CLUSTER-CARD-UNSUPPORTED",
            "CLUSTER-DRIVER-OLD", "CLUSTER-QUOTA-GPU", "CLUSTER-RUNTIME-CLASS", "CLUSTER-DRA-VERSION")  # fmt: skip
FAILS = (
    "CLUSTER-CARD-UNSUPPORTED",
    "CLUSTER-DRIVER-OLD",
    "CLUSTER-GPU-SMALL",
    "CLUSTER-ARCHITECTURE",
    "CLUSTER-WINDOWS-NODES",
)
RESOURCES = (
    "nvidia.com/gpu",
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-1g.10gb",
    "nvidia.com/mig-1g.5gb",
    "amd.com/gpu",
)
COUNTS = st.sampled_from([0, 1, 2, 8])
TAINTS = st.builds(
    Taint,
    st.sampled_from(["nvidia.com/gpu", "sku", "dedicated", "node.kubernetes.io/not-ready", "karpenter.sh/disrupted",
                     "node-role.kubernetes.io/control-plane", "kubernetes.azure.com/scalesetpriority"]),
    st.sampled_from(["", "gpu", "present", "spot", "a"]),
    st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
)  # fmt: skip
LABELS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.builds(
        gfd,
        st.sampled_from(["NVIDIA-L4", "Tesla-P4", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "NVIDIA-L4-SHARED", "odd"]),
        st.sampled_from(["8.9", "6.1", "7.0", "12.1", "13.0", "3.7", "8.x"]),
        st.sampled_from(["580.95.05", "515.1", "470", "odd"]),
        st.sampled_from([4096, 23034, 0]),
    ),
    st.sampled_from(
        [
            {"cloud.google.com/gke-accelerator": "nvidia-l4", "cloud.google.com/gke-nodepool": "l4"},
            {"karpenter.k8s.aws/instance-gpu-name": "t4", "eks.amazonaws.com/nodegroup": "g"},
            {"kubernetes.azure.com/agentpool": "np", "node.kubernetes.io/instance-type": "Standard_NC4as_T4_v3"},
            {"node.kubernetes.io/instance-type": "BM.GPU2.2"},
            {"nvidia.com/gpu.present": "true"},
            {"feature.node.kubernetes.io/pci-10de.present": "true"},
            {"k3s.io/hostname": "x"},
            {"kubernetes.io/os": "windows"},
        ]
    ),
)


@st.composite
def nodes(draw: st.DrawFn) -> NodeFacts:
    name = draw(st.sampled_from("abcdefgh"))
    capacity = draw(st.dictionaries(st.sampled_from(RESOURCES), COUNTS, max_size=2))
    return node(
        name,
        labels=draw(LABELS) | {"kubernetes.io/arch": draw(st.sampled_from(["amd64", "amd64", "arm64"]))},
        taints=tuple(draw(st.lists(TAINTS, max_size=2))),
        capacity=capacity,
        allocatable={key: draw(st.integers(0, count)) for key, count in capacity.items()}
        | draw(st.sampled_from([{}, {"memory": GIB}, {"ephemeral-storage": 5 * GB}, {"memory": 0}])),
        requested=draw(st.dictionaries(st.sampled_from((*RESOURCES, "memory", "cpu")), COUNTS, max_size=2)),
        ready=draw(st.booleans()) or draw(st.booleans()),
        schedulable=draw(st.booleans()) or draw(st.booleans()),
        pressure=draw(st.sampled_from([(), (), ("DiskPressure",)])),
    )


def unique(found: list[NodeFacts]) -> tuple[NodeFacts, ...]:
    return tuple({one.name: one for one in found}.values())


NODES = st.lists(nodes(), max_size=6).map(unique)
AMOUNTS = st.dictionaries(
    st.sampled_from(["pods", "requests.nvidia.com/gpu", "limits.memory", "limits.cpu", "requests.storage", "odd"]),
    st.sampled_from([0, 1, 10, 100 * GB]),
    max_size=3,
)
ROOMS = st.dictionaries(
    st.sampled_from(["memory", "cpu", "storage", "odd"]), st.sampled_from([0, 1, 100 * GB]), max_size=2
)
WORDS = st.sampled_from(["", "a", "nvidia", "default", "speech-cache", "é"])
VERSIONS = st.sampled_from(
    ["", "odd", "1.20.3", "1.31.1", "1.34.4", "1.36.3-eks-1", "1.36.1-gke.7", "1.36.2+k3s1", "2.0", "1.99"]
)
STATES = st.sampled_from(["deployed", "pending-install", "pending-upgrade", "failed", ""])
CLASSES = st.builds(
    StorageClassFacts,
    WORDS,
    st.sampled_from(["ebs.csi.aws.com", "efs.csi.aws.com", "rancher.io/local-path", "odd.example", ""]),
    st.booleans(),
    st.booleans(),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "kubectl": VERSIONS,
    "helm": VERSIONS,
    "context": WORDS,
    "server": WORDS,
    "version": VERSIONS,
    "groups": st.sets(
        st.sampled_from((*GROUPS, "resource.k8s.io/v1", "resource.k8s.io/v1alpha3", "karpenter.sh/v1"))).map(tuple),
    "rights": st.dictionaries(st.sampled_from([row["right"] for row in table("kubernetes")["rights"]]), st.booleans()),
    "namespace": st.builds(NamespaceFacts, WORDS, st.booleans(), st.sampled_from([None, "restricted", "odd"])),
    "nodes": NODES,
    "daemons": st.lists(
        st.builds(DaemonFacts, st.sampled_from(["device-plugin", "operator", "autoscaler", "dra-driver", "odd"]), WORDS,
                  WORDS, WORDS, COUNTS, COUNTS, WORDS), max_size=3).map(tuple),
    "runtime_classes": st.lists(st.builds(RuntimeClassFacts, WORDS, WORDS), max_size=2).map(tuple),
    "storage_classes": st.lists(CLASSES, max_size=3).map(tuple),
    "claims": st.lists(
        st.builds(ClaimFacts, WORDS, st.sampled_from(["Bound", "Pending", "Lost", ""]), st.sampled_from([None, "a"]),
                  st.sampled_from([(), ("ReadWriteOnce",), ("ReadWriteMany",)]), COUNTS), max_size=2).map(tuple),
    "quotas": st.lists(
        st.builds(QuotaFacts, WORDS, AMOUNTS, AMOUNTS, st.sampled_from([(), ("BestEffort",)])), max_size=2).map(tuple),
    "limits": st.lists(
        st.builds(LimitFacts, WORDS, st.sampled_from(["Container", "Pod", "PersistentVolumeClaim", "odd"]), ROOMS,
                  ROOMS),
        max_size=2).map(tuple),
    "device_classes": st.sampled_from([(), ("gpu.nvidia.com",), ("mig.nvidia.com",), ("odd",)]),
    "slices": st.lists(
        st.builds(SliceFacts, st.sampled_from(["gpu.nvidia.com", "odd"]), st.sampled_from(["", "a", "b", "zz"]), COUNTS,
                  st.sampled_from([{}, {"productName": "NVIDIA L4", "cudaComputeCapability": "8.9.0"},
                                   {"gpu.nvidia.com/cudaComputeCapability": "6.1.0"}])), max_size=3).map(tuple),
    "release": st.one_of(st.none(), st.builds(ReleaseFacts, WORDS, WORDS, STATES, COUNTS)),
}  # fmt: skip
REASONS = st.one_of(st.sampled_from([f"{one.value}: it says so" for one in Trouble]), st.sampled_from(["", "odd"]))
LOST: st.SearchStrategy[Fact[Any]] = st.one_of(st.builds(unknown, st.just("t"), REASONS), st.just(not_asked("t")))


@st.composite
def clusters(draw: st.DrawFn) -> ClusterFacts:
    """A cluster that works, of which some facts were made up, lost or never asked for; its nodes always made up."""
    names = draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=6))
    changed: dict[str, Fact[Any]] = {"nodes": known(draw(NODES), "nodes")}
    for name in sorted(names):
        changed[name] = draw(st.one_of(LOST, VALUES[name].map(lambda value: known(value, "t"))))
    return made(**changed)


GIVEN = st.sampled_from(
    [
        {},
        {},
        {"platform": "gke"},
        {"platform": "odd"},
        {"tolerations": []},
        {"tolerations": [{"operator": "Exists"}]},
        {"nodeSelector": {"kubernetes.io/arch": "arm64"}},
        {"gpu": {"resourceName": "nvidia.com/mig-1g.10gb", "count": 2}},
        {"runtimeClassName": "nvidia"},
        {"persistence": {"storageClass": "a", "accessMode": "ReadWriteMany"}},
        {"persistence": {"type": "hostPath"}},
        {"persistence": {"existingClaim": "a"}},
        {"keda": {"enabled": True}},
        {"gpu": None, "persistence": "odd", "tolerations": "odd", "nodeSelector": 7},
    ]
)
WISHES = st.builds(
    Wish,
    engine=st.sampled_from(["indextts-2.5", "indextts-2.5", "espeak"]),
    device=st.sampled_from(["auto", "cuda", "cpu"]),
    variant=st.sampled_from(["auto", "auto", "cu126", "cu128", "cpu"]),
    replicas=st.sampled_from([1, 1, 3]),
    cache_bytes=st.sampled_from([0, 8_300_000_000, 40 * GB]),
    memory_bytes=st.sampled_from([0, 64 * GIB]),
    values=GIVEN,
)


def admitted(one: NodeFacts, verdict: ClusterVerdict, wish: Wish) -> bool:
    """Kubernetes' scheduler, as far as taints, selectors, affinity and the resource's name go."""
    values = over(over(defaults(verdict.preset), verdict.values), wish.values)
    selector = values["nodeSelector"]
    wanted = values["gpu"]["resourceName"] if verdict.device == "cuda" and not at(values, "gpu.dra.enabled") else None
    return (
        taints.tolerated(values["tolerations"], one.taints)
        and all(one.labels.get(key) == value for key, value in selector.items())
        and all(matches(rule, one.labels) for rule in rules(values["affinity"]))
        and (wanted is None or one.capacity.get(wanted, 0) > 0)
    )


def rules(affinity: dict[str, Any]) -> list[dict[str, Any]]:
    terms = at(affinity, "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", [])
    return [rule for term in terms for rule in term["matchExpressions"]]


def matches(rule: dict[str, Any], labels: dict[str, str]) -> bool:
    value = labels.get(rule["key"])
    if rule["operator"] == "Gt":
        return value is not None and value.isdigit() and int(value) > int(rule["values"][0])
    assert rule["operator"] == "In"
    return value in rule["values"]


@given(clusters(), WISHES)
@settings(max_examples=100, deadline=None)
def test_a_verdict_comes_out_of_anything_and_can_be_said(facts: ClusterFacts, wish: Wish) -> None:
    verdict = cluster.judge(facts, wish)

    assert cluster.judge(facts, wish) == verdict
    assert [one.severity for one in verdict.findings] == sorted(
        (one.severity for one in verdict.findings), key=list(Severity).index
    )
    for locale in LOCALES:
        words = Catalogue(locale)
        for finding in verdict.findings:
            for part in ("what", "why", "remedy"):
                words(finding.sentence(part).key, **dict(finding.args))


@given(clusters(), WISHES)
@settings(max_examples=100, deadline=None)
def test_no_card_keeps_anybody_from_the_cpu(facts: ClusterFacts, wish: Wish) -> None:
    verdict = cluster.judge(facts, replace(wish, device="auto"))

    assert [one.code for one in verdict.blockers if one.code in OF_CARDS] == []


@given(clusters(), WISHES)
@settings(max_examples=100, deadline=None)
def test_who_insists_on_a_card_is_never_given_the_cpu_in_silence(facts: ClusterFacts, wish: Wish) -> None:
    verdict = cluster.judge(facts, replace(wish, device="cuda", engine="indextts-2.5"))

    assert verdict.device == "cuda" or verdict.blockers


@given(clusters(), WISHES)
@settings(max_examples=100, deadline=None)
def test_pods_come_onto_the_chosen_nodes_and_onto_none_where_they_would_fail(facts: ClusterFacts, wish: Wish) -> None:
    wish = replace(wish, values={})
    verdict = cluster.judge(facts, wish)
    by_name = {one.name: one for one in facts.nodes.value or ()}
    pools = {one.name: one for one in verdict.pools}

    assert [name for name in verdict.chosen if pools[name].reason] == []
    for name in verdict.chosen:
        for one in pools[name].nodes:
            lasting = replace(by_name[one], taints=taints.lasting(by_name[one]))
            assert admitted(lasting, verdict, wish), (one, verdict.values)
    if verdict.device == "cuda":
        chosen = {one for name in verdict.chosen for one in pools[name].nodes}
        failing = {one for pool in verdict.pools if pool.reason in FAILS for one in pool.nodes} - chosen
        asked = at(over(defaults(verdict.preset), verdict.values), "gpu.resourceName")
        offering = {one for pool in verdict.pools if pool.resource == asked for one in pool.nodes}
        if verdict.chosen:
            assert [one for one in sorted(failing & offering) if admitted(by_name[one], verdict, wish)] == []


@given(clusters(), WISHES)
@settings(max_examples=100, deadline=None)
def test_what_the_user_gave_is_not_proposed_again(facts: ClusterFacts, wish: Wish) -> None:
    proposed = cluster.judge(facts, wish).values

    assume(wish.values.get("tolerations") != "odd")  # what is no tree has no leaves
    assert [key for key in flat(wish.values) if at(proposed, key) is not None] == []


def flat(values: dict[str, Any], before: str = "") -> list[str]:
    return [
        path
        for key, value in values.items()
        for path in (flat(value, f"{before}{key}.") if isinstance(value, dict) else [f"{before}{key}"])
    ]
