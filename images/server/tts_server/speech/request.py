"""A request for speech: from a body to a checked value. Nothing is clipped: what cannot be done is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tts_server.refusal import Refusal

if TYPE_CHECKING:
    from tts_server.fields.model import Means

ALIASES = ("auto", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
_BUILTIN = "espeak"
_OVERHEAD = 64 * 1024
_ESCAPED = 12
"""Bytes that one character can need in JSON: an escaped surrogate pair."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One piece of text for a worker, and the voice that speaks it. ``tokens``: the most of a segment (IndexTTS)."""

    text: str
    language: str
    voice: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """A clip to speak like: ``builtin`` (made by the built-in voice; no name: any), ``clip`` (a user's), ``upload``."""

    kind: str
    name: str
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A checked request.

    Attributes:
        job: The fields that are the same for every piece.
        ignored: Fields that were understood but have no effect with this engine.
        silence_ms: Between pieces.
        auto: Whoever can may answer.
        stand_in: What the built-in voice may say when the engine cannot answer.
    """

    model: str
    sentences: tuple[Sentence, ...]
    characters: int
    format: str
    job: dict[str, Any]
    ignored: tuple[str, ...] = ()
    reference: Reference | None = None
    emotion_reference: Reference | None = None
    silence_ms: int = 0
    auto: bool = False
    stand_in: SpeechRequest | None = None

    @property
    def voices(self) -> tuple[str, ...]:
        """The voices that will be heard, in order of appearance."""
        return tuple(dict.fromkeys(sentence.voice for sentence in self.sentences))


def body_limit(max_chars: int, engine: str = _BUILTIN) -> int:
    """How many bytes a request with so many characters can have; two clips more where the engine takes them."""
    limit = _OVERHEAD + _ESCAPED * max_chars
    if engine == _BUILTIN:
        return limit
    from deploy_kit.data import table
    from tts_server.fields import upload

    return limit + 2 * upload.encoded_limit(table("engines")[engine])


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `Refusal`."""
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("invalid_json") from None
    if not isinstance(document, dict):
        raise Refusal("not_an_object")
    return document


def check(document: dict[str, Any], *, engine: str, max_chars: int, means: Means | None = None) -> SpeechRequest:
    """The request that a document describes.

    Args:
        engine: The configured engine, which the aliases mean.
        means: What it has at hand.

    Raises:
        Refusal: Something about it is wrong.
    """
    from tts_server.fields import builtin, model, plain

    asked = document.get("model")
    name = plain.string(document, "model", "auto") if asked is not None else "auto"
    if name not in (*ALIASES, engine, _BUILTIN):
        known = ", ".join(dict.fromkeys((engine, _BUILTIN, *ALIASES)))
        raise Refusal("model_not_found", "model", name=plain.shown(name), known=known)
    if _BUILTIN in (name, engine):
        return builtin.check(document, max_chars)
    return model.check(document, engine, max_chars, means or model.Means(), auto=name in ALIASES)


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON
