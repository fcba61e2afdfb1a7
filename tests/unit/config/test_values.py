"""Each kind of setting takes what it should, and refuses the rest with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit.config.request import Listen
from deploy_kit.config.table import Setting, settings
from deploy_kit.config.values import PARSERS, Refused, parse, size_text
from deploy_kit.messages import LOCALES, Catalogue

BASE = Path("/srv")


def value(kind: str, text: str, **limits: object) -> object:
    return parse(Setting("x", kind, None, **limits), text, BASE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:7860", Listen("127.0.0.1", 7860)),
        ("localhost:80", Listen("127.0.0.1", 80)),
        ("*:7860", Listen("0.0.0.0", 7860)),
        ("[::1]:7860", Listen("::1", 7860)),
        ("[::]:65535", Listen("::", 65535)),
    ],
)
def test_addresses(text: str, listen: Listen) -> None:
    assert value("address", text) == listen


@pytest.mark.parametrize(
    "text",
    ["7860", ":7860", "host:7860", "1.2.3:80", "1.2.3.256:80", "01.2.3.4:80", "::1:80", "[x]:80", "1.2.3.4:0",
     "1.2.3.4:65536", "1.2.3.4:080", "1.2.3.4:", "http://1.2.3.4:80"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Refused) as caught:
        value("address", text)
    assert caught.value.code == "CONFIG-ADDRESS"


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("1k", 1024), ("1g", 1024**3), ("1GiB", 1024**3), ("1 GiB", 1024**3), ("1.5GiB", 3 * 1024**3 // 2),
     ("1GB", 10**9), ("2T", 2 * 1024**4)],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert value("size", text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1XB", "1e9", "１GiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(Refused):
        value("size", text, minimum=1)


@given(st.integers(min_value=0, max_value=2**60))
def test_a_size_survives_being_written_in_bytes(size: int) -> None:
    assert value("size", str(size)) == size


@pytest.mark.parametrize("size", [1, 1024, 268435456, 3 * 1024**3])
def test_a_shown_size_reads_back(size: int) -> None:
    assert value("size", size_text(size)) == size


@pytest.mark.parametrize("text", ["1", "0", "-3"])
def test_integers(text: str) -> None:
    assert value("integer", text) == int(text)


@pytest.mark.parametrize("text", ["1.0", "0x10", "010", "1_000", "one", "١"])
def test_what_is_no_integer(text: str) -> None:
    with pytest.raises(Refused):
        value("integer", text)


@pytest.mark.parametrize(
    ("kind", "text"), [("integer", "9"), ("number", "0.05"), ("integer", "1000"), ("number", "101")]
)
def test_bounds(kind: str, text: str) -> None:
    with pytest.raises(Refused) as caught:
        value(kind, text, minimum=10, maximum=100)
    assert caught.value.args_of_sentence == {"minimum": "10", "maximum": "100"}


@pytest.mark.parametrize("text", ["nan", "inf", "1e3", ".5"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(Refused):
        value("number", text)


@pytest.mark.parametrize(
    "text",
    ["debian", "debian:12", "docker.io/library/debian:bookworm-slim", "localhost:5000/a/b:1", "a@sha256:" + "0" * 64],
)
def test_images(text: str) -> None:
    assert value("image", text) == text


@pytest.mark.parametrize("text", ["Debian", "a b", "a:b:c:d", "-a", "a@sha256:1", "http://a/b"])
def test_what_is_no_image(text: str) -> None:
    with pytest.raises(Refused):
        parse(Setting("x", "image", "debian"), text, BASE)


def test_paths_are_absolute_and_know_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert value("path", "a/../b") == "/srv/b"
    assert value("path", "~/b") == "/home/me/b"


def test_a_bad_name_comes_with_a_good_one() -> None:
    with pytest.raises(Refused) as caught:
        value("name", "My Radio!")
    assert value("name", str(caught.value.args_of_sentence["nearest"])) == "my-radio"


def test_every_default_is_allowed() -> None:
    for setting in settings().values():
        if setting.default is not None:
            parse(setting, setting.default, BASE)


@given(st.sampled_from(sorted({*PARSERS, "list"})), st.text(max_size=40))
def test_any_text_is_a_value_or_refused_with_a_sentence(kind: str, text: str) -> None:
    setting = Setting("x", kind, "debian", choices=("a", "b"), minimum=1, maximum=5)
    said = ["a value"]
    try:
        parse(setting, text, BASE)
    except Refused as refusal:
        values = {"subject": "here", "key": "x", "value": text} | refusal.args_of_sentence
        said = [Catalogue(locale).text(f"findings.{refusal.code}.why", values) for locale in LOCALES]
    assert all(said)


@pytest.mark.parametrize(("text", "near"), [("a", "a-tts"), ("A", "a-tts"), ("_", "indextts"), ("My TTS", "my-tts")])
def test_a_name_that_docker_would_refuse_is_answered_with_one_it_takes(text: str, near: str) -> None:
    with pytest.raises(Refused) as caught:
        value("name", text)
    assert (caught.value.code, caught.value.args_of_sentence["nearest"]) == ("CONFIG-NAME", near)
    assert value("name", near) == near


@pytest.mark.parametrize("kind", ["integer", "number", "size"])
@pytest.mark.parametrize("text", ["1" * 5000, "9" * 30, "9" * 400 + "." + "9"])
def test_numbers_beyond_all_reason_are_refused(kind: str, text: str) -> None:
    with pytest.raises(Refused) as caught:
        value(kind, text, maximum=100)
    assert caught.value.code == f"CONFIG-{kind.upper()}"


def test_no_machine_has_more_memory_than_that() -> None:
    with pytest.raises(Refused) as caught:
        parse(settings()["limits.memory"], "65TiB", BASE)
    assert caught.value.args_of_sentence == {"minimum": "256MiB", "maximum": "64TiB"}


@pytest.mark.parametrize(
    ("text", "shown", "character"),
    [
        ("/a\0b", "/a\\x00b", "U+0000"),
        ("/a\nb", "/a\\nb", "U+000A"),
        ("/a\x1b[31mb", "/a\\x1b[31mb", "U+001B"),
        ("/a\x9bb", "/a\\x9bb", "U+009B"),
        ("/a\u2028b", "/a\\u2028b", "U+2028"),
        ("/a\udcffb", "/a\\udcffb", "U+DCFF"),
    ],
)
def test_characters_that_nobody_sees_are_refused_and_shown_harmlessly(text: str, shown: str, character: str) -> None:
    for kind in ("path", "list", "url", "name"):
        with pytest.raises(Refused) as caught:
            value(kind, text)
        assert caught.value.code == "CONFIG-CHARACTER"
        assert caught.value.args_of_sentence == {"value": shown, "character": character}


def test_letters_of_every_language_are_taken() -> None:
    assert value("path", "/模型/Привет é") == "/模型/Привет é"


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), ("Yes", True), ("on", True), ("FALSE", False), ("no", False)]
)
def test_a_yes_or_no_may_be_said_in_words(text: str, expected: bool) -> None:
    assert value("boolean", text) is expected


@pytest.mark.parametrize("text", ["1", "maybe", "y"])
def test_anything_else_is_no_answer(text: str) -> None:
    with pytest.raises(Refused) as caught:
        value("boolean", text)
    assert caught.value.code == "CONFIG-BOOLEAN"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", "auto"),
        ("https://hub.example/models", "https://hub.example/models"),
        ("https://git.example/a/b.git#0123abc", "https://git.example/a/b.git#0123abc"),
        ("git@git.example:a/b.git#0123abc", "git@git.example:a/b.git#0123abc"),
        ("modelscope+https://hub.example", "modelscope+https://hub.example"),
        ("weights.tar", "/srv/weights.tar"),
        ("/data/weights", "/data/weights"),
    ],
)
def test_a_source_is_a_word_an_address_or_a_path(text: str, expected: str) -> None:
    assert value("source", text, words=("auto",)) == expected


@pytest.mark.parametrize("text", ["https://", "HTTP ://x", "://x"])
def test_half_an_address_is_no_source(text: str) -> None:
    with pytest.raises(Refused) as caught:
        value("source", text)
    assert caught.value.code == "CONFIG-SOURCE"


def test_a_password_in_an_address_that_a_container_would_show_is_refused() -> None:
    text = "https://me:secret@hub.example/"

    assert value("source", text) == text
    with pytest.raises(Refused) as caught:
        value("source", text, service_env="TTS_WEIGHTS_SOURCE")
    assert caught.value.code == "CONFIG-SECRET-SOURCE"


CARD = "GPU-0a1b2c3d-1111-2222-3333-444455556666"


def test_cards_are_named_by_their_ids() -> None:
    assert value("gpus", "all") == value("gpus", "") == ()
    assert value("gpus", f"{CARD},{CARD.replace('GPU', 'MIG')}") == (CARD, CARD.replace("GPU", "MIG"))


@pytest.mark.parametrize("text", ["0", "GPU-0a1b", f"{CARD} ,1", "NVIDIA GeForce RTX 4090"])
def test_a_number_is_no_name_of_a_card(text: str) -> None:
    with pytest.raises(Refused) as caught:
        value("gpus", text)
    assert caught.value.code in ("CONFIG-GPUS", "CONFIG-LIST")


@pytest.mark.parametrize("text", ["a", "7", "team-a", "x" * 63])
def test_labels(text: str) -> None:
    assert value("label", text) == text


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("-a", "a"), ("a-", "a"), ("A.b", "a-b"), ("a_b", "a-b"), ("x" * 64, "x" * 63), ("名", "indextts")],
)
def test_what_is_no_label(text: str, nearest: str) -> None:
    with pytest.raises(Refused) as caught:
        value("label", text)
    assert (caught.value.code, caught.value.args_of_sentence["nearest"]) == ("CONFIG-LABEL", nearest)


def test_a_context_is_any_name_that_is_no_option() -> None:
    assert value("context", "gke_my project_zone/x@y") == "gke_my project_zone/x@y"
    with pytest.raises(Refused) as caught:
        value("context", "--token=x")
    assert caught.value.code == "CONFIG-CONTEXT"
