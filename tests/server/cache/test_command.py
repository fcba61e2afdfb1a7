"""``deploykit cache`` under target local: the whole way from the command line to the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.cache.conftest import ENGINE, FILES, ROOT
from tests.support.hub import Hub, write_lock

Deploykit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def deploykit(tmp_path: Path, weights: Path, hub: Hub) -> Deploykit:
    lock = tmp_path / "lock.json"
    write_lock(weights, lock, engine=ENGINE, licence="CC-BY-NC-4.0")
    where = ["--target", "local", "--engine", ENGINE, "--cache-path", str(tmp_path / "cache")]
    where += ["--weights-lock", str(lock), "--weights-source", hub.url, "--device", "cpu", "--name", "cachetest"]

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy_kit", "cache", *args, *where],
            cwd=ROOT,
            env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state"), "NO_PROXY": "127.0.0.1", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    return run


def outcome(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_pull_without_a_yes_to_the_licence_fetches_nothing(deploykit: Deploykit, hub: Hub) -> None:
    done = deploykit("pull")

    assert done.returncode == 9
    assert "CACHE-LICENCE" in done.stderr
    assert hub.seen == []


def test_pull_tells_progress_and_result(deploykit: Deploykit, tmp_path: Path) -> None:
    done = deploykit("pull", "--accept-license")

    assert done.returncode == 0
    assert "100%" in done.stderr
    assert done.stdout.startswith("Everything is there")
    row = json.loads((tmp_path / "cache/licences.json").read_text())["accepted"][0]
    assert row["licences"] == ["CC-BY-NC-4.0"]


def test_a_failure_ends_with_9_and_one_finding(deploykit: Deploykit, hub: Hub) -> None:
    hub.fail("wrong", "gpt.pth")

    done = deploykit("pull", "--accept-license", "--output", "json")

    assert done.returncode == 9
    assert "CACHE-CORRUPT" in done.stdout


def test_the_whole_round(deploykit: Deploykit, tmp_path: Path) -> None:
    deploykit("pull", "--accept-license")
    needed = [path for path in FILES if "qwen" not in path]

    listed = outcome(deploykit("list", "--output", "json"))
    assert {row["path"] for row in listed["files"]} == set(needed)
    assert listed["complete"]
    assert outcome(deploykit("verify", "--output", "json"))["files"] == len(needed)
    assert outcome(deploykit("export", str(tmp_path / "x.tar"), "--output", "json"))["files"] == len(needed)
    assert outcome(deploykit("purge", "--output", "json"))["told"] == "kept"
    assert outcome(deploykit("purge", "--dry-run", "--output", "json"))["files"] == len(needed)
    assert outcome(deploykit("purge", "--yes", "--output", "json"))["told"] == "deleted"
    assert not outcome(deploykit("list", "--output", "json"))["complete"]
    assert outcome(deploykit("import", str(tmp_path / "x.tar"), "--output", "json"))["files"] == len(needed)
    assert outcome(deploykit("list", "--output", "json"))["complete"]


def test_what_goes_is_shown_before_the_question(deploykit: Deploykit) -> None:
    deploykit("pull", "--accept-license")

    done = deploykit("purge")

    assert "gpt.pth" in done.stderr
    assert done.stdout.strip() == "Nothing was deleted."


@pytest.mark.parametrize("args", [("import",), ("export",), ("pull", "somewhere"), ("list", "x"), ("fetch",)])
def test_wrong_arguments_are_told_as_such(deploykit: Deploykit, args: tuple[str, ...]) -> None:
    assert deploykit(*args).returncode == 2
