"""A request to the built-in voice."""

from __future__ import annotations

from typing import Any

from deploy_kit.data import table
from tts_server.fields import plain
from tts_server.fields.plain import shown
from tts_server.refusal import Refusal
from tts_server.speech import text as texts
from tts_server.speech import voices
from tts_server.speech.request import Sentence, SpeechRequest

NAME = "espeak"
FIELDS = ("model", "input", "voice", "response_format", "speed", "stream_format", "instructions", "language", "pitch")


def check(document: dict[str, Any], max_chars: int) -> SpeechRequest:
    """The request that a document describes. Raises `Refusal`."""
    document = plain.known(document, FIELDS)
    limits = table(NAME)
    spoken = plain.spoken(document, max_chars)
    plain.string(document, "instructions", "")
    return SpeechRequest(
        model=NAME,
        sentences=sentences(spoken, _voice(document), _language(document)),
        characters=len(spoken),
        format=plain.sound_format(document),
        job={
            "speed": plain.number(document, "speed", limits["speed"]),
            "pitch": round(plain.number(document, "pitch", limits["pitch"])),
        },
        ignored=tuple(name for name in ("instructions",) if document.get(name)),
    )


def sentences(spoken: str, voice: voices.Voice | None, language: str | None) -> tuple[Sentence, ...]:
    """A text in pieces, each with its language and the voice that speaks it."""
    pieces = texts.sentences(spoken)
    spoken_in = [language] * len(pieces) if language else texts.languages(pieces)
    return tuple(
        Sentence(piece, tongue, voices.for_language(voice, tongue)) for piece, tongue in zip(pieces, spoken_in)
    )


def _voice(document: dict[str, Any]) -> voices.Voice | None:
    value = plain.voice_name(document)
    if value.lower() in voices.AUTO:
        return None
    found = voices.find(value)
    if found is None:
        raise Refusal("unknown_voice", "voice", name=shown(value), known=", ".join(voices.catalogue()))
    return found


def _language(document: dict[str, Any]) -> str | None:
    value = plain.string(document, "language", "auto")
    if value.lower() in voices.AUTO:
        return None
    found = voices.language_of(value)
    if found is None:
        raise Refusal("unsupported_language", "language", name=shown(value), known="auto, en, zh")
    return found
