"""``up`` on a real engine: the whole way, nothing twice, and just what changed."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import time
import wave

import pytest

from tests.docker.conftest import Stack, docker


def test_one_command_ends_in_a_spoken_sentence(cli: Stack) -> None:
    events = cli("up", "--yes", "--output", "json").events()

    outcome = events[-1]
    assert outcome["changed"] is True
    assert outcome["url"] == cli.url
    assert outcome["proof"]["answered_by"] == "espeak"
    assert outcome["proof"]["seconds"] > 2
    assert outcome["proof"]["peak"] > 0.05
    assert [name for name, _ in outcome["timings"]][-2:] == ["wait-ready", "prove"]


def test_a_second_up_changes_nothing(up: Stack) -> None:
    before = up.start_of()

    outcome = up("up", "--output", "json").events()[-1]

    assert outcome["changed"] is False
    assert outcome["timings"] == []
    assert up.start_of() == before


def test_the_container_is_what_was_promised(up: Stack) -> None:
    found = up.container()
    host, config = found["HostConfig"], found["Config"]

    assert config["User"] == "10001:0" or config["User"].endswith(":0")
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] == 1 << 30
    assert host["PidsLimit"] == 256
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["PortBindings"]["7860/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(up.port)}]
    assert found["State"]["Health"]["Status"] in ("starting", "healthy")


def test_the_engine_comes_to_the_same_verdict_on_its_health(up: Stack) -> None:
    deadline = time.monotonic() + 60
    while up.container()["State"]["Health"]["Status"] != "healthy":
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_status_says_what_runs(up: Stack) -> None:
    status = up("status", "--output", "json").json()

    assert (status["state"], status["ready"], status["url"]) == ("running", True, up.url)
    assert (status["variant"], status["device"], status["engine"]) == ("core", "cpu", "espeak")


def test_say_writes_a_wav(up: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("say") / "out.wav"

    up("say", "你好,世界。", "--lang", "zh", "-o", str(file))

    with wave.open(str(file)) as sound:
        assert sound.getnframes() / sound.getframerate() > 0.5


def test_say_speaks_to_a_pipe(up: Stack) -> None:
    import sys

    done = subprocess.run(
        (sys.executable, "-m", "deploy_kit", "say", "Hello there.", "-o", "-"),
        capture_output=True,
        env=up.variables(),
        cwd="/",
        timeout=60,
        check=True,
    )

    with wave.open(io.BytesIO(done.stdout)) as sound:
        assert sound.getframerate() == 22050


def test_logs_show_the_service(up: Stack) -> None:
    assert up("logs", "--tail", "50").out


def test_no_text_of_a_user_is_in_the_logs(up: Stack) -> None:
    assert up.ask("/v1/audio/speech", {"input": "zanzibar marmalade"})[0] == 200

    assert "zanzibar" not in docker("logs", up.name)


def test_a_changed_limit_recreates_the_service_and_rebuilds_nothing(cli: Stack) -> None:
    cli("up", "--yes")
    before = cli.start_of()
    cli.environment["DEPLOYKIT_LIMITS_MEMORY"] = "768MiB"

    planned = cli("plan", "--output", "json").json()
    outcome = cli("up", "--yes", "--output", "json").events()[-1]

    done = [name for name, _ in outcome["timings"]]
    assert done == ["write-files", "start-service", "wait-ready", "prove"]
    assert [step["operation"] for step in planned["steps"]] == done
    assert cli.start_of() != before
    assert cli.container()["HostConfig"]["Memory"] == 768 << 20


def test_a_dry_run_changes_nothing(cli: Stack) -> None:
    shown = cli("up", "--dry-run").out

    assert "speak a sentence" in shown
    assert not cli.state.exists()
    assert cli.name not in docker("ps", "--all", "--format", "{{.Names}}")
    assert cli.cache not in docker("volume", "ls", "--quiet")


def test_a_taken_port_is_told_with_its_holder_before_anything_starts(cli: Stack) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", cli.port))
        holder.listen()
        done = cli("up", "--yes", check=False)

    assert done.code == 4
    assert str(cli.port) in done.err + done.out
    assert "--listen" in done.err + done.out
    assert cli.name not in docker("ps", "--all", "--format", "{{.Names}}")


def test_wider_than_loopback_needs_a_key_that_is_shown_once(cli: Stack) -> None:
    cli.environment["DEPLOYKIT_LISTEN"] = f"0.0.0.0:{cli.port}"

    first = cli("up", "--yes", "--output", "json")
    outcome = first.events()[-1]
    key = outcome["key"]

    assert key
    assert outcome["firewall"]
    assert cli.ask("/v1/audio/speech", {"input": "hello"})[0] == 401
    assert cli.ask("/v1/audio/speech", {"input": "hello"}, key=key)[0] == 200
    assert cli.ask("/readyz")[0] == 200
    second = cli("up", "--output", "json")
    assert second.events()[-1]["key"] is None
    assert second.events()[-1]["changed"] is False
    assert cli("say", "hello", "-o", "/dev/null").code == 0
    assert key not in second.out + docker("logs", cli.name) + json.dumps(cli.container())
    files = [path for path in cli.state.rglob("*") if path.is_file() and key in path.read_text(errors="replace")]
    assert files == [cli.state / "secrets/api_key"]
    assert files[0].stat().st_mode & 0o007 == 0


def test_down_keeps_the_cache_and_up_finds_it_again(cli: Stack) -> None:
    cli("up", "--yes")
    docker("exec", cli.name, "sh", "-c", "echo kept > /cache_hub/weights")

    cli("down")
    assert cli.name not in docker("ps", "--all", "--format", "{{.Names}}")
    cli("up", "--yes")

    assert docker("exec", cli.name, "cat", "/cache_hub/weights") == "kept"


def test_even_compose_down_with_v_keeps_the_cache(cli: Stack) -> None:
    cli("up", "--yes")
    docker("exec", cli.name, "sh", "-c", "echo kept > /cache_hub/weights")

    docker("compose", "--file", str(cli.state / "files/compose.yaml"), "down", "--volumes")
    assert cli.cache in docker("volume", "ls", "--quiet").split()
    cli("up", "--yes")

    assert docker("exec", cli.name, "cat", "/cache_hub/weights") == "kept"


def test_somebody_elses_container_is_left_alone(cli: Stack, up: Stack) -> None:
    image = up.container()["Image"]
    docker("run", "--detach", "--name", cli.name, "--entrypoint", "sleep", image, "60")

    done = cli("up", "--yes", check=False)

    assert done.code == 5
    assert "ENGINE-NAME-TAKEN" in done.err + done.out
    assert docker("container", "inspect", "--format", "{{.State.Status}}", cli.name) == "running"


@pytest.mark.parametrize("after", [0.3, 1.0, 2.0, 3.5])
def test_an_interrupted_up_is_finished_by_the_next(cli: Stack, after: float) -> None:
    first = cli.start("up", "--yes")
    time.sleep(after)
    first.send_signal(signal.SIGINT)
    output, _ = first.communicate(timeout=60)

    assert first.returncode in (0, 130), output
    outcome = cli("up", "--yes", "--output", "json").events()[-1]
    assert outcome["proof"] is not None or first.returncode == 0
    cli.until_ready()


def test_two_ups_at_once_do_not_meet(cli: Stack) -> None:
    first, second = cli.start("up", "--yes"), cli.start("up", "--yes")
    outputs = [one.communicate(timeout=300)[0] for one in (first, second)]

    codes = sorted((first.returncode, second.returncode))
    assert codes in ([0, 0], [0, 4]), outputs
    assert codes == [0, 0] or any("HOST-STACK-BUSY" in output for output in outputs)
    cli.until_ready()


def test_two_stacks_live_side_by_side(cli: Stack, up: Stack) -> None:
    cli.environment["DEPLOYKIT_CACHE_VOLUME"] = up.cache
    cli("up", "--yes")

    assert up.ask("/readyz")[0] == cli.ask("/readyz")[0] == 200
