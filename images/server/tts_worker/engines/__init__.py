"""What an engine is to a worker, and which engines there are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

NAMES = ("espeak",)


class EngineError(Exception):
    """The engine cannot do what was asked.

    ``code`` is stable (``voice``, ``speed``, ``pitch``, ``library``, ``synthesis``, ``protocol``); ``detail`` is for
    the log and never holds the user's text.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Job:
    """One sentence to speak. ``voice`` is an id of the engine's table; ``pause``: another sentence follows."""

    text: str
    voice: str
    speed: float
    pitch: int
    pause: bool

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Job:
        """From the fields of a ``speak`` frame.

        Raises:
            EngineError: A field is missing or of another type.
        """
        try:
            return cls(
                str(fields["text"]),
                str(fields["voice"]),
                float(fields["speed"]),
                int(fields["pitch"]),
                bool(fields["pause"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError("protocol", f"speak frame: {type(error).__name__}") from None


class Engine(Protocol):
    """One speech engine; used by one thread."""

    name: str
    rate: int

    def load(self, options: dict[str, Any], phase: Callable[[str], None]) -> dict[str, Any]:
        """Get ready; returns the fields of ``ready``. Raises `EngineError`."""
        ...

    def speak(self, job: Job, emit: Callable[[bytes], bool]) -> None:
        """Hand samples to ``emit`` as they come and stop soon after it answers False. Raises `EngineError`."""
        ...


def create(name: str) -> Engine:
    """The engine of this name, not yet loaded."""
    module = importlib.import_module(f"tts_worker.engines.{name}")
    engine: Engine = module.create()
    return engine
