"""The cluster that the tests make: it leaves nothing, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import cluster, control_groups
from tests.support.command import ROOT

_CGROUPS = Path("/sys/fs/cgroup")


def _members(namespace: str) -> list[int]:
    """The processes in a network namespace."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and str((place / "ns/net").readlink()) == namespace:
                found.append(int(place.name))
        except OSError:
            continue
    return found


def _soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def test_a_cluster_whose_maker_was_killed_is_gone(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.support.cluster", "--gpus", "0")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline().startswith("ready after")
        words = maker.stdout.readline()
        inside = int(words.partition("--target=")[2].split()[0])
        namespace = str(Path(f"/proc/{inside}/ns/net").readlink())
        assert len(_members(namespace)) > 5
        os.kill(maker.pid, signal.SIGKILL)
    end = _soon()
    while left := _members(namespace):
        assert time.monotonic() < end, left
        time.sleep(0.1)
    assert _groups_of(maker.pid), "the kubelet's groups outlive it"
    control_groups.sweep("deploykit-cluster-")
    assert not _groups_of(maker.pid)


def _groups_of(pid: int) -> list[Path]:
    return [*_CGROUPS.glob(f"deploykit-cluster-*-{pid}"), *_CGROUPS.glob(f"*/deploykit-cluster-*-{pid}")]


def test_two_clusters_are_no_trouble_to_each_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with cluster.made(one) as first, cluster.made(other) as second:
        first.api.post("/api/v1/namespaces", {"metadata": {"name": "only-here"}})
        assert "only-here" in first.kubectl("get", "namespaces", "--output", "name")
        assert "only-here" not in second.kubectl("get", "namespaces", "--output", "name")


def test_this_machine_keeps_its_network_and_its_settings(tmp_path: Path) -> None:
    def state() -> list[str]:
        settings = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
        links = [name for name in ("cni0", "uplink") if Path(f"/sys/class/net/{name}").exists()]
        return links + [Path(f"/proc/sys/{name}").read_text() for name in settings]

    before, groups = state(), _groups_of(os.getpid())
    with cluster.made(tmp_path, controllers=True) as made:
        made.join()
        assert state() == before
    assert state() == before
    assert _groups_of(os.getpid()) == groups
