"""A request to an IndexTTS engine: every field against ``data/engines.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy_kit.data import table
from tts_server.fields import builtin, emotion, plain, upload
from tts_server.fields.plain import shown
from tts_server.refusal import Refusal
from tts_server.speech import pieces, voices
from tts_server.speech.request import Reference, Sentence, SpeechRequest

_COMMON = ("model", "input", "voice", "response_format", "speed", "stream_format", "instructions", "language")
_AUDIO = ("reference_audio", "emo_audio")
_SAMPLING = {
    "temperature": plain.number, "top_p": plain.number, "top_k": plain.whole, "num_beams": plain.whole,
    "length_penalty": plain.number, "repetition_penalty": plain.number, "max_mel_tokens": plain.whole,
}  # fmt: skip
_SPEEDS = table("espeak")["speed"]


@dataclass(frozen=True, slots=True)
class Means:
    """What the engine has at hand: the user's clips by id, emotion by text, whether its card is a small one."""

    clips: Mapping[str, Path] = field(default_factory=dict)
    emotion_text: bool = False
    small: bool = False


def allowed(engine: str) -> tuple[str, ...]:
    """The fields that a request to this engine may have."""
    return (*_COMMON, *_AUDIO, *(name for name in table("engines")[engine]["fields"] if name != "speed"))


def check(document: dict[str, Any], engine: str, max_chars: int, means: Means, *, auto: bool) -> SpeechRequest:
    """The request that a document describes; with ``auto`` also what the built-in voice could say instead.

    Raises:
        Refusal: A field is wrong, or this engine cannot do it.
    """
    facts = table("engines")[engine]
    document = plain.known(document, allowed(engine))
    spoken = plain.spoken(document, max_chars)
    reference, voice = _reference(document, facts, means)
    language = _language(document, facts)
    felt = emotion.check(document, facts, means)
    format_ = plain.sound_format(document)
    job = _job(document, facts, felt)
    cut = pieces.cut(spoken, language, facts, small=means.small)
    tokens = plain.whole(document, "max_text_tokens_per_segment", facts["fields"]["max_text_tokens_per_segment"])
    if not reference.name:
        default = "zh" if cut[0].language == "zh" else "en"
        reference = Reference("builtin", voices.for_language(None, default))
    return SpeechRequest(
        model=engine,
        sentences=tuple(Sentence(one.text, one.language, reference.name, tokens or one.tokens) for one in cut),
        characters=len(spoken),
        format=format_,
        job=job,
        ignored=felt.ignored,
        reference=reference,
        emotion_reference=felt.reference,
        silence_ms=job["silence_ms"],
        auto=auto,
        stand_in=_stand_in(document, spoken, reference, voice, language, format_) if auto else None,
    )


def _reference(document: dict[str, Any], facts: dict[str, Any], means: Means) -> tuple[Reference, voices.Voice | None]:
    """The clip to speak like, and the built-in voice that it is made by (None when it is not, or any will do)."""
    sent = upload.check(document, "reference_audio", facts["reference"])
    name = plain.voice_name(document)
    if sent is not None:
        if name.lower() not in voices.AUTO:
            raise Refusal("voice_twice", "reference_audio")
        return Reference("upload", "reference_audio", sent), None
    return clip(name, "voice", means)


def clip(name: str, parameter: str, means: Means) -> tuple[Reference, voices.Voice | None]:
    """The clip of an id: a user's, or one that the built-in voice speaks. Raises `Refusal`."""
    if name in means.clips:
        return Reference("clip", name), None
    if name.lower() in voices.AUTO:
        return Reference("builtin", ""), None
    found = voices.find(name)
    if found is None:
        listed = ", ".join((*means.clips, *voices.catalogue()))
        raise Refusal("unknown_voice", parameter, name=shown(name), known=listed)
    return Reference("builtin", found.id), found


def _language(document: dict[str, Any], facts: dict[str, Any]) -> str | None:
    value = plain.string(document, "language", "auto")
    if value.lower() in voices.AUTO:
        return None
    head = value.lower().replace("_", "-").split("-")[0]
    found = head if head in facts["languages"] else voices.language_of(value)
    if found is None:
        listed = ", ".join(("auto", *facts["languages"]))
        raise Refusal("unsupported_language", "language", name=shown(value), known=listed)
    return found


def _job(document: dict[str, Any], facts: dict[str, Any], felt: emotion.Felt) -> dict[str, Any]:
    limits = facts["fields"]
    job: dict[str, Any] = {
        "seed": plain.whole(document, "seed", limits["seed"]),
        "emotion": felt.job,
        "random": plain.boolean(document, "use_random", limits["use_random"]["default"]),
        "duration": _duration(document, limits),
        "silence_ms": plain.whole(document, "interval_silence", limits["interval_silence"]),
        "normalize": True,
        "sampling": {name: read(document, name, limits[name]) for name, read in _SAMPLING.items()},
    }
    if "text_normalization" in limits:
        job["normalize"] = plain.boolean(document, "text_normalization", limits["text_normalization"]["default"])
    return job


def _duration(document: dict[str, Any], limits: dict[str, Any]) -> float:
    """How much longer than usual: from ``duration_factor``, or from OpenAI's ``speed``, which is its inverse."""
    speed = plain.number(document, "speed", _SPEEDS)
    if "duration_factor" not in limits:
        if speed != 1.0:
            raise Refusal("speed_fixed", "speed")
        return 1.0
    factor = plain.number(document, "duration_factor", limits["duration_factor"])
    if speed == 1.0:
        return factor
    if factor != 1.0:
        raise Refusal("speed_twice", "speed")
    return 1.0 / plain.number(document, "speed", limits["speed"])


def _stand_in(
    document: dict[str, Any], spoken: str, reference: Reference, voice: voices.Voice | None, language: str | None,
    format_: str,
) -> SpeechRequest | None:  # fmt: skip
    """What the built-in voice says while the engine cannot; None when a reference voice was named, or it cannot."""
    if reference.kind != "builtin" or language not in (None, "en", "zh"):
        return None
    limits = table("espeak")
    speed = document.get("speed") or 1 / document.get("duration_factor", 1.0)
    return SpeechRequest(
        model=builtin.NAME,
        sentences=builtin.sentences(spoken, voice, language),
        characters=len(spoken),
        format=format_,
        job={"speed": float(speed), "pitch": limits["pitch"]["default"]},
        ignored=tuple(sorted(set(document) - {*_COMMON, "duration_factor"} | ({"instructions"} & set(document)))),
    )
