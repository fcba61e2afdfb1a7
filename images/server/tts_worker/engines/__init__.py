"""What an engine is to a worker, and which engines there are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

from deploy_kit.data import table

NAMES = ("espeak", *table("engines"))
FATAL = ("out_of_memory", "cuda")
"""Codes after which the process is worthless: its GPU context is poisoned, or memory is short."""


class EngineError(Exception):
    """The engine cannot do what was asked.

    ``code`` is stable; ``detail`` is for the log and never holds the user's text. Codes of a job: ``voice``, ``speed``,
    ``pitch``, ``protocol``, ``options``, ``emotion_text``, ``synthesis`` and those of `FATAL`. Codes of a load:
    ``library``, ``weights``, ``signature``, ``engine``, ``out_of_memory`` and the guard's ``GPU-…``.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Report(Protocol):
    """How an engine speaks of its loading."""

    def phase(self, name: str) -> None:
        """What begins now; a supervisor that runs out of patience names it."""
        ...

    def give_up(self, code: str, detail: str) -> None:
        """Refuse and end the process at once, from any thread; for work that hangs where no exception can end it."""
        ...


class Engine(Protocol):
    """One speech engine; used by one thread."""

    name: str
    rate: int

    def load(self, options: dict[str, Any], report: Report) -> dict[str, Any]:
        """Get ready; returns the fields of ``ready``. Raises `EngineError`."""
        ...

    def speak(self, fields: dict[str, Any], emit: Callable[[bytes], bool]) -> dict[str, Any]:
        """Do the job of a ``speak`` frame.

        Samples go to ``emit`` as they come; the engine stops soon after it answers False.

        Returns:
            What ``done`` says beside the length.

        Raises:
            EngineError: It cannot.
        """
        ...

    def close(self) -> None:
        """Give back what outlives the process."""
        ...


def create(name: str) -> Engine:
    """The engine of this name, not yet loaded."""
    module = importlib.import_module(f"tts_worker.engines.{'espeak' if name == 'espeak' else 'indextts'}")
    engine: Engine = module.create(name)
    return engine
