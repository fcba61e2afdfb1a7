"""Target local: the same service as plain processes, without a container engine."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Cli, free_port


@pytest.fixture(scope="module")
def local() -> Iterator[Cli]:
    """A local stack that is up."""
    port = free_port()
    cli = Cli(f"dk-local-{port}", port, "unused", {"DEPLOYKIT_TARGET": "local"})
    try:
        cli("up", "--yes")
        yield cli
    finally:
        cli("down", check=False)
        shutil.rmtree(cli.state, ignore_errors=True)


def pid_of(cli: Cli) -> int:
    import json

    return int(json.loads((cli.state / "local/process.json").read_text())["pid"])


def test_it_speaks_and_says_so(local: Cli, tmp_path: Path) -> None:
    local("say", "你好。Hello.", "-o", str(tmp_path / "out.wav"))
    status = local("status", "--output", "json").json()

    assert (tmp_path / "out.wav").read_bytes()[:4] == b"RIFF"
    assert (status["state"], status["target"], status["ready"]) == ("running", "local", True)


def test_a_second_up_changes_nothing(local: Cli) -> None:
    before = pid_of(local)

    outcome = local("up", "--output", "json").events()[-1]

    assert (outcome["changed"], pid_of(local)) == (False, before)


def test_it_survives_the_shell_that_started_it(local: Cli) -> None:
    """The shell of `up` is long gone; what is left belongs to no terminal and to a session of its own."""
    stat = Path(f"/proc/{pid_of(local)}/stat").read_text().rpartition(")")[2].split()

    session, terminal = int(stat[3]), int(stat[4])
    assert (session, terminal) == (pid_of(local), 0)
    assert local.ask("/livez")[0] == 200


def test_a_changed_setting_restarts_it_and_makes_nothing_else_anew(local: Cli) -> None:
    before = pid_of(local)
    local.environment["DEPLOYKIT_SERVICE_MAX_CHARS"] = "100"

    outcome = local("up", "--yes", "--output", "json").events()[-1]

    done = [name for name, _ in outcome["timings"]]
    assert done == ["stop-service", "start-service", "wait-ready", "prove"]
    assert pid_of(local) != before
    assert local.ask("/v1/audio/speech", {"input": "x " * 60})[0] == 400


def test_a_killed_service_is_noticed_and_started_again(local: Cli) -> None:
    os.kill(pid_of(local), signal.SIGKILL)
    time.sleep(0.5)

    assert local("status", "--output", "json").json()["state"] == "absent"
    local("up", "--yes")
    assert local.ask("/readyz")[0] == 200


def test_a_recycled_process_id_is_not_ours(local: Cli) -> None:
    from deploy_kit.run.process import Process, running

    stranger = Process.of(os.getpid(), stack="s", inputs="i")

    assert running(stranger)
    assert not running(Process(os.getpid(), stranger.started + 1, stranger.boot, "s", "i"))


def test_logs_are_shown(local: Cli) -> None:
    assert "worker" in local("logs", "--tail", "200").out


def test_down_ends_every_process_and_keeps_outputs(local: Cli) -> None:
    server = pid_of(local)
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    assert children

    local("down")

    deadline = time.monotonic() + 60
    while left := [pid for pid in (str(server), *children) if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert (local.state / "outputs").is_dir()
    assert local("down").code == 0
