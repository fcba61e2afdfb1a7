"""An IndexTTS engine from an empty cache to its first sentence, and what is answered meanwhile."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.server.running import Running, children, wav
from tests.server.stage import ENGINE, Stage, engine
from tests.server.test_faults import eventually
from tests.support.hub import Hub, write_lock


def until(server: Running, state: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while (found := engine(server))["state"] != state:
        assert time.monotonic() < end, (found, server.text())
        time.sleep(0.02)


def test_a_full_cache_starts_with_no_network_and_no_child(stage: Stage) -> None:
    stage.fill()
    stage.cards("GPU-1111")
    server = stage.serve(http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9", TTS_WEIGHTS_SOURCE="auto")
    until(server, "ready")
    answer = server.say("Hello.", model=ENGINE)

    assert answer.status == 200, answer.body
    assert wav(answer.body).seconds == pytest.approx(0.25, abs=0.001)
    headers = answer.headers
    assert (headers["x-tts-model"], headers["x-tts-device"], headers["x-tts-voice"]) == (ENGINE, "cuda", "en-us-m1")
    assert "x-tts-fallback" not in headers
    assert "fetching weights" not in server.text()
    load = stage.told("load")[0]
    assert (load["device"], load["gpu"], load["offline"]) == ("cuda", "GPU-1111", "1")


def test_weights_are_fetched_loaded_and_spoken_with_by_themselves(stage: Stage) -> None:
    with Hub(stage.weights) as hub:
        hub.fail("drip", value=30_000)
        server = stage.serve(TTS_WEIGHTS_SOURCE=hub.url, TTS_DEVICE="cpu")
        until(server, "fetching")
        eventually(lambda: engine(server)["state"] != "fetching" or engine(server)["progress"]["done_bytes"] > 0)
        until(server, "ready")

    assert server.say("Hello.").headers["x-tts-model"] == ENGINE
    assert server.metric("tts_download_bytes_total") > 0
    steps = {step["name"]: step for step in server.get("/startupz").json["steps"]}
    assert (steps["weights"]["state"], steps["engine"]["state"]) == ("done", "done")
    assert steps["weights"]["bytes"] <= steps["weights"]["total_bytes"]


def test_while_weights_arrive_the_model_says_when_and_the_built_in_voice_answers_auto(stage: Stage) -> None:
    (stage.cache / "voices").mkdir()
    (stage.cache / "voices/anna.wav").write_bytes(b"RIFF....WAVE")
    with Hub(stage.weights) as hub:
        hub.fail("drip", match="gpt.pth", value=2_000)
        server = stage.serve(TTS_WEIGHTS_SOURCE=hub.url, TTS_DEVICE="cpu")
        eventually(lambda: (engine(server).get("progress") or {}).get("eta_seconds"))
        named = server.say("Hello.", model=ENGINE)
        auto = server.say("Hello.", emo_vector=[0.1] * 8, seed=7)
        cloned = server.say("Hello.", voice="anna")
        ready = server.get("/readyz").json

    assert (named.status, named.json["error"]["code"]) == (503, "model_fetched")
    assert 5 <= int(named.headers["retry-after"]) <= 300
    assert named.json["engine"]["progress"]["total_bytes"] > 30_000
    assert "%" in named.json["error"]["message"]
    assert (auto.status, auto.headers["x-tts-model"]) == (200, "espeak")
    assert auto.headers["x-tts-fallback"] == f"{ENGINE}=fetching"
    assert auto.headers["x-tts-ignored"] == "emo_vector, seed"
    assert (cloned.status, cloned.json["error"]["code"]) == (503, "model_fetched")
    assert (ready["state"], ready["auto"], ready["answers"]) == ("ready", ENGINE, "espeak")
    assert server.get(f"/readyz?model={ENGINE}").status == 503
    assert server.metric("tts_fallback") == 1


def test_the_child_that_fetches_ends_with_the_server(stage: Stage) -> None:
    with Hub(stage.weights) as hub:
        hub.fail("drip", match="gpt.pth", value=500)
        server = stage.serve(TTS_WEIGHTS_SOURCE=hub.url, TTS_DEVICE="cpu")
        until(server, "fetching")
        eventually(lambda: len(children(server.process.pid)) == 2)
        server.process.terminate()

        assert server.process.wait(15) == 0
    assert list((stage.cache / "partial").iterdir()), "what has arrived is kept"


def test_nothing_is_fetched_before_the_licence_is_accepted(stage: Stage) -> None:
    write_lock(stage.weights, stage.lock, engine=ENGINE, licence="bilibili-model-use")
    with Hub(stage.weights) as hub:
        server = stage.serve(TTS_WEIGHTS_SOURCE=hub.url, TTS_DEVICE="cpu", TTS_LOCALE="zh")
        until(server, "unlicensed")
        named = server.say("Hello.", model=ENGINE)

        assert (named.status, named.json["error"]["code"]) == (503, "unlicensed")
        assert "retry-after" not in named.headers
        assert "accept" in named.json["error"]["message"]
        assert "许可" in engine(server)["reason"]
        assert server.say("Hello.").headers["x-tts-model"] == "espeak"
        assert hub.seen == []
        (stage.cache / "licences.json").write_text(json.dumps({"accepted": [{"licences": ["bilibili-model-use"]}]}))
        until(server, "ready")


def test_weights_that_lie_there_without_emotion_by_text_need_the_licence_too(stage: Stage) -> None:
    write_lock(stage.weights, stage.lock, engine=ENGINE)
    stage.fill(emotion_text=False)
    write_lock(stage.weights, stage.lock, engine=ENGINE, licence="bilibili-model-use")
    (stage.cache / "licences.json").write_text(json.dumps({"accepted": [{"licences": 5}, 7]}))  # damaged
    stage.cards("GPU-1111")
    server = stage.serve()
    until(server, "unlicensed")
    time.sleep(0.5)

    assert stage.told("load") == []
    assert engine(server)["state"] == "unlicensed"


def test_a_setting_accepts_the_licence(stage: Stage) -> None:
    write_lock(stage.weights, stage.lock, engine=ENGINE, licence="bilibili-model-use")
    server = stage.serve(TTS_DEVICE="cpu", TTS_ACCEPT_LICENSE="true")
    until(server, "ready")

    assert "TTS_ACCEPT_LICENSE" in (stage.cache / "licences.json").read_text()


def test_weights_that_cannot_be_had_are_said_and_the_built_in_voice_stays(stage: Stage) -> None:
    server = stage.serve(TTS_WEIGHTS_SOURCE="http://127.0.0.1:9/nothing", TTS_DEVICE="cpu")
    eventually(lambda: engine(server).get("code", "").startswith("CACHE-"), 30)
    found = engine(server)

    assert found["state"] in ("fetching", "failed")
    assert found["reason"] != found["code"]
    assert server.say("Hello.").headers["x-tts-model"] == "espeak"
    assert server.get("/livez").status == 200


def test_a_lock_that_is_none_is_said(stage: Stage) -> None:
    stage.lock.write_text("{}")
    server = stage.serve(TTS_DEVICE="cpu")
    until(server, "failed")

    assert engine(server)["code"] == "CACHE-LOCK"


def test_an_image_without_the_engine_says_so(stage: Stage) -> None:
    server = stage.serve(TTS_ENGINE_PYTHON="")
    until(server, "failed")
    answer = server.say("Hello.", model=ENGINE)

    assert engine(server)["code"] == "no_engine"
    assert (answer.status, answer.json["error"]["code"]) == (503, "model_failed")


def test_an_idle_engine_is_stopped_counts_as_ready_and_wakes_up(stage: Stage) -> None:
    stage.fill()
    server = stage.serve(TTS_DEVICE="cpu", TTS_IDLE_SECONDS="1")
    until(server, "ready")
    until(server, "asleep")
    eventually(lambda: len(children(server.process.pid)) == 1)

    assert server.get(f"/readyz?model={ENGINE}").status == 200
    answer = server.say("Hello.")
    assert (answer.status, answer.headers["x-tts-model"]) == (200, ENGINE)
    assert engine(server)["state"] == "ready"
    assert len(stage.told("load")) == 2
    until(server, "asleep")


def test_weights_that_vanish_are_fetched_again(stage: Stage) -> None:
    stage.fill()
    server = stage.serve(TTS_DEVICE="cpu")
    until(server, "ready")
    stage.tell(load_error={"cpu": ["weights", "gpt.pth"]})
    next(stage.cache.glob("models/*/*/gpt.pth")).unlink()
    assert server.say("POISON", model=ENGINE).status == 503
    eventually(lambda: engine(server).get("code") == "weights" or engine(server)["state"] == "fetching")
    stage.tell()
    until(server, "ready")

    assert server.say("Hello.", model=ENGINE).status == 200
    assert next(stage.cache.glob("models/*/*/gpt.pth")).is_file()


def test_no_secret_reaches_a_worker(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a-secret-for-tests")
    stage.fill()
    path = str(tmp_path / "secret")
    server = stage.serve(TTS_DEVICE="cpu", TTS_HUB_TOKEN_FILE=path, HF_TOKEN="hf_secret", TTS_API_KEY_FILE=path)

    until(server, "ready")  # the scripted worker looks through its environment


def test_the_built_in_voice_is_always_there_by_its_name(stage: Stage) -> None:
    stage.fill()
    server = stage.serve(TTS_DEVICE="cpu")
    until(server, "ready")

    answer = server.say("Hello.", model="espeak", pitch=60)
    assert answer.headers["x-tts-model"] == "espeak"
    assert "x-tts-fallback" not in answer.headers
    assert server.say("Hello.", model=ENGINE, pitch=60).json["error"]["code"] == "unknown_parameter"
    models = {row["id"]: row["state"] for row in server.get("/v1/models").json["data"]}
    assert models == {"auto": "ready", ENGINE: "ready", "espeak": "ready"}
