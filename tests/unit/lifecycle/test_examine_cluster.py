"""Which cluster is asked, what of it is kept, and where the commands of findings lead."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from deploy_kit import codec, proc
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.config.request import Kubernetes, Request
from deploy_kit.detect.site import cluster as looking
from deploy_kit.errors import Failure
from deploy_kit.facts import unknown
from deploy_kit.findings import Finding
from deploy_kit.lifecycle import cluster
from tests.support import samples

CLUSTERS = Path(__file__).parents[2] / "clusters"


def recorded(name: str) -> ClusterFacts:
    return codec.loads(ClusterFacts, (CLUSTERS / f"{name}.json").read_text(encoding="utf-8"))


def wish(**changes: object) -> Request:
    return samples.request(**{"engine": "indextts-2.5", "target": "kubernetes", **changes})


class Kubectl:
    """A kubectl that knows the namespace of its context; None: it fails."""

    def __init__(self, namespace: str | None) -> None:
        self.namespace = namespace
        self.asked: list[tuple[str, ...]] = []

    def __call__(
        self, argv: Sequence[str], *, timeout: float, input: str | None = None,
        env: Mapping[str, str | None] | None = None, check: bool = True,
    ) -> proc.Completed:  # fmt: skip
        self.asked.append(tuple(argv))
        if self.namespace is None:
            raise proc.CommandMissing(argv, "not found")
        return proc.Completed(tuple(argv), 0, self.namespace, "", 0.1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What was asked of the looking room, which answers with a cluster on record."""
    calls: list[dict[str, object]] = []

    def observe(run: proc.Runner, **where: object) -> ClusterFacts:
        calls.append(where)
        return recorded("gke")

    monkeypatch.setattr(looking, "observe", observe)
    return calls


def test_the_cluster_that_is_named_is_asked(asked: list[dict[str, object]]) -> None:
    kubectl = Kubectl("other")
    where = Kubernetes(context="prod", namespace="voices", kubeconfig="/k/admin.conf")
    cluster.observe(wish(name="radio", kubernetes=where), kubectl)
    expected = {"kubeconfig": "/k/admin.conf", "context": "prod", "namespace": "voices", "release": "radio"}
    assert (asked, kubectl.asked) == ([expected], [])


@pytest.mark.parametrize(("own", "namespace"), [("team-a", "team-a"), ("", "default"), (None, "default")])
def test_without_a_name_the_namespace_is_what_kubectl_and_helm_take(
    asked: list[dict[str, object]], own: str | None, namespace: str
) -> None:
    kubectl = Kubectl(own)
    cluster.observe(wish(kubernetes=Kubernetes(context="prod")), kubectl)
    assert asked[0]["namespace"] == namespace
    assert kubectl.asked[0][:3] == ("kubectl", "--context", "prod")


def test_passwords_in_what_programs_said_are_cut_out() -> None:
    said = unknown("/version", "refused: https://ada:secret@10.0.0.1:6443/version: dial tcp")
    facts = cluster.without_credentials(dataclasses.replace(recorded("gke"), version=said))
    assert facts.version.reason == "refused: https://***@10.0.0.1:6443/version: dial tcp"
    assert cluster.without_credentials(recorded("gke")) == recorded("gke")


def test_the_wish_is_the_same_as_for_a_host() -> None:
    asked = cluster.wish(wish(device="cuda", variant="cu126", memory=8 << 30))
    assert (asked.engine, asked.device, asked.variant, asked.memory_bytes) == (
        "indextts-2.5", "cuda", "cu126", 8 << 30)  # fmt: skip
    assert asked.cache_bytes > 1 << 30
    assert cluster.wish(wish(engine="espeak")).cache_bytes == 0


def commands(name: str, code: str, where: Kubernetes) -> list[tuple[str, ...]]:
    _, verdict = cluster.examine(wish(kubernetes=where), recorded(name))
    return [command for one in verdict.findings if one.code == code for command in one.commands]


def test_copied_commands_ask_the_cluster_that_was_judged() -> None:
    where = Kubernetes(context="prod", kubeconfig="/k/admin.conf")
    assert commands("server-refuses", "CLUSTER-UNREACHABLE", where) == [
        ("kubectl", "--kubeconfig", "/k/admin.conf", "--context", "prod", "cluster-info")
    ]
    assert commands("server-refuses", "CLUSTER-UNREACHABLE", Kubernetes()) == [("kubectl", "cluster-info")]


def test_commands_about_the_configuration_keep_the_file_alone() -> None:
    where = Kubernetes(context="gone", kubeconfig="/k/admin.conf")
    assert commands("context-not-chosen", "CLUSTER-NO-CONTEXT", where) == [
        ("kubectl", "--kubeconfig", "/k/admin.conf", "config", "get-contexts")
    ]


@pytest.mark.parametrize(("name", "code"), [("quota-spent", "CLUSTER-QUOTA"), ("limits-small", "CLUSTER-LIMIT-RANGE")])
def test_what_lies_in_a_namespace_is_asked_for_there(name: str, code: str) -> None:
    facts = recorded(name)
    assert facts.namespace.value is not None
    for command in commands(name, code, Kubernetes()):
        assert command[-2:] == ("--namespace", facts.namespace.value.name)


def test_helm_is_told_in_its_own_words() -> None:
    found = commands("release-stuck", "CLUSTER-RELEASE-STUCK", Kubernetes(context="prod"))
    assert found
    assert all(command[-2:] == ("--kube-context", "prod") for command in found)


@pytest.mark.parametrize("name", sorted(path.stem for path in CLUSTERS.glob("*.json")))
def test_no_finding_is_lost_on_the_way(name: str) -> None:
    from deploy_kit.cluster.judge import judge

    def plain(found: tuple[Finding, ...]) -> list[Finding]:
        return [dataclasses.replace(one, commands=()) for one in found]

    facts, verdict = cluster.examine(wish(), recorded(name))
    assert facts == recorded(name)
    assert plain(verdict.findings) == plain(judge(facts, cluster.wish(wish())).findings)


@pytest.fixture
def own_matrix() -> Callable[[str], str]:
    """Rows over the table of cards: a driver floor that no cluster reaches."""
    return lambda floor: json.dumps({"variants": {"cu128": {"driver_floor": floor}, "cu126": {"driver_floor": floor}}})


def test_the_users_own_rows_over_the_table_of_cards_count_here_too(own_matrix: Callable[[str], str]) -> None:
    assert cluster.examine(wish(), recorded("healthy"))[1].device == "cuda"
    _, verdict = cluster.examine(wish(matrix=own_matrix("999.0")), recorded("healthy"))
    assert verdict.device == "cpu"
    assert "CLUSTER-DRIVER-OLD" in [one.code for one in verdict.findings]
    with pytest.raises(Failure):
        cluster.examine(wish(matrix='{"variants": 3}'), recorded("healthy"))
