"""Where a text is cut, and which language a piece is in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tts_server.speech import text as texts

from tests.server.conftest import ROOT  # noqa: F401 - puts the server on the path

alphabet = st.text(st.sampled_from('ab Mr.3,!?。！，、；…\n"”）)你好。中 \u3000é'), max_size=400)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("今天很好。我们走吧！去哪儿？", ["今天很好。", "我们走吧！", "去哪儿？"]),
        ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
        ('He said "Stop!" and left.', ['He said "Stop!"', "and left."]),
        ("Mr. Smith paid 3.50 to Dr. Jones at 5 p.m. today.", ["Mr. Smith paid 3.50 to Dr. Jones at 5 p.m. today."]),
        ("J. R. R. Tolkien wrote it.", ["J. R. R. Tolkien wrote it."]),
        ("Use e.g. Python.", ["Use e.g. Python."]),
        ("Wait... What?", ["Wait...", "What?"]),
        ("A heading\nA paragraph", ["A heading", "A paragraph"]),
        ("Open example.com/a?b=c!d now.", ["Open example.com/a?b=c!d now."]),
        ("Hello!你好！", ["Hello!", "你好！"]),
        ("!!! ... 。。。 \n\n ---", []),
        ("", []),
    ],
)
def test_a_text_is_cut_after_its_sentences(text: str, pieces: list[str]) -> None:
    assert texts.sentences(text) == pieces


@given(alphabet, st.integers(4, 60))
def test_no_letter_is_lost_doubled_or_moved_and_no_piece_is_too_long(text: str, longest: int) -> None:
    pieces = texts.sentences(text, longest)

    assert [char for piece in pieces for char in piece if char.isalnum()] == [char for char in text if char.isalnum()]
    assert all(0 < len(piece) <= longest and texts.speakable(piece) for piece in pieces)


@given(st.text(max_size=300))
def test_any_text_has_a_language_for_each_piece(text: str) -> None:
    pieces = texts.sentences(text)

    assert [language in ("en", "zh") for language in texts.languages(pieces)] == [True] * len(pieces)


def test_long_sentences_are_cut_at_commas_and_spaces() -> None:
    pieces = texts.sentences("这是一个很长的句子，" * 60)

    assert len(pieces) > 1
    assert all(piece.endswith("，") for piece in pieces)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a. " * 33_000, "." * 100_000, "\n" * 100_000, "Mr. " * 25_000, "“" * 100_000]
)
def test_a_hundred_thousand_characters_are_cut_in_no_time(text: str) -> None:
    began = time.process_time()
    texts.sentences(text)

    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("pieces", "languages"),
    [
        (["Hello.", "你好。"], ["en", "zh"]),
        (["我用 Python 写程序。"], ["zh"]),
        (["42.", "你好。", "3.14"], ["zh", "zh", "zh"]),
        (["2024.", "1"], ["en", "en"]),
        (["Hi.", "7.", "你好"], ["en", "en", "zh"]),
        (["𠮷野家"], ["zh"]),
        ([], []),
    ],
)
def test_the_language_of_a_piece_is_that_of_its_letters_or_its_neighbours(
    pieces: list[str], languages: list[str]
) -> None:
    assert texts.languages(pieces) == languages


@given(st.text())
def test_cleaning_leaves_no_control_character_and_keeps_the_length(text: str) -> None:
    cleaned = texts.clean(text)

    assert len(cleaned) == len(text)
    assert not any((ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0 for char in cleaned)
