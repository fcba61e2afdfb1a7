"""A real API server for descriptions of clusters, a real node with devices, and the command line beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import cluster
from tests.support.cluster import Cluster, lacking
from tests.support.cluster.node import Node
from tests.support.cluster.room import environment
from tests.support.cluster_recorder import NAMESPACE, RELEASE
from tests.support.command import ROOT, Done

USERS = ("developer", "nobody")


@dataclass
class Doctor:
    """``deploykit doctor --target kubernetes`` on a cluster's machine, as the cluster's owner unless told otherwise."""

    there: Cluster

    def __call__(self, *args: str, kubeconfig: str = "", check: bool = False, **changes: str) -> Done:
        """Run it; what it prints and its exit code. ``changes`` are variables of its environment."""
        room = self.there.room
        own = {
            "KUBECONFIG": kubeconfig or self.there.plane.kubeconfig(),
            "DEPLOYKIT_KUBERNETES_NAMESPACE": NAMESPACE,
            "DEPLOYKIT_NAME": RELEASE,
            "PATH": f"{room.programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            "HOME": "/run/cluster",
        } | changes
        nsenter, *words = room.machine.inside(sys.executable, "-m", "deploy_kit", "doctor", "--target", "kubernetes")
        place = next(folder for folder in os.environ["PATH"].split(":") if (Path(folder) / nsenter).is_file())
        done = subprocess.run(
            (f"{place}/{nsenter}", *words, *args), capture_output=True, text=True, timeout=120, check=False,
            env=environment() | own, cwd="/",
        )  # fmt: skip
        assert not check or done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def document(self, *args: str, **more: Any) -> dict[str, Any]:
        """What it says for programs; its exit code must be the one that it names."""
        done = self("--output", "json", *args, **more)
        assert done.out, done.err
        found: dict[str, Any] = done.json()
        assert found["exit_code"] == done.code
        return found

    def codes(self, *args: str, **more: Any) -> dict[str, str]:
        """The codes of what it finds, each with its severity."""
        return {one["code"]: one["severity"] for one in self.document(*args, **more)["findings"]}


@pytest.fixture(scope="session", autouse=True)
def _possible() -> None:
    if words := lacking():
        pytest.fail(f"this machine lacks: {words}", pytrace=False)


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server without controllers: whatever it is told of nodes, it believes."""
    with cluster.made(tmp_path_factory.mktemp("described"), users=USERS) as one:
        yield one


@pytest.fixture(scope="session")
def doctor(described: Cluster) -> Doctor:
    return Doctor(described)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster in which pods run."""
    with cluster.made(tmp_path_factory.mktemp("whole"), controllers=True) as one:
        yield one


@pytest.fixture(scope="session")
def node(whole: Cluster) -> Node:
    return whole.join()
