"""A worker of IndexTTS, loaded and heard."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy_kit import wire
from deploy_kit.wire import Frame
from tests.support.line import ROOT, Line

__all__ = ["RATE", "ROOT", "Heard", "Peer", "loudness", "tone"]

RATE = 22_050


@dataclass
class Heard:
    """What came of a job: the last frame, the samples of each group of frames, and what was said on the way."""

    end: Frame
    samples: array[int]
    frames: list[array[int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @property
    def code(self) -> str | None:
        """The error's code; None for a job that was done."""
        return None if self.end.kind == "done" else str(self.end.fields["code"])

    @property
    def tone(self) -> float:
        return tone(self.samples)

    @property
    def loudness(self) -> float:
        return loudness(self.samples)


class Peer(Line):
    """A worker of IndexTTS. ``environment`` is added to a small one; ``PRETEND`` in it is a folder for PYTHONPATH."""

    def __init__(
        self,
        interpreter: str,
        engine: str,
        environment: Mapping[str, str],
        temporary: Path,
        package: Path | None = None,
    ) -> None:
        own = {"TMPDIR": str(temporary), "HOME": "/nonexistent", "OMP_NUM_THREADS": "2", **environment}
        pretend = own.pop("PRETEND", None)
        before, after = (pretend,) if pretend else (), (package,) if package else ()
        super().__init__(interpreter, engine, patience=120, environment=own, before=before, after=after)
        self._number = 0

    def load(self, model: Path, **changes: Any) -> Frame:
        """``ready`` or ``error``."""
        hello = self.until("hello")
        assert hello.fields["protocol"] == wire.PROTOCOL
        options: dict[str, Any] = {
            "device": "cpu",
            "model_dir": str(model),
            "half": False,
            "emotion_text": False,
            "threads": 2,
            "warm_up": str(model / "reference_voice.wav"),
        }
        self.send("load", **(options | changes))
        return self.until("ready", "error")

    def speak(self, text: str, reference: Path, **changes: Any) -> Heard:
        """Speak and hear it to its end."""
        self.begin(text, reference, **changes)
        return self.hear()

    def begin(self, text: str, reference: Path, **changes: Any) -> int:
        self._number += 1
        job: dict[str, Any] = {
            "id": self._number,
            "seconds": 60,
            "text": text,
            "language": "en",
            "reference": str(reference),
            "seed": 1,
            "pause": False,
            "emotion": None,
            "random": False,
            "duration": 1.0,
            "silence_ms": 200,
            "segment_tokens": 120,
            "normalize": True,
            "sampling": {},
        }
        self.send("speak", **(job | changes))
        return self._number

    def hear(self) -> Heard:
        end, parts = self.heard(self._number)
        return Heard(end, array("h", b"".join(parts)), [array("h", part) for part in parts])

    def exit_code(self) -> int:
        return self.process.wait(60)


def tone(samples: array[int]) -> float:
    """How often the wave rises through zero in a second: its pitch, for a plain tone."""
    rises = sum(1 for first, second in itertools.pairwise(samples) if first <= 0 < second)
    return rises / max(1e-9, len(samples) / RATE)


def loudness(samples: array[int]) -> float:
    """Root mean square, 0 … 1."""
    return float((sum(one * one for one in samples) / max(1, len(samples))) ** 0.5 / 32768)
