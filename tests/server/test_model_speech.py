"""What an IndexTTS engine is asked for: fields, clips, long texts over several workers."""

from __future__ import annotations

import base64
import io
import socket
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tts_server.workers.worker import NOTES

from deploy_kit.data import table
from deploy_kit.messages import Catalogue
from tests.server.running import Answer, Running, wav
from tests.server.stage import CARD, ENGINE, OTHER, Stage
from tests.server.test_engine_life import until
from tests.server.test_faults import eventually


def clip(seconds: float = 1.0) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\1\2" * round(16_000 * seconds))
    return buffer.getvalue()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def theatre(
    interpreter: str, tmp_path_factory: pytest.TempPathFactory, gpu_stubs: Path
) -> Iterator[tuple[Stage, Running]]:
    """One server with two cards, and a clip of a user's."""
    folder = tmp_path_factory.mktemp("theatre")
    servers: list[Running] = []

    def start(*, wait: str | None, **settings: str) -> Running:
        servers.append(Running(interpreter, folder / "server", settings))
        if wait:
            servers[-1].until(wait)
        return servers[-1]

    stage = Stage(folder, interpreter, start, gpu_stubs)
    stage.fill()
    (stage.cache / "voices").mkdir(exist_ok=True)
    (stage.cache / "voices/anna.wav").write_bytes(clip())
    (stage.cache / "voices/.hidden.wav").write_bytes(clip())
    stage.cards(CARD, OTHER)
    server = stage.serve()
    until(server, "ready")
    eventually(lambda: server.metric(f'tts_workers{{device="cuda",engine="{ENGINE}"}}') == 2)
    yield stage, server
    servers[0].end()


@pytest.fixture
def stage(theatre: tuple[Stage, Running]) -> Stage:
    return theatre[0]


@pytest.fixture
def server(theatre: tuple[Stage, Running]) -> Running:
    return theatre[1]


def say(server: Running, text: str = "Hello.", **fields: Any) -> Answer:
    return server.say(text, model=ENGINE, **fields)


def job(stage: Stage) -> dict[str, Any]:
    return stage.told("speak")[-1]


def test_a_long_text_is_spread_over_the_workers_and_joined_in_order(stage: Stage, server: Running) -> None:
    before = len(stage.told("speak"))
    rest = "stands here, and it goes on and on for so long that no other sentence fits beside it, as far as I can see"
    text = " ".join(f"Number {number} {rest}." for number in range(1, 10))
    answer = say(server, text, interval_silence=100)

    assert answer.status == 200, answer.body
    jobs = stage.told("speak")[before:]
    assert sorted(row["text"] for row in jobs) == [f"Number {number} {rest}." for number in range(1, 10)]
    assert len({row["pid"] for row in jobs}) == 2
    assert all(row["pause"] is False for row in jobs)
    sound, step = wav(answer.body).samples, round(22_050 * 0.35)
    assert [max(sound[start : start + step]) for start in range(0, len(sound), step)] == [
        1000 * n for n in range(1, 10)
    ]


def test_pieces_meet_without_clicks_and_with_silence_between(server: Running) -> None:
    sound = wav(say(server, "Number 2 is here. Number 4 is there.", interval_silence=200).body)
    jumps = [abs(b - a) for a, b in zip(sound.samples, sound.samples[1:])]

    assert sound.seconds == pytest.approx(0.25 + 0.2 + 0.25, abs=0.001)
    assert max(jumps) < 100
    assert set(sound.samples[round(22_050 * 0.26) : round(22_050 * 0.44)]) == {0}
    assert sound.samples[0] == 2000, "the outer edges are as the engine made them"


def test_a_short_text_does_not_wait_for_the_end_of_a_long_one(server: Running) -> None:
    with server.open("SLEEP now, please, for a moment and longer than that. " * 120, model=ENGINE):
        time.sleep(0.5)
        spoken = f'tts_requests_total{{model="{ENGINE}",outcome="ok"}}'
        ended = server.metric(spoken)
        assert say(server).status == 200
        assert server.metric(spoken) == ended + 1, "the short one, and not the long one"


def test_fields_reach_the_worker_as_it_wants_them(stage: Stage, server: Running) -> None:
    vector = [0.1, 0, 0, 0, 0, 0, 0.2, 0.5]
    answer = say(
        server, "你好。", emo_vector=vector, emo_alpha=0.5, seed=7, use_random=True, duration_factor=1.5,
        interval_silence=0, max_text_tokens_per_segment=50, text_normalization=False, temperature=1, top_k=5,
    )  # fmt: skip

    assert answer.status == 200, answer.body
    told = job(stage)
    assert told["emotion"] == {"kind": "vector", "vector": vector, "alpha": 0.5}
    assert (told["seed"], told["random"], told["duration"], told["silence_ms"]) == (7, True, 1.5, 0)
    assert (told["segment_tokens"], told["normalize"], told["language"]) == (50, False, "zh")
    assert told["sampling"] == {
        "temperature": 1.0, "top_p": 0.8, "top_k": 5, "num_beams": 3, "length_penalty": 0.0,
        "repetition_penalty": 10.0, "max_mel_tokens": 1500,
    }  # fmt: skip
    assert told["head"] == "RIFF"
    assert answer.headers["x-tts-voice"] == "zh-m1"


def test_speed_is_the_inverse_of_duration(stage: Stage, server: Running) -> None:
    assert say(server, speed=2.0).status == 200
    assert job(stage)["duration"] == 0.5
    assert say(server, speed=2.0, duration_factor=1.2).code == "speed_twice"
    assert say(server, speed=3.0).code == "out_of_range"


@pytest.mark.parametrize(
    ("text", "language"),
    [("Hello.", "en"), ("你好。", "zh"), ("こんにちは、世界。", "ja"), ("مرحبا بالعالم", "ar")],
)
def test_the_language_follows_from_the_letters(stage: Stage, server: Running, text: str, language: str) -> None:
    assert say(server, text).status == 200
    assert job(stage)["language"] == language
    assert say(server, "Hola.", language="es-MX").status == 200
    assert job(stage)["language"] == "es"


def test_emotion_comes_by_text_by_clip_or_from_instructions(stage: Stage, server: Running) -> None:
    assert say(server, emo_text="very sad").status == 200
    assert job(stage)["emotion"] == {"kind": "text", "text": "very sad", "alpha": 0.6}
    assert say(server, use_emo_text=True).status == 200
    assert job(stage)["emotion"] == {"kind": "text", "text": None, "alpha": 0.6}
    assert say(server, instructions="Speak with joy.").status == 200
    assert job(stage)["emotion"]["text"] == "Speak with joy."
    answer = say(server, instructions="Speak with joy.", emo_audio="anna", emo_alpha=0.3)
    assert answer.headers["x-tts-ignored"] == "instructions"
    assert job(stage)["emotion"] == {"kind": "audio", "alpha": 0.3, "path": str(stage.cache / "voices/anna.wav")}
    assert say(server, emo_audio=encoded(clip())).status == 200
    assert not Path(job(stage)["emotion"]["path"]).exists()


@pytest.mark.parametrize("form", ["wav", "pcm"])
@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("Hello.", None),
        ("TOOLONG.", "reference_cut"),
        ("ENDLESS, TOOLONG.", "reference_cut, speech_cut"),
        ("HUSH.", "nothing_spoken"),
        ("ODD.", None),
    ],
)
def test_what_the_engine_remarks_stands_in_a_header(server: Running, text: str, notes: str | None, form: str) -> None:
    answer = say(server, text, response_format=form)
    assert (answer.status, answer.headers.get("x-tts-notes")) == (200, notes)


def test_remarks_about_several_pieces_are_told_once_and_a_mere_pause_between_them_not_at_all(server: Running) -> None:
    words = "stands here, and it goes on and on for so long that no other sentence fits beside it, as far as I can see"
    text = " ".join(f"{mark} {words}." for mark in ("HUSH", "TOOLONG", "TOOLONG"))
    assert say(server, text).headers["x-tts-notes"] == "reference_cut"


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_remark_has_a_sentence_with_the_right_figure(locale: str) -> None:
    say_ = Catalogue(locale)
    assert all(say_(f"server.note.{note}") for note in NOTES)
    for engine in table("engines").values():
        assert f" {engine['reference']['used_seconds']} " in say_("server.note.reference_cut")


def test_clips_are_listed_and_used_by_their_ids(stage: Stage, server: Running) -> None:
    rows = {row["id"]: row for row in server.get("/v1/audio/voices").json["voices"]}
    answer = say(server, voice="anna")

    assert (rows["anna"]["kind"], rows["en-us-f1"]["kind"]) == ("clip", "built-in clip")
    assert ".hidden" not in rows
    assert answer.headers["x-tts-voice"] == "anna"
    assert job(stage)["reference"] == str(stage.cache / "voices/anna.wav")
    assert say(server, voice="alloy").headers["x-tts-voice"] == "en-us-f1"
    assert say(server, voice="../lock").code == "unknown_voice"
    assert say(server, voice="anna", reference_audio=encoded(clip())).code == "voice_twice"


def test_an_upload_is_used_and_removed(stage: Stage, server: Running) -> None:
    answer = say(server, reference_audio="data:audio/wav;base64," + encoded(clip()))

    assert answer.status == 200, answer.body
    assert (job(stage)["head"], job(stage)["reference"][-4:]) == ("RIFF", ".wav")
    assert not Path(job(stage)["reference"]).exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("%%%", "not_base64"),
        (encoded(b"hello, I am a text"), "not_sound"),
        (encoded(clip(0.1)), "not_sound"),
        (encoded(b"RIFF\0\0\0\0WAVEjunk"), "not_sound"),
        ("", "not_sound"),
        ("/etc/hostname", "not_base64"),
        ("http://127.0.0.1/x.wav", "not_base64"),
        (7, "wrong_type"),
        (["x"], "wrong_type"),
    ],
)
def test_an_upload_that_is_no_sound_is_refused(server: Running, data: Any, code: str) -> None:
    answer = say(server, reference_audio=data)

    assert (answer.status, answer.code) == (400, code)


def test_an_upload_over_the_limit_is_refused(server: Running) -> None:
    answer = say(
        server, reference_audio=encoded(b"fLaC" + bytes(table("engines")[ENGINE]["reference"]["maximum_bytes"]))
    )

    assert (answer.status, answer.code) == (400, "clip_too_large")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"emo_vector": [0.1] * 7}, "emotion_length"),
        ({"emo_vector": "happy"}, "emotion_length"),
        ({"emo_vector": [0.2] * 8}, "emotion_sum"),
        ({"emo_vector": [1.5, *[0] * 7]}, "out_of_range"),
        ({"emo_vector": [True, *[0] * 7]}, "wrong_type"),
        ({"emo_vector": [0.1] * 8, "emo_text": "sad"}, "emotion_twice"),
        ({"emo_audio": "nobody"}, "unknown_voice"),
        ({"emo_alpha": 2}, "out_of_range"),
        ({"emo_text": "x" * 501}, "text_too_long"),
        ({"use_emo_text": "yes"}, "wrong_type"),
        ({"temperature": 0}, "out_of_range"),
        ({"top_k": 1.5}, "wrong_type"),
        ({"seed": -1}, "out_of_range"),
        ({"num_beams": 1000}, "out_of_range"),
        ({"duration_factor": 3}, "out_of_range"),
        ({"language": "fr"}, "unsupported_language"),
        ({"do_sample": True}, "unknown_parameter"),
        ({"pitch": 50}, "unknown_parameter"),
        ({"voice": "nobody"}, "unknown_voice"),
        ({"input": "…"}, "nothing_to_say"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_never_clipped(server: Running, fields: dict[str, Any], code: str) -> None:
    answer = server.ask("POST", "/v1/audio/speech", {"input": "Hello.", "model": ENGINE, **fields})

    assert (answer.status, answer.code) == (400, code)
    assert server.ask("POST", "/v1/audio/speech", {"input": "Hello.", **fields}).code == code, "auto means the same"


def test_a_clip_that_only_the_worker_can_judge_is_its_to_refuse(server: Running) -> None:
    answer = say(server, reference_audio=encoded(b"ID3" + bytes(1000)))

    assert answer.status == 200, "the scripted worker takes anything"


def test_version_2_cannot_change_its_speed(launch, interpreter: str, tmp_path: Path, gpu_stubs: Path) -> None:
    from tests.support.hub import write_lock

    stage = Stage(tmp_path / "two", interpreter, launch, gpu_stubs)
    write_lock(stage.weights, stage.lock, engine="indextts-2")
    server = stage.serve(TTS_ENGINE="indextts-2", TTS_DEVICE="cpu")
    server.until("/readyz?model=indextts-2")

    assert server.say("Hello.", speed=1.0).status == 200
    assert server.say("Hello.", speed=1.5).code == "speed_fixed"
    assert server.say("Hello.", duration_factor=1.5).code == "unknown_parameter"
    assert server.say("Hello.", emo_text="sad").code == "emotion_text_off"
    assert server.say("Hello.", language="ja").code == "unsupported_language"


def test_the_openapi_document_knows_the_engines_fields(server: Running) -> None:
    body = server.get("/openapi.json").json["paths"]["/v1/audio/speech"]["post"]["requestBody"]
    fields = body["content"]["application/json"]["schema"]["properties"]

    assert fields["emo_vector"]["maxItems"] == 8
    assert fields["top_k"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 30}
    assert set(table("engines")[ENGINE]["fields"]) <= set(fields)


def test_only_so_many_clips_are_taken_in_at_once(server: Running) -> None:
    head = "POST /v1/audio/speech HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
    head += "Content-Length: 9000000\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(4):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(head.encode() + b" " * 100_000)
        time.sleep(0.3)
        crowded = say(server, reference_audio=encoded(clip(10)))

        assert (crowded.status, crowded.code) == (503, "too_busy")
        assert say(server).status == 200, "a short text goes past them"
    eventually(lambda: say(server, reference_audio=encoded(clip(10))).status == 200)
