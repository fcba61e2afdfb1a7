"""``deploykit doctor --target kubernetes`` against a real API server, and against a node that runs pods."""

from __future__ import annotations

import json
import time

import pytest

from deploy_kit.cluster.judge import judge
from deploy_kit.cluster.verdict import Wish
from deploy_kit.lifecycle.doctor import unlocked
from tests.cluster.conftest import Doctor
from tests.support.broken_clusters import BROKEN, healthy
from tests.support.cluster import Cluster
from tests.support.cluster.between import between
from tests.support.cluster.described import allow, describe
from tests.support.cluster.node import Node

DESCRIBED = (
    "healthy", "no-nodes", "nodes-not-ready", "arm-only", "plugin-absent", "plugin-crashes", "card-unhealthy",
    "cards-busy", "card-pascal", "cards-mixed", "driver-old", "labels-absent", "card-tainted", "card-cordoned",
    "card-unreachable", "no-storage-class", "no-default-class", "claim-pending", "cache-kept", "namespace-absent",
    "restricted", "privileged-only-warned", "quota-spent", "limits-small", "release-stuck", "disk-pressure", "no-room",
)  # fmt: skip
"""Recorded clusters that objects alone make."""

DIFFERENT = {"CLUSTER-UNMAINTAINED", "CLUSTER-NEWER", "CLUSTER-NO-METRICS"}
"""What the version decides, and agents that are not there to serve an API of their own."""

ENGINE = "indextts-2.5"
_ALL = "get,list,create,patch,delete"
RIGHTS = (
    ("", "services,configmaps,secrets,serviceaccounts,persistentvolumeclaims", _ALL),
    ("", "pods,pods/log,pods/portforward,events,resourcequotas,limitranges", _ALL),
    ("apps", "deployments", _ALL),
    ("networking.k8s.io", "networkpolicies", "create"),
    ("policy", "poddisruptionbudgets", "create"),
)  # fmt: skip
"""What a developer has in a namespace."""


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_real_api_server_shows_what_was_recorded(described: Cluster, doctor: Doctor, name: str) -> None:
    recording = BROKEN[name]
    describe(described.api, recording)
    verdict = judge(recording.facts(), Wish(ENGINE, cache_bytes=8 * 10**9, unlocked=unlocked()))
    expected = {one.code: one.severity.value for one in verdict.findings if one.code not in DIFFERENT}
    document = doctor.document("--engine", ENGINE)
    seen = {one["code"]: one["severity"] for one in document["findings"] if one["code"] not in DIFFERENT}
    assert seen == expected
    assert document["verdict"]["runs"] is not bool(verdict.blockers)
    assert document["chosen"] == list(verdict.chosen)


def test_every_finding_is_told_on_the_page(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, BROKEN["plugin-absent"])
    found = doctor.document("--engine", ENGINE, "--device", "cuda")
    page = doctor("--engine", ENGINE, "--device", "cuda")
    assert page.code == found["exit_code"] == 4
    assert "CLUSTER-NO-DEVICE-PLUGIN" in page.out
    assert all(one["code"] in page.out for one in found["findings"] if one["severity"] in ("blocker", "warning"))


def test_the_page_speaks_chinese(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    assert "集群" in doctor("--engine", ENGINE, "--locale", "zh", check=True).out


def test_the_server_that_answers_is_the_one_that_was_built(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    facts = doctor.document("--engine", ENGINE)["facts"]
    assert facts["version"]["value"] == facts["kubectl"]["value"] == "1.34.4"
    assert facts["helm"]["value"] == "3.19.5"


def test_a_developer_sees_no_nodes_but_gets_a_proposal(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    allow(described.api, "developer", *RIGHTS)
    seen = doctor.codes("--engine", ENGINE, kubeconfig=described.plane.kubeconfig("developer"))
    assert "CLUSTER-NODES-UNSEEN" in seen
    assert "CLUSTER-FORBIDDEN" not in seen


def test_a_right_that_lacks_is_named(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    allow(described.api, "developer", *(rule for rule in RIGHTS if rule[0] != "apps"))
    found = doctor.document("--engine", ENGINE, kubeconfig=described.plane.kubeconfig("developer"))
    forbidden = next(one for one in found["findings"] if one["code"] == "CLUSTER-FORBIDDEN")
    assert forbidden["severity"] == "blocker"
    assert "deployments.apps" in json.dumps(forbidden)
    assert found["exit_code"] == 4


def test_who_may_do_nothing_is_told_so(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    assert doctor.codes(kubeconfig=described.plane.kubeconfig("nobody"))["CLUSTER-FORBIDDEN"] == "blocker"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("CLUSTER-UNAUTHORIZED", {"token": "this-one-was-withdrawn"}),
        ("CLUSTER-UNREACHABLE", {"server": "https://127.0.0.1:1"}),
        ("CLUSTER-UNREACHABLE", {"server": "https://no-such-host.invalid:6443"}),
        ("CLUSTER-CERTIFICATE", {"cluster": {"certificate-authority": None}}),
        ("CLUSTER-NO-LOGIN-PLUGIN", {"user": {"token": None, "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "interactiveMode": "Never"}}}),
        ("CLUSTER-LOGIN-FAILED", {"user": {"token": None, "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}}}),
    ],
)  # fmt: skip
def test_a_cluster_that_lets_nobody_in_says_why(described: Cluster, doctor: Doctor, code: str, changes: dict) -> None:
    kubeconfig = described.plane.kubeconfig("owner", **changes)
    assert doctor.codes(kubeconfig=kubeconfig)[code] == "blocker"


def test_a_kubeconfig_that_is_not_there(doctor: Doctor) -> None:
    assert "CLUSTER-NO-KUBECONFIG" in doctor.codes(kubeconfig="/run/cluster/nowhere")


def test_a_context_that_is_not_in_it(doctor: Doctor) -> None:
    assert "CLUSTER-NO-CONTEXT" in doctor.codes("--kubernetes-context", "production")


def test_the_cluster_named_by_flags_is_the_one_looked_at(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    flags = ("--kubernetes-kubeconfig", described.plane.kubeconfig(), "--kubernetes-context", "owner")
    assert doctor.document("--engine", ENGINE, *flags, kubeconfig="/run/cluster/nowhere")["exit_code"] == 0


def test_without_kubectl_nothing_else_is_asked(doctor: Doctor) -> None:
    found = doctor.document(PATH="/run/cluster")
    assert [one["code"] for one in found["findings"] if one["severity"] == "blocker"] == ["CLUSTER-NO-KUBECTL"]


@pytest.mark.parametrize(
    ("version", "code", "severity"),
    [("v1.24.17", "CLUSTER-TOO-OLD", "blocker"), ("v1.41.0", "CLUSTER-NEWER", "info")],
)
def test_a_server_of_another_age(described: Cluster, doctor: Doctor, version: str, code: str, severity: str) -> None:
    describe(described.api, healthy())
    with between(described.api, version=version) as url:
        kubeconfig = described.plane.kubeconfig("owner", server=url)
        assert doctor.codes("--engine", ENGINE, kubeconfig=kubeconfig)[code] == severity


def test_a_server_that_never_answers_is_not_waited_for(described: Cluster, doctor: Doctor) -> None:
    with between(described.api, seconds=60) as url:
        start = time.monotonic()
        codes = doctor.codes(kubeconfig=described.plane.kubeconfig("owner", server=url))
        assert time.monotonic() - start < 45
        assert codes["CLUSTER-UNREACHABLE"] == "blocker"


def test_what_was_saved_is_judged_alike_elsewhere(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, BROKEN["card-pascal"])
    first = doctor.document("--engine", ENGINE, "--save", "/run/cluster/saved.json")
    again = doctor.document("--engine", ENGINE, "--facts", "/run/cluster/saved.json", kubeconfig="/nowhere")
    assert (first["findings"], first["values"]) == (again["findings"], again["values"])


def test_no_secret_of_the_kubeconfig_is_shown_or_saved(described: Cluster, doctor: Doctor) -> None:
    describe(described.api, healthy())
    kubeconfig = described.plane.kubeconfig()
    token = json.loads(described.room.machine.path(kubeconfig).read_text())["users"][0]["user"]["token"]
    done = doctor("--output", "json", "--save", "/run/cluster/secret.json")
    saved = described.room.machine.path("/run/cluster/secret.json").read_text()
    assert not [text for text in (done.out, done.err, saved) if token in text]


def test_a_real_node_with_devices_is_proposed(whole: Cluster, node: Node) -> None:
    node.offer("GPU-0", "GPU-1")
    found = Doctor(whole).document("--engine", ENGINE, DEPLOYKIT_KUBERNETES_NAMESPACE="default")
    (pool,) = [pool for pool in found["pools"] if pool["resource"]]
    assert (pool["resource"], pool["total"], pool["free"], pool["nodes"]) == ("nvidia.com/gpu", 2, 2, ["node-a"])
    assert found["device"] == "cuda"
    assert "CLUSTER-NO-STORAGE-CLASS" in {one["code"] for one in found["findings"]}


def test_a_device_that_fell_ill_is_seen(whole: Cluster, node: Node) -> None:
    node.offer("GPU-0", sick=("GPU-1",))
    found = Doctor(whole).document("--engine", ENGINE, DEPLOYKIT_KUBERNETES_NAMESPACE="default")
    assert "CLUSTER-GPU-UNHEALTHY" in {one["code"] for one in found["findings"]}


def test_a_pod_that_runs_keeps_its_device(whole: Cluster, node: Node) -> None:
    node.offer("GPU-0", "GPU-1")
    limits = {"limits": {"nvidia.com/gpu": "1"}}
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "holder", "namespace": "default"},
        "spec": {"containers": [{"name": "main", "image": "docker.io/tests/pause:1", "resources": limits,
                                 "imagePullPolicy": "Never"}]},
    }  # fmt: skip
    whole.room.until(
        "kube-controller-manager", lambda: whole.api.get("/api/v1/namespaces/default/serviceaccounts")["items"]
    )
    whole.api.post("/api/v1/namespaces/default/pods", pod)
    try:
        place = "/api/v1/namespaces/default/pods/holder"
        whole.room.until("kubelet", lambda: whole.api.get(place)["status"].get("phase") == "Running")
        found = Doctor(whole).document("--engine", ENGINE, DEPLOYKIT_KUBERNETES_NAMESPACE="default")
        (pool,) = [pool for pool in found["pools"] if pool["resource"]]
        assert (pool["total"], pool["free"]) == (2, 1)
    finally:
        whole.api.delete("/api/v1/namespaces/default/pods/holder")
