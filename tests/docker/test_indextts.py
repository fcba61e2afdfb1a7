"""IndexTTS from the configured engine to its first sentence: the CUDA image built for real, around the stand-in engine.

The weights come from a hub on this machine. There is no GPU here, so what can be seen is the honest way to the CPU.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy_kit.client import wav
from tests.docker.conftest import Stack, docker, fresh
from tests.support import standin_weights
from tests.support.hub import Hub, write_lock

STANDIN = Path(__file__).parents[1] / "support/standin"
ENGINE = "indextts-2.5"
LICENCE = "bilibili"
TEXT = "Weights were fetched, checked and loaded."


def gateway() -> str:
    """An address of this machine that containers reach."""
    networks: list[dict[str, Any]] = json.loads(docker("network", "inspect", "bridge"))
    return str(networks[0]["IPAM"]["Config"][0]["Gateway"])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in's weights as a hub has them, with the lock beside."""
    folder = tmp_path_factory.mktemp("weights")
    standin_weights.write(folder / "model", ENGINE)
    (folder / "model/reference_voice.wav").unlink()
    write_lock(folder / "model", folder / "lock.json", engine=ENGINE, licence=LICENCE)
    return folder


@pytest.fixture(scope="module")
def hub(weights: Path) -> Iterator[Hub]:
    with Hub(weights / "model", (gateway(), 0)) as hub:
        yield hub


@pytest.fixture(scope="module")
def stack(weights: Path, hub: Hub) -> Iterator[Stack]:
    """A stack with IndexTTS configured; it does not exist yet."""
    with fresh("dk-model") as stack:
        stack.environment |= {
            "DEPLOYKIT_ENGINE": ENGINE,
            "DEPLOYKIT_VARIANT": "cu128",
            "DEPLOYKIT_BUILD_ENGINE_SOURCE": str(STANDIN),
            "DEPLOYKIT_WEIGHTS_LOCK": str(weights / "lock.json"),
            "DEPLOYKIT_WEIGHTS_SOURCE": f"http://{gateway()}:{hub.port}",
            "DEPLOYKIT_ACCEPT_LICENSE": "true",
        }
        yield stack


@contextlib.contextmanager
def settings(stack: Stack, **changed: str) -> Iterator[None]:
    """Other settings for a while."""
    before = dict(stack.environment)
    stack.environment |= {f"DEPLOYKIT_{name.upper()}": value for name, value in changed.items()}
    try:
        yield
    finally:
        stack.environment.clear()
        stack.environment.update(before)


def readiness(stack: Stack) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(stack.ask("/readyz")[1])
    return document


def model(stack: Stack) -> dict[str, Any]:
    view: dict[str, Any] = readiness(stack)["engines"][ENGINE]
    return view


def until(what: Callable[[], bool], stack: Stack, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"{readiness(stack)}\n{stack('logs', '--tail', '40', check=False).out}"
        time.sleep(0.2)


def speak(stack: Stack, **fields: Any) -> tuple[int, bytes]:
    return stack.ask("/v1/audio/speech", {"input": TEXT, "response_format": "wav", **fields})


def test_a_licence_that_nobody_accepted_fetches_nothing(stack: Stack, hub: Hub) -> None:
    with settings(stack, accept_license="false"):
        done = stack("up", "--yes", timeout=1800)
        assert "--accept-license" in done.out + done.err
        until(lambda: model(stack)["state"] == "unlicensed", stack)
        assert not hub.seen
        assert speak(stack)[0] == 200


def test_up_with_a_hub_that_cannot_be_reached_speaks_with_the_built_in_voice(stack: Stack, hub: Hub) -> None:
    with settings(stack, weights_source="http://192.0.2.1:9"):
        done = stack("up", "--yes", timeout=1800)
        assert "indextts-2.5" in done.out
        assert "espeak" in done.out
        until(lambda: model(stack).get("code", "").startswith("CACHE-"), stack)
        status, sound = speak(stack)
        assert status == 200
        assert len(wav(sound, "auto")[1]) > 1000
        status, refusal = speak(stack, model=ENGINE)
        assert status == 503
        assert "CACHE-" in refusal.decode()


def test_weights_are_fetched_checked_loaded_and_speak(stack: Stack, hub: Hub) -> None:
    done = stack("up", "--yes", "--wait-for-model", "--output", "json", timeout=900)
    outcome = done.events()[-1]
    assert outcome["proof"]["answered_by"] == ENGINE
    found = readiness(stack)
    assert (found["answers"], found["device"]) == (ENGINE, "cpu")
    assert found["engines"][ENGINE]["state"] == "ready"
    rate, samples = wav(speak(stack, model=ENGINE)[1], ENGINE)
    assert rate == 22050
    assert max(map(abs, samples)) > 1000
    whole = [one.path for one in hub.seen if one.host == "cdn" and one.sent]
    assert len(whole) == len(set(whole))


def test_emotion_and_duration_are_heard(stack: Stack) -> None:
    plain = speak(stack, model=ENGINE, seed=1)[1]
    assert speak(stack, model=ENGINE, seed=1)[1] == plain
    assert speak(stack, model=ENGINE, seed=1, emo_vector=[0.6, 0, 0, 0, 0, 0, 0, 0])[1] != plain
    slow = speak(stack, model=ENGINE, seed=1, duration_factor=1.8)[1]
    assert len(slow) > 1.3 * len(plain)
    status, refusal = speak(stack, model=ENGINE, emo_vector=[0.6, 0.6, 0, 0, 0, 0, 0, 0])
    assert status == 400
    assert "emo_vector" in refusal.decode()


def test_the_second_up_changes_nothing(stack: Stack) -> None:
    before = stack.start_of()
    stack("up", "--yes")
    assert stack.start_of() == before


def test_what_was_built_says_what_it_is(stack: Stack) -> None:
    image = stack.container()["Config"]["Image"]
    labels = json.loads(docker("image", "inspect", image))[0]["Config"]["Labels"]
    assert labels["io.deploykit.engine.stand-in"] == "true"
    assert "standin" in image
    done = stack("verify", check=False, timeout=600)
    assert done.code == 0, done.out + done.err


def test_the_cache_is_listed_and_verified(stack: Stack) -> None:
    done = stack("cache", "verify", "--output", "json")
    assert done.code == 0
    assert "gpt.pth" in stack("cache", "list").out


def test_a_killed_worker_is_replaced(stack: Stack) -> None:
    pid = docker("exec", stack.name, "sh", "-c", "grep -lz indextts-2.5 /proc/[0-9]*/cmdline | cut -d/ -f3 | tail -1")
    inside = int(docker("inspect", "--format", "{{.State.Pid}}", stack.name))
    tree = subprocess.run(("pgrep", "-f", "tts_worker --engine indextts"), capture_output=True, text=True, check=True)
    assert pid
    assert inside
    for one in tree.stdout.split():
        subprocess.run(("kill", "-KILL", one), check=False)
    until(lambda: model(stack)["restarts"] >= 1 and model(stack)["state"] == "ready", stack)
    assert speak(stack, model=ENGINE)[0] == 200


def test_it_comes_back_with_the_network_cut(stack: Stack, hub: Hub) -> None:
    network = f"{stack.name}_default"
    docker("network", "disconnect", network, stack.name)
    try:
        hub.seen.clear()
        docker("restart", stack.name)
        ask = (
            "import json,time,urllib.request as u\n"
            "b='http://127.0.0.1:7860'\n"
            "end=time.monotonic()+120\n"
            "while time.monotonic()<end:\n"
            "    try:\n"
            f"        if json.load(u.urlopen(b+'/readyz'))['answers']=='{ENGINE}': break\n"
            "    except OSError: pass\n"
            "    time.sleep(.2)\n"
            f"d=json.dumps({{'input':'{TEXT}','model':'{ENGINE}'}}).encode()\n"
            "r=u.Request(b+'/v1/audio/speech',d,{'content-type':'application/json'})\n"
            "print(len(u.urlopen(r,timeout=60).read()))\n"
        )
        said = docker("exec", stack.name, "/opt/deploykit/server/bin/python", "-c", ask, timeout=240)
        assert int(said) > 10_000
        assert not hub.seen
    finally:
        docker("network", "connect", network, stack.name)


def test_down_and_up_fetch_nothing_again(stack: Stack, hub: Hub) -> None:
    hub.seen.clear()
    stack("down")
    stack("up", "--yes", "--wait-for-model", timeout=600)
    assert not [one for one in hub.seen if one.sent > 1000]


def test_cuda_is_refused_where_there_is_none(stack: Stack) -> None:
    with settings(stack, device="cuda"):
        done = stack("up", "--yes", check=False)
        assert done.code == 4
        assert "GPU-" in done.err + done.out
    assert speak(stack)[0] == 200


def test_a_cpu_stack_holds_no_device_request(stack: Stack) -> None:
    host = stack.container()["HostConfig"]
    assert not host.get("DeviceRequests")
    assert host["Runtime"] != "nvidia"
