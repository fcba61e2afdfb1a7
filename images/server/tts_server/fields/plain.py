"""Fields by type. Nothing is clipped: what is not allowed is refused, with the field's name."""

from __future__ import annotations

import math
from typing import Any

from tts_server.refusal import Refusal
from tts_server.speech import text as texts

FORMATS = ("wav", "pcm")
_LATER_FORMATS = ("mp3", "opus", "aac", "flac")


def shown(value: str) -> str:
    """A word of the user's that is safe to repeat: short, and encodable."""
    return value[:40].encode("ascii", errors="backslashreplace").decode()


def known(document: dict[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    """The document without empty fields. Raises `Refusal` for a field that there is not."""
    document = {name: value for name, value in document.items() if value is not None}
    unknown = sorted(set(document) - set(allowed))
    if unknown:
        raise Refusal("unknown_parameter", shown(unknown[0]), name=shown(unknown[0]), allowed=", ".join(allowed))
    return document


def string(document: dict[str, Any], name: str, default: str) -> str:
    value = document.get(name, default)
    if not isinstance(value, str):
        raise Refusal("wrong_type", name, name=name, wanted="string")
    return value


def boolean(document: dict[str, Any], name: str, default: bool) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        raise Refusal("wrong_type", name, name=name, wanted="boolean")
    return value


def number(document: dict[str, Any], name: str, limits: dict[str, Any]) -> float:
    return between(document.get(name, limits["default"]), name, limits)


def whole(document: dict[str, Any], name: str, limits: dict[str, Any]) -> int | None:
    """An integer, or the table's default where none was given (which may be none)."""
    value = document.get(name, limits["default"])
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal("wrong_type", name, name=name, wanted="whole number")
    return int(between(value, name, limits))


def between(value: Any, name: str, limits: dict[str, Any]) -> float:
    """A number within its limits. Raises `Refusal`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal("wrong_type", name, name=name, wanted="number")
    if not limits["minimum"] <= value <= limits["maximum"] or not math.isfinite(value):
        raise Refusal("out_of_range", name, name=name, low=limits["minimum"], high=limits["maximum"])
    return float(value)


def spoken(document: dict[str, Any], max_chars: int) -> str:
    """The text to speak."""
    if "input" not in document:
        raise Refusal("missing_input", "input")
    value = string(document, "input", "")
    if len(value) > max_chars:
        raise Refusal("text_too_long", "input", count=len(value), limit=max_chars)
    if texts.has_surrogate(value):
        raise Refusal("invalid_text", "input")
    if not value.strip():
        raise Refusal("empty_text", "input")
    if not texts.speakable(value):
        raise Refusal("nothing_to_say", "input")
    return texts.clean(value)


def voice_name(document: dict[str, Any]) -> str:
    """The voice as it was asked for: a name, or an object with an ``id``, as OpenAI's clients send it."""
    value = document.get("voice", "auto")
    if isinstance(value, dict):
        value = value.get("id")
    if not isinstance(value, str):
        raise Refusal("wrong_type", "voice", name="voice", wanted="string")
    return value


def sound_format(document: dict[str, Any]) -> str:
    """``response_format``, and that no other way of streaming is asked for."""
    stream = string(document, "stream_format", "audio")
    if stream != "audio":
        raise Refusal("unsupported_stream_format", "stream_format", value=shown(stream))
    name = string(document, "response_format", "wav")
    if name in FORMATS:
        return name
    code = "format_not_yet" if name in _LATER_FORMATS else "unknown_format"
    raise Refusal(code, "response_format", name=shown(name), known=", ".join(FORMATS))
