"""Sound that a request carries in base64: its size, and that it is sound at all. Never a path, never an address."""

from __future__ import annotations

import base64
import binascii
import io
import wave
from typing import Any

from tts_server.fields import plain
from tts_server.refusal import Refusal

LONGEST_ID = 100
_MAGIC = ((b"RIFF", "wav"), (b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3"), (b"\xff", "mp3"))
_DATA_URL = "data:audio/"


def suffix_of(data: bytes) -> str | None:
    """The kind of sound by its first bytes: ``wav``, ``flac``, ``ogg``, ``mp3``; None when it is none of these."""
    kind = next((suffix for magic, suffix in _MAGIC if data.startswith(magic)), None)
    if kind == "wav" and data[8:12] != b"WAVE":
        return None
    if data[:1] == b"\xff" and (len(data) < 2 or data[1] & 0xE0 != 0xE0):
        return None
    return kind


def encoded_limit(facts: dict[str, Any]) -> int:
    """The most characters that one clip can have in base64, with some for a prefix."""
    return int(facts["reference"]["maximum_bytes"]) * 4 // 3 + 256


def check(document: dict[str, Any], name: str, limits: dict[str, Any]) -> bytes | None:
    """The bytes of a clip; None when there is none. Raises `Refusal`."""
    if name not in document:
        return None
    text = plain.string(document, name, "")
    if text.startswith(_DATA_URL):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("not_base64", name, name=name) from None
    if len(data) > limits["maximum_bytes"]:
        raise Refusal("clip_too_large", name, name=name, limit=limits["maximum_bytes"] // 1_048_576)
    kind = suffix_of(data)
    if kind is None or (kind == "wav" and not _plausible(data, limits["minimum_seconds"])):
        raise Refusal("not_sound", name, name=name, seconds=limits["minimum_seconds"])
    return data


def _plausible(data: bytes, seconds: float) -> bool:
    """Whether a WAV file holds enough sound; one in a form that the standard library does not read is the worker's."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            return bool(file.getframerate() > 0 and file.getnframes() >= seconds * file.getframerate())
    except wave.Error as error:
        return "unknown format" in str(error)
    except (EOFError, ArithmeticError):
        return False
