"""Speech over HTTP: it sounds, in both languages, as fast and as high as asked."""

from __future__ import annotations

import http.client
import itertools
import json

import pytest

from deploy_kit.data import table
from tests.server.running import Running, pcm, wav

ENGLISH = "The quick brown fox jumps over the lazy dog."
CHINESE = "今天天气很好，我们去公园散步吧。"


@pytest.mark.parametrize(("text", "voice"), [(ENGLISH, "en-us-m1"), (CHINESE, "zh-m1")])
def test_a_sentence_sounds_and_the_answer_names_the_voice(service: Running, text: str, voice: str) -> None:
    answer = service.say(text)

    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "audio/wav"
    assert (answer.headers["x-tts-model"], answer.headers["x-tts-voice"]) == ("espeak", voice)
    assert answer.headers["x-request-id"]
    sound = wav(answer.body)
    assert sound.rate == 22_050
    assert 1.5 < sound.seconds < 6
    assert sound.loudness > 0.02


def test_chinese_is_not_read_letter_by_letter_by_the_english_voice(service: Running) -> None:
    right = wav(service.say(CHINESE).body).seconds
    wrong = wav(service.say(CHINESE, language="en").body).seconds

    assert wrong > 1.5 * right


def test_each_sentence_is_spoken_in_its_own_language(service: Running) -> None:
    answer = service.say(f"{ENGLISH} {CHINESE} 42.", voice="alloy")

    assert answer.headers["x-tts-voice"] == "en-us-f1, zh-f1"
    parts = wav(service.say(ENGLISH).body).seconds + wav(service.say(CHINESE).body).seconds
    assert wav(answer.body).seconds > parts


@pytest.mark.parametrize("voice", [row["id"] for row in table("espeak")["voices"]])
def test_every_voice_of_the_table_speaks(service: Running, voice: str) -> None:
    answer = service.say(CHINESE if voice.startswith("zh") else ENGLISH, voice=voice)

    assert answer.headers["x-tts-voice"] == voice
    assert wav(answer.body).loudness > 0.02


def test_the_voices_differ(service: Running) -> None:
    voices = [row["id"] for row in table("espeak")["voices"] if row["language"] == "en"]

    sounds = [wav(service.say(ENGLISH, voice=voice).body) for voice in voices]
    for one, other in itertools.combinations(sounds, 2):
        assert max(abs(one.tone / other.tone - 1), abs(one.seconds / other.seconds - 1)) > 0.015


@pytest.mark.parametrize("alias", sorted(table("espeak")["aliases"]))
def test_openai_voice_names_are_understood(service: Running, alias: str) -> None:
    assert service.say("Hi.", voice=alias).headers["x-tts-voice"] == table("espeak")["aliases"][alias]


def test_a_voice_may_be_an_object_with_an_id(service: Running) -> None:
    assert service.say("Hi.", voice={"id": "nova"}).headers["x-tts-voice"] == "en-us-f2"


@pytest.mark.parametrize("model", ["auto", "espeak", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", None])
def test_the_model_names_of_openai_mean_auto(service: Running, model: str | None) -> None:
    assert service.say("Hi.", model=model).headers["x-tts-model"] == "espeak"


@pytest.mark.parametrize(("speed", "factor"), [(0.25, 3.7), (0.5, 1.97), (2.0, 0.5), (4.0, 0.26)])
def test_speed_acts_over_the_whole_range(service: Running, speed: float, factor: float) -> None:
    normal = wav(service.say(ENGLISH).body).seconds
    changed = wav(service.say(ENGLISH, speed=speed).body)

    assert changed.seconds == pytest.approx(normal * factor, rel=0.07)
    assert changed.loudness > 0.02


def test_slow_speech_keeps_its_pitch(service: Running) -> None:
    assert wav(service.say(ENGLISH, speed=0.25).body).tone == pytest.approx(
        wav(service.say(ENGLISH).body).tone, rel=0.25
    )


def test_pitch_acts(service: Running) -> None:
    low, normal, high = (wav(service.say("Ah oh, ah oh, ah.", pitch=pitch).body) for pitch in (0, 50, 100))

    assert low.tone * 1.05 < normal.tone < high.tone / 1.05
    assert low.seconds == pytest.approx(high.seconds, rel=0.1)


def test_a_request_does_not_change_the_next_one(service: Running) -> None:
    before = wav(service.say(ENGLISH).body)
    service.say(ENGLISH, speed=3.0, pitch=90, voice="en-gb-f1")
    service.say("\x01 50S \x01 20P \x01 5A hello")

    after = wav(service.say(ENGLISH).body)  # the library varies a little: two runs never have the same bytes
    assert after.seconds == pytest.approx(before.seconds, rel=0.01)
    assert after.tone == pytest.approx(before.tone, rel=0.02)


@pytest.mark.parametrize(
    "text", ["<b>hello</b>", "Fish &amp; chips", "[[h@'loU]] hello", '<speak rate="fast">hello</speak>']
)
def test_markup_is_read_as_text(service: Running, text: str) -> None:
    plain = "".join(char for char in text if char.isalnum() or char == " ")

    assert wav(service.say(text).body).seconds >= wav(service.say(plain).body).seconds * 0.95


def test_a_text_that_looks_like_an_option_is_spoken(service: Running) -> None:
    assert wav(service.say("--help").body).loudness > 0.02


def test_pcm_is_24_khz_and_as_long_as_the_wav(service: Running) -> None:
    text = f"{ENGLISH} {CHINESE}"
    answer = service.say(text, response_format="pcm")

    assert answer.headers["content-type"] == "audio/pcm"
    assert answer.headers["x-tts-sample-rate"] == "24000"
    assert answer.headers["x-accel-buffering"] == "no"
    sound = pcm(answer.body)
    assert sound.seconds == pytest.approx(wav(service.say(text).body).seconds, rel=0.01)
    assert sound.loudness == pytest.approx(wav(service.say(text).body).loudness, rel=0.05)


def test_pcm_arrives_sentence_by_sentence(service: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    body = json.dumps({"input": f"{ENGLISH} " * 60, "response_format": "pcm"})
    connection.request("POST", "/v1/audio/speech", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    try:
        first = answer.read(24_000)
        assert service.metric('tts_requests_total{model="espeak",outcome="ok"}') >= 0
        assert len(first) == 24_000
        assert answer.getheader("content-length") is None
        assert len(answer.read()) > 60 * 2 * 24_000
    finally:
        connection.close()


def test_wav_is_what_comes_when_no_format_is_named(service: Running) -> None:
    assert service.say("Hi.", response_format=None).headers["content-type"] == "audio/wav"


def test_a_field_without_effect_is_named_in_the_answer(service: Running) -> None:
    assert service.say("Hi.", instructions="cheerful").headers["x-tts-ignored"] == "instructions"


def test_a_long_text_is_spoken_whole_and_leaves_no_file(service: Running) -> None:
    sound = wav(service.say(f"{ENGLISH} " * 100).body)

    assert sound.seconds == pytest.approx(100 * wav(service.say(f"{ENGLISH} {ENGLISH}").body).seconds / 2, rel=0.1)
    assert not [path for path in service.outputs.rglob("*") if path.is_file()]


def test_many_at_once_all_sound(service: Running) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: service.say(f"Sentence number {number}. {CHINESE}"), range(16)))

    assert [answer.status for answer in answers] == [200] * 16
    assert len({answer.body for answer in answers}) == 16
