"""From a document to a request; audio headers; settings. All without a server."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tts_server import refusal, settings
from tts_server.asgi import locale_of
from tts_server.fields.builtin import FIELDS
from tts_server.http.keys import Keys
from tts_server.probe import target
from tts_server.refusal import Refusal
from tts_server.sound.audio import wav_header
from tts_server.speech import voices
from tts_server.speech.request import check, parse
from tts_server.start.ledger import Ledger

from deploy_kit.data import table
from deploy_kit.errors import Failure
from deploy_kit.messages import LOCALES, topic
from tests.server.conftest import ROOT

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def refusal_of(work: Callable[[], object]) -> Refusal | None:
    try:
        work()
    except Refusal as refused:
        return refused
    return None


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(), json_values))
def test_any_object_is_a_request_or_a_refusal_with_a_sentence(document: dict[str, Any]) -> None:
    refused = refusal_of(lambda: check(document, engine="espeak", max_chars=100))

    if refused is None:
        assert check(document, engine="espeak", max_chars=100).sentences
    else:
        assert 400 <= refused.status < 500
        for locale in LOCALES:
            assert refused.document(locale)["error"]["message"]
            json.dumps(refused.document(locale), ensure_ascii=False).encode()


@given(st.binary(max_size=200))
def test_any_body_is_an_object_or_a_refusal(body: bytes) -> None:
    refused = refusal_of(lambda: parse(body))

    assert isinstance(parse(body), dict) if refused is None else refused.status == 400


def test_every_refusal_has_a_sentence_in_every_language() -> None:
    source = "".join(path.read_text() for path in (ROOT / "images/server/tts_server").rglob("*.py"))
    codes = {key.removeprefix("error.") for key in topic("en", "server") if key.startswith("error.")}

    assert {code for code in codes if f'"{code}"' not in source} == set()
    assert set(refusal._STATUS) <= codes
    assert topic("en", "server").keys() == topic("zh", "server").keys()
    assert topic("en", "webui").keys() == topic("zh", "webui").keys()


def test_the_table_of_voices_is_sound() -> None:
    known = voices.catalogue()

    for voice in known.values():
        assert known[voice.counterpart].language != voice.language
        assert known[voice.counterpart].gender == voice.gender
    assert {known[ident].language for ident in table("espeak")["default"].values()} == {"en", "zh"}
    assert set(table("espeak")["aliases"].values()) <= set(known)
    assert {voice.gender for voice in known.values() if voice.language == "zh"} == {"male", "female"}


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("ZH_hans", "zh"),
        ("cmn", "zh"),
        ("en-GB", "en"),
        ("English", "en"),
        ("fr", None),
        ("", None),
    ],
)
def test_language_tags(tag: str, language: str | None) -> None:
    assert voices.language_of(tag) == language


@given(st.integers(0, 2000), st.sampled_from([16_000, 22_050, 24_000, 48_000]))
def test_the_header_is_what_the_standard_library_reads(samples: int, rate: int) -> None:
    with wave.open(io.BytesIO(wav_header(samples * 2, rate) + b"\0\0" * samples)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels(), file.getsampwidth()) == (
            samples,
            rate,
            1,
            2,
        )


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.1", "en"),
        ("fr,zh;q=0.2", "zh"),
        ("de", "en"),
        ("zh;q=x", "en"),
        ("en;q=0.1,zh;q=0.2", "zh"),
        (",,;q=", "en"),
    ],
)
def test_the_language_of_a_browser(header: str, locale: str) -> None:
    assert locale_of(header, "en") == locale


@pytest.mark.parametrize(
    ("listen", "where"),
    [
        ("0.0.0.0:7860", ("127.0.0.1", 7860)),
        ("[::]:80", ("::1", 80)),
        ("10.1.2.3:7860", ("10.1.2.3", 7860)),
        ("[fd00::1]:7860", ("fd00::1", 7860)),
    ],
)
def test_the_probe_knocks_where_the_server_listens(listen: str, where: tuple[str, int]) -> None:
    assert target(listen) == where


def test_settings_have_the_defaults_of_the_table() -> None:
    told = settings.read({})

    defaults = {row["service_env"]: row["default"] for row in table("settings") if "service_env" in row}
    assert (told.host, told.port) == ("127.0.0.1", 7860)
    assert (told.max_chars, told.queue) == (defaults["TTS_MAX_CHARS"], defaults["TTS_QUEUE"])
    assert (told.request_seconds, told.drain_seconds) == (
        defaults["TTS_REQUEST_SECONDS"],
        defaults["TTS_DRAIN_SECONDS"],
    )
    assert (told.cache_hub, told.outputs, told.api_key) == (Path("/cache_hub"), Path("/outputs"), "")


@pytest.mark.parametrize("address", ["7860", "host:", ":7860", "host:port", "host:70000", "[::]"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Failure) as failure:
        settings.read({"TTS_LISTEN": address})
    assert failure.value.finding.code == "CONFIG-SERVICE"


def test_ipv6_addresses_lose_their_brackets() -> None:
    assert settings.read({"TTS_LISTEN": "[::1]:7860"}).host == "::1"


def test_the_ledger_is_over_when_the_essential_steps_are_done_and_the_others_have_ended() -> None:
    ledger = Ledger()
    ledger.plan("worker")
    ledger.plan("webui", essential=False)
    ledger.start("worker", "hello")
    assert ledger.view()["steps"][0]["phase"] == "hello"
    ledger.fail("worker", "crashed")
    ledger.fail("webui", "ImportError")
    assert not ledger.over
    ledger.start("worker")
    ledger.finish("worker")
    assert ledger.over
    assert ledger.view()["progress"] == 0.5
    ledger.fail("worker", "lost an hour later")
    assert ledger.over


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys("secret")
    scope = {"headers": [(b"cookie", f"deploykit_session={keys._session()}".encode())]}
    assert keys.allows(scope)
    assert not Keys("another").allows(scope)
    monkeypatch.setattr("tts_server.http.keys.time.time", lambda: 9e9)
    assert not keys.allows(scope)
