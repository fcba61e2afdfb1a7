"""IndexTTS over the worker's real protocol, around the stand-in and with real torch."""

from __future__ import annotations

import json
import time
from array import array
from pathlib import Path
from typing import Any

import pytest

from deploy_kit import wire
from deploy_kit.data import table
from tests.support.standin_weights import clip
from tests.worker.conftest import ENGINES
from tests.worker.peer import RATE, Heard, Peer, loudness, tone

TEXT = "Hello world."
LETTER = 0.06
VOICE = 220.0
Workers = dict[str, Peer]


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    path.write_bytes(clip(2.0, VOICE))
    return path


def vector(**strength: float) -> list[float]:
    return [strength.get(name, 0.0) for name in table("engines")["indextts-2.5"]["emotion"]["order"]]


@pytest.mark.parametrize("engine", ENGINES)
def test_it_speaks_with_the_voice_of_the_clip(speaking: Workers, voice: Path, engine: str) -> None:
    heard = speaking[engine].speak(TEXT, voice)

    assert heard.code is None
    assert heard.seconds == pytest.approx(10 * LETTER, abs=0.01)
    assert heard.tone == pytest.approx(VOICE, rel=0.03)
    assert heard.loudness == pytest.approx(0.3 / 2**0.5, rel=0.03)
    assert heard.end.fields["seconds"] == pytest.approx(heard.seconds)


def test_done_names_figures_and_the_seed(speaking: Workers, voice: Path) -> None:
    fields = speaking["indextts-2.5"].speak(TEXT, voice, seed=7).end.fields

    assert (fields["seed"], fields["segments"], fields["notes"]) == (7, 1, [])
    assert fields["timings"]["gpt_gen"] >= 0
    assert fields["vram_bytes"] == 0
    assert 100_000_000 < fields["rss_bytes"] <= fields["rss_peak_bytes"] < 4_000_000_000


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_seed_gives_the_same_sound_whatever_was_spoken_before(
    speaking: Workers, voice: Path, tmp_path: Path, engine: str
) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(clip(1.0, 330.0))
    worker = speaking[engine]
    first = worker.speak(TEXT, voice, seed=5)
    another = worker.speak(TEXT, voice, seed=6)
    worker.speak(TEXT, other, seed=5)
    again = worker.speak(TEXT, voice, seed=5)

    assert first.samples == again.samples
    assert first.samples != another.samples


def test_without_a_seed_each_time_is_another_and_the_seed_that_was_used_repeats_it(
    speaking: Workers, voice: Path
) -> None:
    worker = speaking["indextts-2.5"]
    first, second = worker.speak(TEXT, voice, seed=None), worker.speak(TEXT, voice, seed=None)

    assert first.samples != second.samples
    assert worker.speak(TEXT, voice, seed=first.end.fields["seed"]).samples == first.samples


def test_random_prototypes_follow_the_seed_as_well(speaking: Workers, voice: Path) -> None:
    worker, feeling = speaking["indextts-2.5"], {"kind": "vector", "vector": vector(happy=0.8), "alpha": 1.0}
    first = worker.speak(TEXT, voice, seed=3, random=True, emotion=feeling)

    assert worker.speak(TEXT, voice, seed=3, random=True, emotion=feeling).samples == first.samples
    assert worker.speak(TEXT, voice, seed=3, random=False, emotion=feeling).tone != pytest.approx(first.tone, rel=0.01)


def test_a_changed_file_under_the_same_path_is_another_voice(speaking: Workers, tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(clip(2.0, 200.0))
    before = speaking["indextts-2.5"].speak(TEXT, path)
    path.write_bytes(clip(2.0, 300.0))
    after = speaking["indextts-2.5"].speak(TEXT, path)

    assert before.tone == pytest.approx(200, rel=0.03)
    assert after.tone == pytest.approx(300, rel=0.03)


def test_many_voices_one_after_the_other(speaking: Workers, tmp_path: Path) -> None:
    for pitch in range(150, 450, 20):
        path = tmp_path / f"{pitch}.wav"
        path.write_bytes(clip(1.0, pitch))
        assert speaking["indextts-2"].speak(TEXT, path).tone == pytest.approx(pitch, rel=0.04)


@pytest.mark.parametrize("engine", ENGINES)
def test_emotion_by_vector_and_its_strength(speaking: Workers, voice: Path, engine: str) -> None:
    worker = speaking[engine]
    full = worker.speak(TEXT, voice, emotion={"kind": "vector", "vector": vector(happy=0.8), "alpha": 1.0})
    half = worker.speak(TEXT, voice, emotion={"kind": "vector", "vector": vector(happy=0.8), "alpha": 0.5})
    sad = worker.speak(TEXT, voice, emotion={"kind": "vector", "vector": vector(sad=0.8), "alpha": 1.0})

    assert full.tone == pytest.approx(VOICE * 2**0.4, rel=0.03)
    assert half.tone == pytest.approx(VOICE * 2**0.2, rel=0.03)
    assert sad.tone == pytest.approx(VOICE * 2**-0.4, rel=0.03)
    assert sad.loudness < full.loudness


@pytest.mark.parametrize("engine", ENGINES)
def test_emotion_by_text_of_its_own_or_by_what_is_spoken(speaking: Workers, voice: Path, engine: str) -> None:
    worker = speaking[engine]
    described = worker.speak(TEXT, voice, emotion={"kind": "text", "text": "so sad", "alpha": 0.6})
    spoken = worker.speak("happy world", voice, emotion={"kind": "text", "text": None, "alpha": 1.0})

    assert described.tone == pytest.approx(VOICE * 2**-0.3, rel=0.03)
    assert spoken.tone == pytest.approx(VOICE * 2**0.5, rel=0.03)


@pytest.mark.parametrize("engine", ENGINES)
def test_emotion_by_another_clip(speaking: Workers, voice: Path, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "emotion.wav"
    path.write_bytes(clip(1.0, 420.0))
    heard = speaking[engine].speak(TEXT, voice, emotion={"kind": "audio", "path": str(path), "alpha": 0.5})

    assert heard.tone == pytest.approx(320, rel=0.03)


def test_every_language_reaches_upstream_under_its_own_name(speaking: Workers, voice: Path) -> None:
    tones = {
        language: speaking["indextts-2.5"].speak(TEXT, voice, language=language).tone / VOICE
        for language in table("engines")["indextts-2.5"]["languages"]
    }

    assert tones == pytest.approx({"zh": 1.0, "en": 1.0, "ja": 1.25, "es": 0.8, "ar": 1.5}, rel=0.03)


def test_duration(speaking: Workers, voice: Path) -> None:
    short = speaking["indextts-2.5"].speak(TEXT, voice, duration=0.5)
    long = speaking["indextts-2.5"].speak(TEXT, voice, duration=2.0)

    assert long.seconds == pytest.approx(4 * short.seconds, rel=0.01)


THREE = "One two three, four five six, seven eight nine."
SEGMENTS = [3 + 3 + 5, 4 + 4 + 3, 5 + 5 + 4]


def edges(heard: Heard, letters: list[int], silence: float) -> None:
    """The sound is these segments with silence between, and no more silence than that."""
    place = 0
    for index, count in enumerate(letters):
        if index:
            pause = heard.samples[place : place + round(silence * RATE)]
            assert not any(pause), "silence between two segments"
            place += len(pause)
        segment = heard.samples[place : place + int(count * LETTER * RATE)]
        assert loudness(segment) == pytest.approx(0.3 / 2**0.5, rel=0.05)
        place += len(segment)
    assert place == pytest.approx(len(heard.samples), abs=len(letters))


@pytest.mark.parametrize("milliseconds", [0, 100, 250])
def test_segments_come_one_by_one_with_one_pause_between(speaking: Workers, voice: Path, milliseconds: int) -> None:
    heard = speaking["indextts-2.5"].speak(THREE, voice, segment_tokens=4, silence_ms=milliseconds)

    assert heard.end.fields["segments"] == len(heard.frames) == 3
    edges(heard, SEGMENTS, milliseconds / 1000)


def test_a_pause_at_the_end_only_when_another_sentence_follows(speaking: Workers, voice: Path) -> None:
    worker = speaking["indextts-2"]
    alone = worker.speak(TEXT, voice, silence_ms=300)
    followed = worker.speak(TEXT, voice, silence_ms=300, pause=True)

    assert len(followed.samples) - len(alone.samples) == round(0.3 * RATE)
    assert not any(followed.samples[len(alone.samples) :])


def test_the_first_segment_is_heard_before_the_second_is_made(speaking: Workers, voice: Path) -> None:
    worker = speaking["indextts-2.5"]
    worker.begin("One two three, [[slow]] four five.", voice, segment_tokens=4)
    first = worker.until("audio")
    early = time.monotonic()
    worker.send("ack", id=first.fields["id"], seq=first.fields["seq"])
    worker.hear()

    assert time.monotonic() - early > 0.3, "the second one alone takes a second"


def test_sampling_reaches_upstream(speaking: Workers, voice: Path) -> None:
    cut = speaking["indextts-2.5"].speak("a" * 100, voice, sampling={"max_mel_tokens": 50, "temperature": 1})

    assert cut.seconds == pytest.approx(2.0, abs=0.01)
    assert cut.end.fields["notes"] == ["speech_cut"]


def test_samples_are_held_within_their_limits(speaking: Workers, voice: Path) -> None:
    heard = speaking["indextts-2.5"].speak(f"[[loud]] {TEXT}", voice)

    assert heard.code is None
    assert (max(heard.samples), min(heard.samples)) == (32767, -32767)


def test_values_that_are_no_numbers_are_an_error_and_no_noise(speaking: Workers, voice: Path) -> None:
    worker = speaking["indextts-2.5"]

    assert worker.speak(f"[[nan]] {TEXT}", voice).code == "synthesis"
    assert worker.speak(TEXT, voice).code is None


@pytest.mark.parametrize("text", ["", "   ", "……！？", "😀", "\x01\x02"])
def test_a_text_without_a_letter_is_a_pause(speaking: Workers, voice: Path, text: str) -> None:
    heard = speaking["indextts-2.5"].speak(text, voice)

    assert heard.code is None
    assert len(heard.samples) == RATE // 5
    assert not any(heard.samples)
    assert heard.end.fields["notes"] == ["nothing_spoken"]


def test_a_text_of_which_nothing_comes_is_an_error(speaking: Workers, voice: Path) -> None:
    heard = speaking["indextts-2.5"].speak("[[nothing]] at all", voice)

    assert heard.code == "synthesis"


@pytest.mark.parametrize(
    ("engine", "changes", "code"),
    [
        ("indextts-2.5", {"language": "fr"}, "options"),
        ("indextts-2", {"language": "ja"}, "options"),
        ("indextts-2", {"duration": 1.5}, "options"),
        ("indextts-2.5", {"emotion": {"kind": "vector", "vector": [0.1] * 7, "alpha": 1.0}}, "options"),
        ("indextts-2.5", {"sampling": {"do_sample": False}}, "options"),
        ("indextts-2.5", {"emotion": {"kind": "mood", "alpha": 1.0}}, "protocol"),
        ("indextts-2.5", {"duration": float("nan")}, "protocol"),
        ("indextts-2.5", {"seed": "x"}, "protocol"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_and_it_goes_on(
    speaking: Workers, voice: Path, engine: str, changes: dict[str, Any], code: str
) -> None:
    assert speaking[engine].speak(TEXT, voice, **changes).code == code
    assert speaking[engine].speak(TEXT, voice).code is None


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "unreadable"), (b"no sound at all" * 50, "no sound file"), (clip(0.2, 200.0), "0.20 s long, 0.5 s needed")],
)
def test_a_clip_that_is_none_is_named(speaking: Workers, tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "clip.wav"
    if content is not None:
        path.write_bytes(content)
    heard = speaking["indextts-2.5"].speak(TEXT, path)

    assert heard.code == "voice"
    assert words in heard.end.fields["detail"]


def test_of_a_long_clip_the_beginning_is_used_and_that_is_said(speaking: Workers, tmp_path: Path, voice: Path) -> None:
    path = tmp_path / "long.wav"
    samples = clip(15.0, 200.0)[44:] + clip(15.0, 600.0)[44:]
    head = bytearray(clip(15.0, 200.0)[:44])
    head[4:8], head[40:44] = (len(samples) + 36).to_bytes(4, "little"), len(samples).to_bytes(4, "little")
    path.write_bytes(bytes(head) + samples)
    worker = speaking["indextts-2.5"]
    heard = worker.speak(TEXT, path)
    feeling = worker.speak(TEXT, voice, emotion={"kind": "audio", "path": str(path), "alpha": 1.0})

    assert heard.end.fields["notes"] == ["reference_cut"]
    assert heard.tone == pytest.approx(200, rel=0.03)
    assert feeling.end.fields["notes"] == ["emotion_reference_cut"]


def test_cancelling_acts_between_two_segments(speaking: Workers, voice: Path) -> None:
    worker = speaking["indextts-2.5"]
    ident = worker.begin(", ".join(["[[slow]] one two"] * 8), voice, segment_tokens=6)
    frame = worker.until("audio")
    worker.send("cancel", id=ident)
    worker.send("ack", id=ident, seq=frame.fields["seq"])
    ended = worker.until("error")

    assert ended.fields["code"] == "cancelled"
    assert worker.speak(TEXT, voice).code is None


def test_a_job_past_its_time_ends_after_its_segment(speaking: Workers, voice: Path) -> None:
    heard = speaking["indextts-2.5"].speak("[[slow]] one two, three four.", voice, seconds=0.3, segment_tokens=6)

    assert heard.code == "deadline"


def test_a_bad_voice_hides_no_users_text(speaking: Workers, voice: Path) -> None:
    heard = speaking["indextts-2.5"].speak("[[error]] my secret diary", voice)

    assert heard.code == "synthesis"
    assert "secret" not in json.dumps(heard.end.fields)
    assert heard.end.fields["detail"].startswith("ValueError")


def test_ready_says_how_it_was_loaded(start: Any, models: dict[str, Path]) -> None:
    worker = start()
    ready = worker.load(models["indextts-2.5"], half=True)

    assert worker.phases == ["imports", "weights", "warm-up"]
    assert ready.kind == "ready"
    told = ready.fields
    assert (told["rate"], told["device"], told["half"], told["emotion_text"]) == (22_050, "cpu", False, False)
    assert told["name"] is None
    assert told["torch"]


def test_emotion_by_text_needs_its_model(start: Any, models: dict[str, Path], voice: Path) -> None:
    worker = start()
    worker.load(models["indextts-2.5"], emotion_text=False)

    assert worker.speak(TEXT, voice, emotion={"kind": "text", "text": "sad", "alpha": 1.0}).code == "emotion_text"


def test_nothing_that_an_engine_prints_leaves_the_process(start: Any, models: dict[str, Path], voice: Path) -> None:
    worker = start()
    worker.load(models["indextts-2.5"])
    worker.speak("a very private sentence", voice)
    worker.speak("[[error]] another private sentence", voice)
    worker.send("shutdown")

    assert worker.exit_code() == 0
    words = worker.words()
    assert "private" not in words
    assert "ValueError at standin.py" in words


def test_the_folder_of_a_worker_goes_with_it(start: Any, models: dict[str, Path], tmp_path: Path) -> None:
    worker = start()
    worker.load(models["indextts-2.5"])
    assert list((tmp_path / "tmp").iterdir())
    worker.send("shutdown")
    worker.exit_code()

    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_killed_workers_folder_is_swept_by_the_next_and_a_living_ones_is_not(
    start: Any, models: dict[str, Path], tmp_path: Path
) -> None:
    killed, living = start(), start()
    killed.load(models["indextts-2.5"], warm_up=None)
    living.load(models["indextts-2.5"], warm_up=None)
    killed.process.kill()
    killed.process.wait()
    start().load(models["indextts-2.5"], warm_up=None)

    assert len(list((tmp_path / "tmp").iterdir())) == 2
    assert living.process.poll() is None


def test_nothing_is_written_where_it_was_started(start: Any, models: dict[str, Path], package: Path) -> None:
    before = sorted(models["indextts-2.5"].rglob("*"))
    worker = start()
    worker.load(models["indextts-2.5"])

    assert sorted(models["indextts-2.5"].rglob("*")) == before


def test_the_protocol_number() -> None:
    assert wire.PROTOCOL == 2


def test_tone_and_loudness_measure_what_they_say() -> None:
    samples = array("h", array("h", clip(1.0, 440.0, RATE)[44:]))

    assert tone(samples) == pytest.approx(440, rel=0.01)
    assert loudness(samples) == pytest.approx(9000 / 32768 / 2**0.5, rel=0.01)
