"""The command lines of kubectl and helm."""

from __future__ import annotations

import pytest

from deploy_kit import proc
from deploy_kit.tools import helm, kubectl
from tests.support.recorder import Recorder


def test_without_a_place_kubectl_finds_its_own() -> None:
    assert kubectl.argv("get", "nodes") == ("kubectl", "get", "nodes")


def test_the_place_and_the_patience_come_first() -> None:
    line = kubectl.argv("get", "nodes", kubeconfig="/k", context="prod", timeout=2.5)

    assert line == ("kubectl", "--kubeconfig", "/k", "--context", "prod", "--request-timeout=2.5s", "get", "nodes")


def test_helm_names_the_context_in_its_own_way() -> None:
    line = helm.argv("list", kubeconfig="/k", context="prod", namespace="speech")

    assert line == ("helm", "list", "--kubeconfig", "/k", "--kube-context", "prod", "--namespace", "speech")


def test_a_call_returns_what_is_printed() -> None:
    run = Recorder({"kubectl --context prod --request-timeout=10s get --raw /version": '{"gitVersion": "v1.34.4"}'})

    assert kubectl.call("get", "--raw", "/version", context="prod", run=run).stdout == '{"gitVersion": "v1.34.4"}'


def test_a_call_that_fails_raises_where_that_is_wanted() -> None:
    run = Recorder({"helm": 1})

    assert helm.call("list", check=False, run=run).returncode == 1
    with pytest.raises(proc.CommandFailed):
        helm.call("list", run=run)


def test_the_program_gets_longer_than_the_server() -> None:
    given: list[float] = []

    def run(argv: object, *, timeout: float, **_: object) -> proc.Completed:
        given.append(timeout)
        return proc.Completed(("kubectl",), 0, "", "", 0.0)

    kubectl.call("version", timeout=5, run=run)

    assert given[0] > 5
