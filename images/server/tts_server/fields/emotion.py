"""The emotion of a request: a vector, a description, a clip; never two of them, and nothing scaled in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tts_server.fields import plain, upload
from tts_server.refusal import Refusal
from tts_server.speech import text as texts
from tts_server.speech.request import Reference

if TYPE_CHECKING:
    from tts_server.fields.model import Means

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Felt:
    """``job``: the emotion as a worker takes it; the path of ``reference`` is put in when the file is there."""

    job: dict[str, Any] | None
    reference: Reference | None = None
    ignored: tuple[str, ...] = ()


def check(document: dict[str, Any], facts: dict[str, Any], means: Means) -> Felt:
    """The emotion that a document asks for. Raises `Refusal`."""
    limits = facts["fields"]
    vector, clip = _vector(document, facts), _clip(document, facts, means)
    by_text, text = _text(document, limits)
    instructions = plain.string(document, "instructions", "")
    alpha = plain.number(document, "emo_alpha", limits["emo_alpha"])
    if (vector is not None) + (clip is not None) + by_text > 1:
        raise Refusal("emotion_twice", "emo_vector" if vector is not None else "emo_audio")
    if vector is not None:
        return Felt({"kind": "vector", "vector": vector, "alpha": alpha}, None, _ignored(instructions))
    if clip is not None:
        return Felt({"kind": "audio", "alpha": alpha}, clip, _ignored(instructions))
    if "emo_alpha" not in document:
        alpha = facts["emotion"]["text_alpha"]
    if by_text and not means.emotion_text:
        raise Refusal("emotion_text_off", "emo_text")
    if by_text:
        return Felt({"kind": "text", "text": text, "alpha": alpha}, None, _ignored(instructions))
    if instructions.strip() and means.emotion_text and len(instructions) <= limits["emo_text"]["maximum_characters"]:
        return Felt({"kind": "text", "text": texts.clean(instructions), "alpha": alpha})
    return Felt(None, None, _ignored(instructions))


def _ignored(instructions: str) -> tuple[str, ...]:
    return ("instructions",) if instructions else ()


def _vector(document: dict[str, Any], facts: dict[str, Any]) -> list[float] | None:
    value, limits = document.get("emo_vector"), facts["fields"]["emo_vector"]
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != limits["length"]:
        order = ", ".join(facts["emotion"]["order"])
        raise Refusal("emotion_length", "emo_vector", count=limits["length"], order=order)
    vector = [plain.between(one, "emo_vector", limits) for one in value]
    if sum(vector) > limits["sum_maximum"] + _ROUNDING:
        raise Refusal("emotion_sum", "emo_vector", sum=f"{sum(vector):.2f}", limit=limits["sum_maximum"])
    return vector


def _text(document: dict[str, Any], limits: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether emotion by text is asked for, and the description (None: the text that is spoken)."""
    value = plain.string(document, "emo_text", "")
    if len(value) > limits["emo_text"]["maximum_characters"]:
        limit = limits["emo_text"]["maximum_characters"]
        raise Refusal("text_too_long", "emo_text", count=len(value), limit=limit)
    if texts.has_surrogate(value):
        raise Refusal("invalid_text", "emo_text")
    wanted = plain.boolean(document, "use_emo_text", bool(value.strip()))
    return wanted, texts.clean(value) if value.strip() else None


def _clip(document: dict[str, Any], facts: dict[str, Any], means: Means) -> Reference | None:
    """``emo_audio``: the id of a clip, or the sound itself."""
    from tts_server.fields.model import clip

    value = document.get("emo_audio")
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= upload.LONGEST_ID:
        return clip(value, "emo_audio", means)[0]
    return Reference("upload", "emo_audio", upload.check(document, "emo_audio", facts["reference"]) or b"")
