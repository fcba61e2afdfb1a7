"""Whom ``say`` speaks to, and with which key."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from deploy_kit.client import Client, Reply
from deploy_kit.config.request import Listen
from deploy_kit.errors import Failure
from deploy_kit.lifecycle import speak
from deploy_kit.run.state import State
from tests.support import samples

HERE, THERE = Listen("127.0.0.1", 7860), Listen("192.0.2.7", 9000)


def sound() -> bytes:
    """A whole WAV, as short as can be."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        file.writeframes(bytes(4))
    return buffer.getvalue()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    found = State("indextts", tmp_path)
    monkeypatch.setattr(speak, "state_of", lambda request: found)
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """Address and key of every request."""
    calls: list[tuple[str, str | None]] = []

    def take(client: Client, text: str, **_: object) -> Reply:
        calls.append((client.url, client._key))
        return Reply(200, {}, sound(), 0.0)

    monkeypatch.setattr(Client, "speak", take)
    return calls


def started(state: State, listen: Listen, key: str | None = None) -> None:
    """The stack was last started at this address, with this key."""
    state.folder.mkdir(parents=True, exist_ok=True)
    if key is not None:
        state.save_key(key, shared_with_group=False)
    state.save_stack(samples.stack(listen=listen, secret_version="v" if key else None))


def test_what_was_started_counts_more_than_the_file(state: State, asked: list[tuple[str, str | None]]) -> None:
    started(state, Listen("0.0.0.0", 7860), "the-stored-key")
    speak.say(samples.request(listen=THERE), "hello")
    assert asked == [("http://127.0.0.1:7860", "the-stored-key")]


def test_an_address_given_for_this_call_is_asked_but_not_told_our_key(
    state: State, asked: list[tuple[str, str | None]]
) -> None:
    started(state, Listen("0.0.0.0", 7860), "the-stored-key")
    speak.say(samples.request(listen=THERE), "hello", explicit={"listen"})
    assert asked == [("http://192.0.2.7:9000", None)]


def test_the_same_service_by_another_name_gets_its_key(state: State, asked: list[tuple[str, str | None]]) -> None:
    started(state, Listen("0.0.0.0", 7860), "the-stored-key")
    speak.say(samples.request(listen=HERE), "hello", explicit={"listen"})
    assert asked == [("http://127.0.0.1:7860", "the-stored-key")]


def test_a_key_file_given_for_this_call_goes_before_the_stored_key(
    state: State, asked: list[tuple[str, str | None]], tmp_path: Path
) -> None:
    started(state, HERE, "the-stored-key")
    file = tmp_path / "key"
    file.write_text("another-key\n")
    wish = samples.request(listen=THERE, api_key_file=str(file))
    speak.say(wish, "hello", explicit={"listen", "api_key_file"})
    assert asked == [("http://192.0.2.7:9000", "another-key")]


def test_without_a_stack_the_settings_count(state: State, asked: list[tuple[str, str | None]], tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("another-key\n")
    speak.say(samples.request(listen=THERE, api_key_file=str(file)), "hello")
    assert asked == [("http://192.0.2.7:9000", "another-key")]


def test_only_sound_is_handed_on(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "speak", lambda *_, **__: Reply(200, {}, b"<html>another program</html>", 0.0))
    with pytest.raises(Failure) as caught:
        speak.say(samples.request(), "hello")
    assert caught.value.finding.code == "SPEECH-NO-WAV"


@pytest.mark.parametrize(
    ("header", "notes"),
    [
        ({}, ()),
        ({"x-tts-notes": "reference_cut, speech_cut"}, ("reference_cut", "speech_cut")),
        ({"x-tts-notes": "\x1b[31m, <b>"}, ("m", "b")),
    ],
)
def test_what_the_engine_remarked_comes_along(
    state: State, monkeypatch: pytest.MonkeyPatch, header: dict[str, str], notes: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Client, "speak", lambda *_, **__: Reply(200, header, sound(), 0.0))
    assert speak.say(samples.request(), "hello") == (sound(), notes)
