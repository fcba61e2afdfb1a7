"""How a cluster is looked at: what is asked, in how many pages, and what is said when there is no answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_kit import codec, proc
from deploy_kit.cluster.facts import ClusterFacts, Trouble, trouble
from deploy_kit.data import table
from deploy_kit.detect.site import cluster
from deploy_kit.detect.site.cluster import ask, objects
from deploy_kit.detect.site.cluster.workloads import daemon
from deploy_kit.facts import Fact, State
from tests.support.broken_clusters import BROKEN, healthy
from tests.support.cluster_recorder import (
    NAMESPACE,
    RELEASE,
    Recording,
    configuration,
    deployment,
    node,
    pod,
    refused,
)
from tests.support.cluster_recorder import daemon as daemon_set
from tests.support.recorded_clusters import RECORDED


def word(recording: Recording) -> Trouble | None:
    return trouble(recording.facts().version)


def facts_of(found: ClusterFacts) -> dict[str, Fact[Any]]:
    every = {one.name: getattr(found, one.name) for one in fields(found)}
    return {name: one for name, one in every.items() if isinstance(one, Fact)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('Error from server (Forbidden): nodes is forbidden: User "dev" cannot list', Trouble.FORBIDDEN),
        ("error: You must be logged in to the server (Unauthorized)", Trouble.UNAUTHORIZED),
        (
            "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
            Trouble.UNAUTHORIZED,
        ),
        ("Unable to connect to the server: remote error: tls: expired certificate", Trouble.UNAUTHORIZED),
        ("error: EOF\nPlease enter Username: ", Trouble.UNAUTHORIZED),
        ("Error from server (NotFound): the server could not find the requested resource", Trouble.NOT_SERVED),
        (
            "Unable to connect to the server: getting credentials: exec: executable aws not found\n\nIt looks like you",
            Trouble.NO_PLUGIN,
        ),
        ('error: The gcp auth plugin has been removed.\nPlease use the "x" plugin instead.', Trouble.NO_PLUGIN),
        (
            "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
            Trouble.PLUGIN_FAILED,
        ),
        ('error: exec plugin: invalid apiVersion "client.authentication.k8s.io/v1alpha1"', Trouble.PLUGIN_FAILED),
        ('error: context "prod" does not exist', Trouble.NO_CONTEXT),
        ("The connection to the server 10.0.0.1:6443 was refused - did you specify", Trouble.REFUSED),
        ("Unable to connect to the server: dial tcp 10.0.0.1:6443: connect: no route to host", Trouble.REFUSED),
        ("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout", Trouble.SILENT),
        ("Unable to connect to the server: net/http: TLS handshake timeout", Trouble.SILENT),
        ("Unable to connect to the server: dial tcp: lookup a on 10.0.0.53:53: no such host", Trouble.NO_NAME),
        ("Unable to connect to the server: x509: certificate signed by unknown authority", Trouble.CERTIFICATE),
        ("Unable to connect to the server: tls: failed to verify certificate: x509: is valid for", Trouble.CERTIFICATE),
        ('error: error loading config file "/x": yaml: line 1: did not find', Trouble.BAD_KUBECONFIG),
        ("error: stat /home/ada/.kube/x: no such file or directory", Trouble.BAD_KUBECONFIG),
        ("* unable to read client-cert /a.crt for u due to open /a.crt: no such file", Trouble.BAD_KUBECONFIG),
        ("Error from server (ServiceUnavailable): the server is currently unable to handle", Trouble.FAILING),
        ("", Trouble.FAILING),
    ],
)
def test_a_program_s_words_of_failure_have_one_meaning(said: str, expected: Trouble) -> None:
    assert ask.no_answer(said).trouble is expected


def test_the_line_that_tells_is_what_is_kept() -> None:
    said = (
        "E1123 03:41:07.520000   4242 memcache.go:265] couldn't get current server API group list\n"
        "Unable to connect to the server: getting credentials: exec: executable aws not found\n\n"
        "It looks like you are trying to use a client-go credential plugin that is not installed.\n"
    )

    assert ask.no_answer(said).reason == "no-plugin: getting credentials: exec: executable aws not found"


def test_a_long_line_is_cut() -> None:
    assert len(ask.no_answer("error: " + "x" * 5000).text) == table("kubectl")["look"]["detail"]


def test_every_trouble_of_the_table_is_one() -> None:
    assert {row[0] for row in table("kubectl")["troubles"]} <= {one.value for one in Trouble}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kubeconfig-missing", Trouble.NO_KUBECONFIG), ("kubeconfig-not-there", Trouble.BAD_KUBECONFIG),
        ("context-not-chosen", Trouble.NO_CONTEXT), ("server-refuses", Trouble.REFUSED),
        ("server-silent", Trouble.SILENT), ("server-unnamed", Trouble.NO_NAME),
        ("certificate-unknown", Trouble.CERTIFICATE), ("certificate-expired", Trouble.CERTIFICATE),
        ("login-plugin-missing", Trouble.NO_PLUGIN), ("login-expired", Trouble.PLUGIN_FAILED),
        ("token-expired", Trouble.UNAUTHORIZED),
    ],
)  # fmt: skip
def test_a_server_that_does_not_answer_is_asked_once(name: str, expected: Trouble) -> None:
    recording = replace(BROKEN[name], asked=[])
    found = recording.facts()

    assert trouble(found.version) is expected
    assert found.nodes.state is State.NOT_ASKED
    assert found.release.state is State.NOT_ASKED
    assert len([line for line in recording.asked if "--raw" in line]) == 1


def test_without_kubectl_nothing_else_is_known() -> None:
    found = facts_of(BROKEN["kubectl-missing"].facts())

    assert trouble(found.pop("kubectl")) is Trouble.MISSING
    assert {one.state for one in found.values()} == {State.NOT_ASKED}


def test_without_helm_all_else_is_known() -> None:
    found = facts_of(BROKEN["helm-missing"].facts())

    assert trouble(found.pop("helm")) is Trouble.MISSING
    assert found.pop("release").state is State.NOT_ASKED
    assert {name for name, one in found.items() if not one.known} == {"device_classes", "slices"}


def test_a_place_that_is_no_kubernetes_is_told_so() -> None:
    gone = replace(healthy(), version="Error from server (NotFound): the server could not find the requested resource")

    assert word(gone) is Trouble.FAILING
    assert "no Kubernetes answers there" in gone.facts().version.reason


def test_inside_a_pod_no_configuration_is_needed() -> None:
    found = replace(healthy(), config={"kind": "Config", "contexts": None, "clusters": None}).facts()

    assert trouble(found.context) is Trouble.NO_KUBECONFIG
    assert found.nodes.known


def test_the_contexts_to_choose_from_are_named() -> None:
    config = configuration("prod", "https://10.0.0.1:6443") | {"current-context": ""}
    found = replace(BROKEN["context-not-chosen"], config=config).facts()

    assert found.context.reason == "no-context: none is current; there are prod"


def test_who_may_not_ask_for_the_version_is_still_answered() -> None:
    found = replace(
        healthy(), version='Error from server (Forbidden): forbidden: User "dev" cannot get path "/version"'
    )

    assert word(found) is Trouble.FORBIDDEN
    assert found.facts().nodes.known


def test_user_and_password_of_a_server_s_address_are_not_kept() -> None:
    config = configuration("prod", "https://ada:PLANTED@10.0.0.1:6443/path")

    assert replace(healthy(), config=config).facts().server.value == "10.0.0.1:6443"


def test_the_place_is_named_in_every_question_that_goes_there() -> None:
    recording = healthy()
    cluster.observe(recording, kubeconfig="/k/config", context="prod", namespace=NAMESPACE, release=RELEASE)
    asked = [line for line in recording.asked if " version " not in line]

    assert asked
    for line in asked:
        assert "--kubeconfig /k/config" in line
        assert "context prod" in line
    assert all("--request-timeout=" in line for line in asked if line.startswith("kubectl"))
    assert any(f"--namespace {NAMESPACE}" in line for line in asked if line.startswith("helm"))


def test_nothing_is_changed_and_nothing_secret_is_asked_for() -> None:
    recording = healthy()
    recording.facts()
    made = [json.loads(text) for text in recording.given if text]

    assert {line.split()[0] for line in recording.asked} == {"kubectl", "helm"}
    assert {item["kind"] for one in made for item in one["items"]} == {"SelfSubjectAccessReview"}
    assert not [line for line in recording.asked if "secrets" in line or "get values" in line or "--flatten" in line]


def test_a_long_list_comes_page_by_page() -> None:
    nodes = [node(f"n-{number:04}") for number in range(1203)]
    recording = healthy(nodes=nodes, pods=[])
    found = recording.facts().nodes.value or ()

    assert [one.name for one in found] == [row["metadata"]["name"] for row in nodes]
    assert len([line for line in recording.asked if "/api/v1/nodes?" in line]) == 3


def test_pods_that_have_ended_ask_for_nothing() -> None:
    done = pod("job-1", "a10-1", gpu="1")
    done["status"]["phase"] = "Succeeded"
    found = healthy(pods=[done, pod("run-1", "a10-1", cpu="1")]).facts().nodes.value or ()

    assert {one.name: one.requested for one in found}["a10-1"] == {"cpu": 1000, "pods": 1}


def test_where_pods_cannot_be_listed_the_nodes_say_so() -> None:
    found = healthy(pods=refused("pods")).facts()

    assert found.nodes.known
    assert found.nodes.reason.startswith("pods: forbidden")
    assert not any(one.requested for one in found.nodes.value or ())
    assert found.daemons.known


def test_what_is_forbidden_says_which_right_is_missing() -> None:
    found = RECORDED["little-rights"]().facts()

    assert trouble(found.nodes) is Trouble.FORBIDDEN
    assert 'cannot list resource "nodes"' in found.nodes.reason
    assert found.quotas.known


def test_a_namespace_that_is_not_there_is_known_not_to_be() -> None:
    found = BROKEN["namespace-absent"].facts().namespace

    assert found.known
    assert found.value is not None
    assert not found.value.exists


def test_rights_are_asked_by_the_table_s_own_names() -> None:
    found = replace(healthy(), denied=("create pods/portforward", "create namespaces")).facts().rights.value or {}

    assert set(found) == {row["right"] for row in table("kubernetes")["rights"]}
    assert {name for name, may in found.items() if not may} == {"create pods/portforward", "create namespaces"}


@pytest.mark.parametrize(
    ("served", "path"),
    [
        (("resource.k8s.io/v1", "resource.k8s.io/v1beta2"), "/apis/resource.k8s.io/v1/"),
        (("resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2"), "/apis/resource.k8s.io/v1beta2/"),
        (("resource.k8s.io/v1alpha3", "resource.k8s.io/v1beta1"), "/apis/resource.k8s.io/v1beta1/"),
    ],
)
def test_devices_are_asked_for_in_the_newest_version_that_is_served(served: tuple[str, ...], path: str) -> None:
    recording = replace(healthy(), groups=("apps/v1", *served))
    recording.facts()

    assert len([line for line in recording.asked if path in line]) == 2
    assert not [line for line in recording.asked if "/apis/resource.k8s.io/" in line and path not in line]


def test_the_first_versions_of_device_slices_are_read_too() -> None:
    row = {
        "spec": {
            "driver": "gpu.nvidia.com",
            "nodeName": "a",
            "devices": [
                {
                    "name": f"gpu-{number}",
                    "basic": {
                        "attributes": {"productName": {"string": "NVIDIA T4"}, "uuid": {"string": f"GPU-{number}"}},
                        "capacity": {"memory": "15Gi"},
                    },
                }
                for number in range(2)
            ],
        }
    }
    (found,) = objects.slices([row])

    assert (found.driver, found.node, found.count) == ("gpu.nvidia.com", "a", 2)
    assert found.attributes == {"productName": "NVIDIA T4", "memory": str(15 * 1024**3)}


@pytest.mark.parametrize(
    ("name", "image", "role"),
    [
        ("nvidia-device-plugin-daemonset", "mirror.example:5000/a/k8s-device-plugin:v1@sha256:00", "device-plugin"),
        ("x", "mirror.example/nvidia/k8s-device-plugin", "device-plugin"),
        ("nvidia-gpu-device-plugin-small-cos", "mirror.example/nvidia-gpu-device-plugin@sha256:00", "device-plugin"),
        ("amdgpu-device-plugin-daemonset", "rocm/k8s-device-plugin:latest", ""),
        ("intel-gpu-plugin", "intel/intel-gpu-plugin:0.32", ""),
        ("gpu-feature-discovery", "mirror.example/nvidia/k8s-device-plugin:v0.17.4", "discovery"),
        ("nvidia-device-plugin-mps-control-daemon", "mirror.example/nvidia/k8s-device-plugin:v1", "mps"),
        ("gpu-operator-node-feature-discovery-worker", "mirror.example/nfd/node-feature-discovery:v0.19", "discovery"),
        ("gpu-operator", "mirror.example/nvidia/gpu-operator:v26.7.0", "operator"),
        ("nvidia-driver-daemonset", "mirror.example/nvidia/driver:580-ubuntu24.04", "driver"),
        ("metrics-server", "mirror.example/metrics-server:v0.8.0", "metrics-server"),
        ("keda-operator", "mirror.example/kedacore/keda:2.20.0", "keda"),
        ("nginx", "nginx:1.29", ""),
    ],
)
def test_a_component_is_known_by_name_and_image(name: str, image: str, role: str) -> None:
    found = daemon(daemon_set(name, image, 1), [])

    assert (found.role if found else "") == role


def test_the_trouble_of_a_component_is_that_of_a_pod_of_its_own() -> None:
    waiting = "ImagePullBackOff: Back-off pulling image"
    rows = [
        pod("other", namespace="default", waiting=waiting, owner="DaemonSet/nvidia-device-plugin-daemonset"),
        pod(
            "op-1",
            namespace="gpu",
            waiting="CreateContainerConfigError: no secret",
            owner="ReplicaSet/gpu-operator-7f9c",
        ),
    ]
    found = healthy(
        pods=rows,
        deployments=[deployment("gpu-operator", "mirror.example/nvidia/gpu-operator:v26.7.0", "gpu", ready=0)],
    ).facts()
    troubles = {one.name: one.trouble for one in found.daemons.value or ()}

    assert troubles["gpu-operator"] == "CreateContainerConfigError: no secret"
    assert troubles["nvidia-device-plugin-daemonset"] == ""


def test_a_pod_that_found_no_node_tells_why() -> None:
    row = pod("plugin-1", namespace="kube-system", owner="DaemonSet/nvidia-device-plugin-daemonset")
    row["status"] = {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/2 nodes are\navailable",
            }
        ],
    }
    found = healthy(pods=[row]).facts().daemons.value or ()

    assert found[0].trouble == "Unschedulable: 0/2 nodes are available"


def test_only_labels_that_tell_something_are_kept() -> None:
    labels = {"nvidia.com/gpu.product": "NVIDIA-A10", "team": "voices", "nvidia.com/gfd.timestamp": "1"}
    found = healthy(nodes=[node("a", labels=labels)]).facts().nodes.value or ()

    assert set(found[0].labels) == {
        *("nvidia.com/gpu.product", "kubernetes.io/arch", "kubernetes.io/os", "kubernetes.io/hostname"),
    }


@pytest.mark.parametrize(
    "answer", ["null", "[]", "{}", '{"items": 3}', '{"items": [{}]}', "<html>", "", '{"items": [7]}']
)
def test_an_answer_that_makes_no_sense_is_a_reason_like_any_other(answer: str) -> None:
    usual = healthy()

    def run(argv: Sequence[str], **more: Any) -> proc.Completed:
        if "--raw" in argv and argv[-1] != "/version":
            return proc.Completed(tuple(argv), 0, answer, "", 0.0)
        return usual(argv, **more)

    found = cluster.observe(run, kubeconfig=None, context=None, namespace=NAMESPACE, release=RELEASE)

    assert found.version.known
    assert codec.loads(ClusterFacts, codec.dumps(found)) == found


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "1Gi", "True", "v1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "name", "items", "spec", "status", "groups", "versions", "gitVersion", "contexts"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(_JSON, _JSON)
def test_nothing_that_programs_print_makes_looking_fail(first: Any, then: Any) -> None:
    def run(argv: Sequence[str], *, timeout: float, **_: Any) -> proc.Completed:
        body = then if "/version" not in argv[-1] else {"gitVersion": "v1.34.4"} if first else first
        return proc.Completed(tuple(argv), 0, json.dumps(body), "", 0.0)

    found = cluster.observe(run, kubeconfig=None, context=None, namespace=NAMESPACE, release=RELEASE)

    assert codec.loads(ClusterFacts, codec.dumps(found)) == found


def test_pages_without_end_are_left_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table("kubectl")["look"], "whole_seconds", 0.3)

    def run(argv: Sequence[str], *, timeout: float, **_: Any) -> proc.Completed:
        time.sleep(0.01)
        return proc.Completed(tuple(argv), 0, '{"items": [], "metadata": {"continue": "more"}}', "", 0.0)

    found = ask.fact("nodes", lambda: ask.Cluster(run, None, None).items("/api/v1/nodes"))

    assert trouble(found) is Trouble.SILENT


def test_questions_go_side_by_side_but_not_all_at_once() -> None:
    usual, lock = healthy(), threading.Lock()
    now, most = 0, 0

    def run(
        argv: Sequence[str],
        *,
        timeout: float,
        input: str | None = None,
        env: Mapping[str, str | None] | None = None,
        check: bool = True,
    ) -> proc.Completed:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return usual(argv, timeout=timeout, input=input, env=env, check=check)

    cluster.observe(run, kubeconfig=None, context=None, namespace=NAMESPACE, release=RELEASE)

    assert 2 <= most <= ask.look("at_once")
