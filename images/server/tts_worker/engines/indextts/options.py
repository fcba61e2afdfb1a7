"""What the server asks for: of a load, and of a job.

Ranges have been judged by the server; here values get their types, and what this engine cannot do at all is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from tts_worker.engines import EngineError
from tts_worker.engines.text import spoken, unmarked

_WHOLE = ("top_k", "num_beams", "max_mel_tokens")
_FRACTIONS = ("temperature", "top_p", "length_penalty", "repetition_penalty")


class Emotion(Enum):
    """Where the emotion comes from."""

    VECTOR = "vector"
    TEXT = "text"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Load:
    """How to load. ``warm_up`` is a clip to speak once with, or None; ``threads`` 0 leaves torch its own choice."""

    cuda: bool
    model: Path
    half: bool
    emotion_text: bool
    threads: int
    warm_up: Path | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Load:
        """From a ``load`` frame. Raises `EngineError`."""
        try:
            cuda = {"cpu": False, "cuda": True}[fields["device"]]
            clip = fields.get("warm_up")
            return cls(
                cuda,
                Path(fields["model_dir"]),
                bool(fields["half"]) and cuda,
                bool(fields["emotion_text"]),
                int(fields.get("threads") or 0),
                Path(clip) if clip else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError("protocol", f"load frame: {type(error).__name__}: {error}") from None


@dataclass(frozen=True, slots=True)
class Feeling:
    """An emotion and its strength: a vector in upstream's order, a description (None: the text itself), or a clip."""

    kind: Emotion
    alpha: float
    vector: tuple[float, ...] = ()
    text: str | None = None
    clip: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of text to speak.

    Attributes:
        seed: None for another result each time.
        pause: Another piece follows, so the silence between segments stands at the end as well.
        duration: Longer (above 1) or shorter; only where the engine can.
        silence: Milliseconds between segments.
        tokens: The most text tokens of a segment.
    """

    text: str
    language: str
    reference: Path
    seed: int | None
    pause: bool
    feeling: Feeling | None
    random: bool
    duration: float
    silence: int
    tokens: int
    normalize: bool
    sampling: dict[str, float | int]

    @classmethod
    def of(cls, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Job:
        """From a ``speak`` frame and the engine's row of the table.

        Raises:
            EngineError: ``options`` for what this engine cannot do, ``protocol`` for a frame that is none.
        """
        try:
            job = cls(
                text=unmarked(spoken(str(fields["text"]))),
                language=str(fields["language"]),
                reference=Path(fields["reference"]),
                seed=None if fields.get("seed") is None else int(fields["seed"]),
                pause=bool(fields["pause"]),
                feeling=_feeling(fields.get("emotion")),
                random=bool(fields.get("random", False)),
                duration=_number(fields.get("duration", 1.0)),
                silence=int(fields.get("silence_ms", 200)),
                tokens=int(fields.get("segment_tokens") or facts["segment"]["tokens"]),
                normalize=bool(fields.get("normalize", True)),
                sampling=_sampling(fields.get("sampling") or {}),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError("protocol", f"speak frame: {type(error).__name__}") from None
        job._fits(facts)
        return job

    def _fits(self, facts: Mapping[str, Any]) -> None:
        if self.language not in facts["languages"]:
            raise EngineError("options", f"language {self.language[:16]}")
        if self.duration != 1.0 and "duration_factor" not in facts["fields"]:
            raise EngineError("options", "duration")
        if self.feeling is not None and self.feeling.kind is Emotion.VECTOR:
            length = facts["fields"]["emo_vector"]["length"]
            if len(self.feeling.vector) != length:
                raise EngineError("options", f"emotion vector of {len(self.feeling.vector)} instead of {length}")


def _feeling(fields: Mapping[str, Any] | None) -> Feeling | None:
    if fields is None:
        return None
    kind = Emotion(fields["kind"])
    alpha = _number(fields.get("alpha", 1.0))
    if kind is Emotion.VECTOR:
        return Feeling(kind, alpha, vector=tuple(_number(value) for value in fields["vector"]))
    if kind is Emotion.TEXT:
        return Feeling(kind, alpha, text=unmarked(spoken(fields["text"])) if fields.get("text") else None)
    return Feeling(kind, alpha, clip=Path(fields["path"]))


def _sampling(fields: Mapping[str, Any]) -> dict[str, float | int]:
    """Typed as the generator insists: it refuses a temperature of ``1``."""
    unknown = set(fields) - {*_WHOLE, *_FRACTIONS}
    if unknown:
        raise EngineError("options", f"sampling: {min(unknown)[:32]}")
    return {name: int(value) if name in _WHOLE else _number(value) for name, value in fields.items()}


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number
