"""Values to JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit import codec
from deploy_kit.facts import Fact, known, not_asked, unknown

T = TypeVar("T")


class Colour(str, Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Box(Generic[T]):
    content: T
    label: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    number: int
    ratio: float
    colour: Colour
    names: tuple[str, ...]
    pair: tuple[int, str]
    box: Box[int]
    maybe: str | None
    table: dict[str, int]


things = st.builds(
    Thing,
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.just(Colour.RED),
    st.lists(st.text()).map(tuple),
    st.tuples(st.integers(), st.text()),
    st.builds(Box, st.integers(), st.text()),
    st.none() | st.text(),
    st.dictionaries(st.text(), st.integers()),
)


@given(things)
def test_a_value_survives_the_way_there_and_back(thing: Thing) -> None:
    assert codec.loads(Thing, codec.dumps(thing)) == thing


@pytest.mark.parametrize("fact", [known((1, 2), "here"), unknown("here", "no file"), not_asked("in a container")])
def test_generic_facts_keep_their_type(fact: Fact[tuple[int, ...]]) -> None:
    assert codec.from_plain(Fact[tuple[int, ...]], codec.to_plain(fact)) == fact


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], r"\$: expected an object"),
        ({"content": "x"}, r"\$\.content: expected int"),
        ({"content": True}, r"\$\.content: expected int"),
        ({"content": 1, "colour": 2}, "unknown field colour"),
        ({}, "content"),
    ],
)
def test_a_wrong_document_is_told_by_place(document: object, place: str) -> None:
    with pytest.raises(codec.CodecError, match=place):
        codec.from_plain(Box[int], document)


def test_text_that_is_no_json_is_told() -> None:
    with pytest.raises(codec.CodecError, match="not JSON"):
        codec.loads(Thing, "{")


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, b"\xff\xfe\xfd"])
def test_text_that_would_break_the_reader_is_told(text: str | bytes) -> None:
    with pytest.raises(codec.CodecError):
        codec.loads(Thing, text)


def test_halves_of_characters_are_refused_and_pairs_taken() -> None:
    with pytest.raises(codec.CodecError, match="half"):
        codec.plain('{"a": "\\uD800"}')
    assert codec.plain('"\\ud83d\\ude00"') == "😀"


def test_equal_values_have_equal_digests() -> None:
    assert codec.digest({"b": 1, "a": 2}) == codec.digest({"a": 2, "b": 1})
