"""A request for speech: from a JSON document to a checked value. Nothing is clipped: what cannot be done is refused."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from deploy_kit.data import table
from tts_server.refusal import Refusal
from tts_server.speech import text as texts
from tts_server.speech import voices

ALIASES = ("auto", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
FORMATS = ("wav", "pcm")
FIELDS = ("model", "input", "voice", "response_format", "speed", "stream_format", "instructions", "language", "pitch")
_OVERHEAD = 64 * 1024
_ESCAPED = 12
"""Bytes that one character can need in JSON: an escaped surrogate pair."""

_LATER_FORMATS = ("mp3", "opus", "aac", "flac")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One piece of text for a worker and the voice that speaks it."""

    text: str
    language: str
    voice: str


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A checked request. ``ignored`` names fields that were understood but have no effect with this engine."""

    model: str
    sentences: tuple[Sentence, ...]
    characters: int
    format: str
    speed: float
    pitch: int
    ignored: tuple[str, ...]

    @property
    def voices(self) -> tuple[str, ...]:
        """The voices that will be heard, in order of appearance."""
        return tuple(dict.fromkeys(sentence.voice for sentence in self.sentences))


def body_limit(max_chars: int) -> int:
    """How many bytes a request with so many characters can have."""
    return _OVERHEAD + _ESCAPED * max_chars


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `Refusal`."""
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("invalid_json") from None
    if not isinstance(document, dict):
        raise Refusal("not_an_object")
    return document


def check(document: dict[str, Any], *, engine: str, max_chars: int) -> SpeechRequest:
    """The request that a document describes. Raises `Refusal`."""
    document = {name: value for name, value in document.items() if value is not None}
    unknown = sorted(set(document) - set(FIELDS))
    if unknown:
        raise Refusal("unknown_parameter", shown(unknown[0]), name=shown(unknown[0]), allowed=", ".join(FIELDS))
    model = _model(_string(document, "model", "auto"), engine)
    spoken = _input(document, max_chars)
    stream = _string(document, "stream_format", "audio")
    if stream != "audio":
        raise Refusal("unsupported_stream_format", "stream_format", value=shown(stream))
    _string(document, "instructions", "")
    return SpeechRequest(
        model=model,
        sentences=_sentences(spoken, _voice(document), _language(document)),
        characters=len(spoken),
        format=_format(_string(document, "response_format", "wav")),
        speed=_number(document, "speed"),
        pitch=round(_number(document, "pitch")),
        ignored=tuple(name for name in ("instructions",) if document.get(name)),
    )


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON


def shown(value: str) -> str:
    """A word of the user's that is safe to repeat: short, and encodable."""
    return value[:40].encode("ascii", errors="backslashreplace").decode()


def _string(document: dict[str, Any], name: str, default: str) -> str:
    value = document.get(name, default)
    if not isinstance(value, str):
        raise Refusal("wrong_type", name, name=name, wanted="string")
    return value


def _number(document: dict[str, Any], name: str) -> float:
    limits = table("espeak")[name]
    value = document.get(name, limits["default"])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal("wrong_type", name, name=name, wanted="number")
    if not limits["minimum"] <= value <= limits["maximum"] or not math.isfinite(value):
        raise Refusal("out_of_range", name, name=name, low=limits["minimum"], high=limits["maximum"])
    return float(value)


def _model(name: str, engine: str) -> str:
    if name in ALIASES or name == engine:
        return engine
    raise Refusal("model_not_found", "model", name=shown(name), known=", ".join((engine, *ALIASES)))


def _input(document: dict[str, Any], max_chars: int) -> str:
    if "input" not in document:
        raise Refusal("missing_input", "input")
    value = _string(document, "input", "")
    if len(value) > max_chars:
        raise Refusal("text_too_long", "input", count=len(value), limit=max_chars)
    if texts.has_surrogate(value):
        raise Refusal("invalid_text", "input")
    if not value.strip():
        raise Refusal("empty_text", "input")
    if not texts.speakable(value):
        raise Refusal("nothing_to_say", "input")
    return texts.clean(value)


def _voice(document: dict[str, Any]) -> voices.Voice | None:
    value = document.get("voice", "auto")
    if isinstance(value, dict):
        value = value.get("id")
    if not isinstance(value, str):
        raise Refusal("wrong_type", "voice", name="voice", wanted="string")
    if value.lower() in voices.AUTO:
        return None
    found = voices.find(value)
    if found is None:
        raise Refusal("unknown_voice", "voice", name=shown(value), known=", ".join(voices.catalogue()))
    return found


def _language(document: dict[str, Any]) -> str | None:
    value = _string(document, "language", "auto")
    if value.lower() in voices.AUTO:
        return None
    found = voices.language_of(value)
    if found is None:
        raise Refusal("unsupported_language", "language", name=shown(value), known="auto, en, zh")
    return found


def _format(name: str) -> str:
    if name in FORMATS:
        return name
    code = "format_not_yet" if name in _LATER_FORMATS else "unknown_format"
    raise Refusal(code, "response_format", name=shown(name), known=", ".join(FORMATS))


def _sentences(spoken: str, voice: voices.Voice | None, language: str | None) -> tuple[Sentence, ...]:
    pieces = texts.sentences(spoken)
    spoken_in = [language] * len(pieces) if language else texts.languages(pieces)
    return tuple(
        Sentence(piece, tongue, voices.for_language(voice, tongue)) for piece, tongue in zip(pieces, spoken_in)
    )
