"""Where an engine runs: verdicts, fallbacks, room on the card, promises between stacks, cards that are lost."""

from __future__ import annotations

import time

import pytest

from tests.server.running import Running
from tests.server.stage import CARD, DEADLINES, ENGINE, GIB, OTHER, Stage, engine
from tests.server.test_engine_life import until
from tests.server.test_faults import eventually

GUARD = {"cuda": ["GPU-UVM", "999 CUDA_ERROR_UNKNOWN"]}


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """With weights and one card of 16 GiB."""
    stage.fill()
    stage.cards(CARD)
    return stage


def loads(stage: Stage) -> list[tuple[str, bool, bool]]:
    return [(row["gpu"], row["half"], row["emotion_text"]) for row in stage.told("load")]


def test_the_card_and_its_use_are_shown(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    seen = server.get("/readyz").json

    assert (seen["device"], seen["fallback"], seen["state"]) == ("cuda", None, "ready")
    assert seen["gpus"] == [
        {
            "uuid": CARD,
            "name": "NVIDIA Stub 4090",
            "total_bytes": 16 * GIB,
            "used_bytes": 0,
            "ours_bytes": 5_000_000_000,
        }
    ]
    assert seen["memory"]["limit_bytes"] > seen["memory"]["used_bytes"] > 0
    worker = engine(server)["workers"][0]
    assert (worker["device"], worker["gpu"], worker["state"], worker["vram_bytes"]) == ("cuda", CARD, "ready", 5e9)
    assert server.metric(f'tts_vram_bytes{{gpu="{CARD}",kind="ours"}}') == 5e9
    assert server.metric(f'tts_workers{{device="cuda",engine="{ENGINE}"}}') == 1
    assert server.metric("tts_fallback") == 0
    assert loads(stage) == [(CARD, False, True)], "16 GiB: full precision with emotion by text"


def test_a_verdict_of_the_guard_leads_to_the_cpu_and_says_so_everywhere(stage: Stage) -> None:
    stage.tell(load_error=GUARD)
    server = stage.serve(TTS_LOCALE="zh")
    until(server, "ready")
    answer = server.say("Hello.")
    seen = server.get("/readyz").json

    assert (answer.headers["x-tts-device"], answer.headers["x-tts-fallback"]) == ("cpu", "GPU-UVM")
    assert (seen["device"], seen["fallback"]["code"]) == ("cpu", "GPU-UVM")
    assert "CUDA" in seen["fallback"]["reason"]
    assert server.metric("tts_fallback") == 1
    assert "runs on the CPU instead of a GPU: GPU-UVM" in server.text()
    assert "nvidia-modprobe" in server.text(), "the log holds the remedy, too"
    assert [gpu for gpu, *_ in loads(stage)] == [CARD, ""]


def test_a_demanded_gpu_that_does_not_work_is_refused_with_the_reason(stage: Stage) -> None:
    stage.tell(load_error=GUARD)
    server = stage.serve(wait="/livez", TTS_DEVICE="cuda")
    until(server, "refused")
    server.until("/v1/models")
    answer, named = server.say("Hello."), server.say("Hello.", model=ENGINE)

    assert (answer.status, answer.json["error"]["code"]) == (503, "model_refused")
    assert "CUDA" in answer.json["error"]["message"]
    assert "retry-after" not in answer.headers
    assert named.json["error"]["code"] == "model_refused"
    assert server.get("/readyz").status == 503
    assert (engine(server)["code"], server.get("/livez").status) == ("GPU-UVM", 200)
    assert server.say("Hello.", model="espeak").status == 200
    assert [gpu for gpu, *_ in loads(stage)] == [CARD], "no CPU worker is tried"


@pytest.mark.parametrize("trouble", ["hang", "crash"])
def test_a_driver_that_hangs_or_kills_is_a_verdict_too(stage: Stage, trouble: str) -> None:
    stage.tell(**{trouble: "guard-kernel"})
    server = stage.serve()
    until(server, "ready", 30)

    code = {"hang": "GPU-PROBE-HUNG", "crash": "GPU-PROBE-CRASHED"}[trouble]
    assert server.get("/readyz").json["fallback"]["code"] == code
    assert engine(server)["device"] == "cpu"


def test_a_cpu_never_touches_the_driver(stage: Stage) -> None:
    stage.cards(CARD, crash="nvmlInit_v2")
    server = stage.serve(TTS_DEVICE="cpu")
    until(server, "ready")

    assert server.get("/readyz").json["gpus"] == []
    assert server.get("/readyz").json["fallback"] is None
    assert [gpu for gpu, *_ in loads(stage)] == [""]


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"nvml_init": 18}, "GPU-DRIVER-MISMATCH"),
        ({"nvml_init": 9}, "GPU-NOT-VISIBLE"),
        ({"nvml_call": 15}, "GPU-LOST"),
        ({"count": 0}, "GPU-NOT-GIVEN"),
        ({"hang": "nvmlInit_v2"}, "GPU-PROBE-HUNG"),
    ],
)
def test_what_nvml_says_is_the_reason_for_the_cpu(stage: Stage, card: dict[str, int], code: str) -> None:
    stage.cards(CARD, **card)
    server = stage.serve()
    until(server, "ready", 40)

    assert server.get("/readyz").json["fallback"]["code"] == code


def test_a_gpu_that_was_not_handed_in_is_said_and_a_build_without_cuda_expects_none(stage: Stage) -> None:
    server = stage.serve(NVIDIA_VISIBLE_DEVICES="void")
    until(server, "ready")
    assert server.get("/readyz").json["fallback"]["code"] == "GPU-NOT-GIVEN"

    stage.built_without_cuda()
    server = stage.serve()
    until(server, "ready")
    assert (server.get("/readyz").json["fallback"], engine(server)["device"]) == (None, "cpu")
    server = stage.serve(wait="/livez", TTS_DEVICE="cuda")
    until(server, "refused")
    assert engine(server)["code"] == "GPU-TORCH-CPU"


def test_a_card_that_cdi_handed_in_counts_although_the_variable_is_void(stage: Stage) -> None:
    server = stage.serve(NVIDIA_VISIBLE_DEVICES="void", TTS_GPUS="all")
    until(server, "ready")

    assert (server.get("/readyz").json["fallback"], engine(server)["device"]) == (None, "cuda")


def test_a_card_that_others_fill_is_refused_before_the_load_with_figures(stage: Stage) -> None:
    stage.cards(CARD, used=15 * GIB)
    server = stage.serve()
    until(server, "ready")
    fallback = server.get("/readyz").json["fallback"]

    assert fallback["code"] == "GPU-NO-ROOM"
    assert "6.2 GB" in fallback["reason"]
    assert "1.1 GB" in fallback["reason"]
    assert [gpu for gpu, *_ in loads(stage)] == [""]


def test_a_demanded_card_that_is_full_is_taken_as_soon_as_there_is_room(stage: Stage) -> None:
    stage.cards(CARD, used=15 * GIB)
    server = stage.serve(TTS_DEVICE="cuda")
    until(server, "failed")
    assert engine(server)["code"] == "GPU-NO-ROOM"
    assert server.say("Hello.").headers["x-tts-model"] == "espeak"
    assert server.say("Hello.", model=ENGINE).json["error"]["code"] == "model_failed"
    stage.cards(CARD)

    until(server, "ready", 30)


def test_less_room_makes_the_mode_smaller(stage: Stage) -> None:
    stage.cards(CARD, used=16 * GIB - 7_000_000_000)
    server = stage.serve()
    until(server, "ready")

    assert loads(stage) == [(CARD, True, False)]


def test_the_settings_override_the_table(stage: Stage) -> None:
    server = stage.serve(TTS_HALF="on", TTS_EMOTION_TEXT="off", TTS_WORKERS="2")
    until(server, "ready")
    eventually(lambda: len(loads(stage)) == 2)

    assert loads(stage) == [(CARD, True, False)] * 2


def test_a_card_that_only_emulates_the_half_type_runs_in_full_precision(stage: Stage) -> None:
    stage.cards(CARD, total=24 * GIB, cc="7.5")
    server = stage.serve()
    until(server, "ready")

    assert {half for _, half, _ in loads(stage)} == {False}


def test_memory_of_the_machine_that_does_not_suffice_is_refused_with_figures(stage: Stage) -> None:
    stage.tables(memory={"cpu": {"load_bytes": 10**15, "emotion_text_bytes": 0, "limit_bytes": 10**15}})
    server = stage.serve(TTS_DEVICE="cpu")
    until(server, "failed")

    assert engine(server)["code"] == "HOST-NO-MEMORY"
    assert "1000.0 TB" in engine(server)["reason"]
    assert stage.told("load") == []


def test_two_cards_are_both_used_and_one_bad_one_is_left_out(stage: Stage) -> None:
    stage.cards(CARD, OTHER)
    server = stage.serve()
    until(server, "ready")
    eventually(lambda: len(loads(stage)) == 2)

    assert {gpu for gpu, *_ in loads(stage)} == {CARD, OTHER}
    assert server.metric(f'tts_workers{{device="cuda",engine="{ENGINE}"}}') == 2
    eventually(lambda: len(server.get("/readyz").json["gpus"]) == 2)


def test_two_stacks_on_one_card_see_each_others_promises(stage: Stage, tmp_path) -> None:
    hub = tmp_path / "hub"
    stage.cards(CARD, total=10 * GIB)
    stage.tell(vram=0)  # nothing of what was promised can be seen yet
    first = stage.serve(TTS_GPU_HUB=str(hub), TTS_HALF="on", TTS_EMOTION_TEXT="off")
    until(first, "ready")
    second = stage.serve(TTS_GPU_HUB=str(hub), TTS_DEVICE="cuda")
    until(second, "failed")
    reason = engine(second)["reason"]

    assert engine(second)["code"] == "GPU-NO-ROOM"
    assert "6.2 GB" in reason, "what the other stack was promised"
    first.process.kill()  # its worker ends with it, and with the worker the promise
    first.process.wait()
    until(second, "ready", 40)
    assert not [row for row in loads(stage) if row[0] == ""]


def test_a_card_with_room_for_both_is_shared(stage: Stage, tmp_path) -> None:
    hub = tmp_path / "hub"
    settings = {"TTS_GPU_HUB": str(hub), "TTS_HALF": "on", "TTS_EMOTION_TEXT": "off", "TTS_WORKERS": "1"}
    until(stage.serve(**settings), "ready")
    until(stage.serve(**settings), "ready")

    assert loads(stage) == [(CARD, True, False)] * 2
    assert len(list(hub.glob("*/*.json"))) == 2


def test_promises_of_workers_that_died_are_cleared(stage: Stage, tmp_path) -> None:
    hub = tmp_path / "hub"
    (hub / CARD).mkdir(parents=True)
    (hub / CARD / "1-dead.json").write_text('{"stack": "x", "engine": "y", "bytes": 99000000000}')
    (hub / CARD / "2-noise.json").write_bytes(b"\xff")
    until(stage.serve(TTS_GPU_HUB=str(hub), TTS_DEVICE="cuda"), "ready")

    assert len(list((hub / CARD).glob("*.json"))) == 1


def test_a_card_lost_at_run_time_is_noticed_and_the_cpu_takes_over(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    stage.cards(CARD, nvml_call=15)
    eventually(lambda: server.get("/readyz").json["fallback"], 20)
    until(server, "ready")

    assert server.get("/readyz").json["fallback"]["code"] == "GPU-LOST"
    assert server.say("Hello.").headers["x-tts-device"] == "cpu"


def test_a_worker_that_dies_of_cuda_is_replaced_after_a_new_verdict(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    stage.tell(load_error=GUARD)
    answer = server.say("POISON", model=ENGINE)

    assert (answer.status, answer.code) == (503, "worker_lost")
    eventually(lambda: server.get("/readyz").json["fallback"])
    until(server, "ready")
    assert server.get("/readyz").json["fallback"]["code"] == "GPU-UVM"
    assert server.metric(f'tts_worker_restarts_total{{engine="{ENGINE}",reason="cuda"}}') == 1


def test_a_poisoned_context_on_a_good_card_costs_one_request(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")

    assert server.say("POISON", model=ENGINE).code == "worker_lost"
    until(server, "ready")
    assert server.say("Hello.").headers["x-tts-device"] == "cuda"


def test_a_model_that_makes_no_sound_is_not_the_requests_fault(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    answer = server.say("SILENT", model=ENGINE)

    assert (answer.status, answer.code) == (500, "synthesis_failed")
    assert server.say("Hello.", model=ENGINE).status == 200


def test_out_of_memory_at_the_load_gets_a_smaller_mode(stage: Stage) -> None:
    stage.tell(load_oom=True)
    server = stage.serve()
    until(server, "ready")

    assert loads(stage) == [(CARD, False, True), (CARD, False, False)]


def test_out_of_memory_at_every_load_leads_to_the_cpu(stage: Stage) -> None:
    stage.tell(load_error={"cuda": ["out_of_memory", "tried to allocate 2 GiB"]})
    server = stage.serve()
    until(server, "ready")

    assert server.get("/readyz").json["fallback"]["code"] == "GPU-OOM"
    assert [gpu for gpu, *_ in loads(stage)] == [CARD] * 4 + [""]


def test_out_of_memory_while_speaking_is_tried_once_more_in_a_smaller_mode(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    answer = server.say("OOM", model=ENGINE)

    assert answer.status == 200, answer.body
    assert loads(stage) == [(CARD, False, True), (CARD, False, False)]
    assert server.metric(f'tts_worker_restarts_total{{engine="{ENGINE}",reason="out_of_memory"}}') == 1


def test_a_context_that_breaks_at_the_second_try_is_not_the_requests_fault(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    answer = server.say("OOM, then POISON", model=ENGINE)

    assert (answer.status, answer.code) == (503, "worker_lost")
    assert len(stage.told("speak")) == 2


def test_a_card_that_is_gone_at_the_awakening_keeps_nobody_waiting(stage: Stage) -> None:
    stage.tables(deadlines=dict.fromkeys(("cuda", "cpu"), DEADLINES | {"load": 60}))
    server = stage.serve(TTS_DEVICE="cuda", TTS_IDLE_SECONDS="1")
    until(server, "ready")
    until(server, "asleep")
    stage.cards()
    began = time.monotonic()
    first, second = server.say("Hello.", model=ENGINE), server.say("Hello.", model=ENGINE)

    assert (first.status, second.status) == (503, 503)
    assert second.code == "model_refused"
    assert time.monotonic() - began < 40  # of the 60 s that a load may take


def test_out_of_memory_twice_is_an_error_with_figures(stage: Stage) -> None:
    server = stage.serve()
    until(server, "ready")
    answer = server.say("OOM-ALWAYS", model=ENGINE)

    assert (answer.status, answer.code) == (503, "out_of_memory")
    assert "GB" in answer.json["error"]["message"]
    assert answer.headers["retry-after"]
    until(server, "ready")
    assert server.say("Hello.", model=ENGINE).status == 200


def test_a_worker_that_hangs_is_replaced_after_its_silence(stage: Stage) -> None:
    stage.tables(deadlines=dict.fromkeys(("cuda", "cpu"), DEADLINES | {"silence": 1}))
    server = stage.serve()
    until(server, "ready")
    answer = server.say("HANG", model=ENGINE)

    assert (answer.status, answer.code) == (504, "deadline")
    until(server, "ready")
    assert server.metric(f'tts_worker_restarts_total{{engine="{ENGINE}",reason="hung"}}') == 1


def test_a_request_on_a_cpu_gets_more_time(stage: Stage) -> None:
    server: Running = stage.serve(TTS_DEVICE="cpu", TTS_REQUEST_SECONDS="1")
    until(server, "ready")
    server.say("Hello.", model=ENGINE)

    assert 5 < stage.told("speak")[-1]["seconds"] <= 30
