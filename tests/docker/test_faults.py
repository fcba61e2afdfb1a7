"""What breaks under a running stack, and what is left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.docker.conftest import Stack, docker


def processes(name: str) -> dict[int, str]:
    """Host process ids inside a container, with their command lines."""
    rows = docker("top", name, "-eo", "pid,args").splitlines()[1:]
    return {int(row.split(None, 1)[0]): row.split(None, 1)[1] for row in rows}


def worker_of(name: str) -> int:
    return next(pid for pid, command in processes(name).items() if "tts_worker" in command)


def wait_until(condition: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_worker_is_replaced_and_the_container_stays(up: Stack) -> None:
    start, worker = up.start_of(), worker_of(up.name)

    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: up.ask("/v1/audio/speech", {"input": "Hello again."})[0] == 200)

    assert worker_of(up.name) != worker
    assert up.start_of() == start


def test_a_killed_server_is_restarted_by_the_engine(up: Stack) -> None:
    server = next(
        pid for pid, command in processes(up.name).items() if "-m tts_server" in command and "tini" not in command
    )
    _, started = up.start_of()

    os.kill(server, signal.SIGKILL)
    wait_until(lambda: up.start_of()[1] != started and up.container()["State"]["Status"] == "running")
    up.until_ready()

    assert up.ask("/v1/audio/speech", {"input": "Hello again."})[0] == 200


def test_a_container_killed_by_hand_is_started_by_up(up: Stack) -> None:
    identity, _ = up.start_of()
    docker("kill", up.name)
    wait_until(lambda: up.container()["State"]["Status"] == "exited")

    outcome = up("up", "--yes", "--output", "json").events()[-1]

    assert [name for name, _ in outcome["timings"]] == ["start-service", "wait-ready", "prove"]
    assert up.start_of()[0] == identity


def test_a_stopped_container_ends_with_code_zero(up: Stack) -> None:
    docker("stop", up.name)

    assert up.container()["State"]["ExitCode"] == 0
    assert up("status", "--output", "json").json()["state"] == "stopped"
    up("up", "--yes")


def test_a_file_changed_by_hand_is_written_again(up: Stack) -> None:
    file = up.state / "files/compose.yaml"
    good = file.read_text()
    file.write_text(good.replace("read_only: true", "read_only: false"))

    outcome = up("up", "--yes", "--output", "json").events()[-1]

    assert file.read_text() == good
    assert [name for name, _ in outcome["timings"]] == ["write-files"]


def test_a_lost_state_folder_is_made_again(up: Stack) -> None:
    import shutil

    shutil.rmtree(up.state)

    up("up", "--yes")
    assert (up.state / "files/compose.yaml").is_file()
    assert up.ask("/readyz")[0] == 200


def test_a_service_that_cannot_start_is_told_with_its_last_words(cli: Stack) -> None:
    cli("up", "--yes")
    image = cli.container()["Config"]["Image"]
    cli("down")
    good = docker("image", "inspect", "--format", "{{.Id}}", image)
    labels = ("io.deploykit.inputs", "io.deploykit.variant")
    asked = {name: f'{{{{index .Config.Labels "{name}"}}}}' for name in labels}
    changes = [f"LABEL {name}={docker('image', 'inspect', '--format', form, image)}" for name, form in asked.items()]
    broken = "\n".join([f"FROM {image}", *changes, 'ENTRYPOINT ["sh", "-c", "echo the last words; exit 7"]'])
    try:
        subprocess.run(
            ("docker", "build", "-q", "-t", image, "-"), input=broken, text=True, check=True, capture_output=True
        )
        done = cli("up", "--yes", check=False)
    finally:
        docker("tag", good, image)

    assert done.code == 7
    assert "the last words" in done.out + done.err
    assert "HEALTH-EXITED" in done.out + done.err


def daemon_pid() -> int | None:
    for place in ("/run/docker.pid", "/var/run/docker.pid"):
        if (file := Path(place)).is_file():
            return int(file.read_text())
    return None


def test_a_restarted_daemon_brings_the_service_back(cli: Stack) -> None:
    """The daemon ends as in a reboot without systemd; ``up`` finds it down, starts it, and the stack is back."""
    foreign = [name for name in docker("ps", "--format", "{{.Names}}").split() if not name.startswith("dk-")]
    pid = daemon_pid()
    if foreign or pid is None or os.getuid() != 0 or Path("/run/systemd/system").exists():
        pytest.skip(f"this engine is not ours to restart: {foreign or 'systemd or another user owns it'}")
    cli("up", "--yes")
    docker("exec", cli.name, "sh", "-c", "echo kept > /cache_hub/weights")

    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: subprocess.run(("docker", "version"), capture_output=True, check=False).returncode != 0)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    done = cli("doctor", check=False)
    assert "not running" in done.out + done.err or done.code == 0
    outcome = cli("up", "--yes", "--output", "json").events()[-1]

    assert outcome["timings"][0][0] == "start-engine"
    assert "build-image" not in dict(outcome["timings"])
    assert docker("exec", cli.name, "cat", "/cache_hub/weights") == "kept"
    assert cli.ask("/v1/audio/speech", {"input": "Hello again."})[0] == 200
