"""How a worker is started: its interpreter, its environment, what it is told to load, how long it may take."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SECRET = ("TTS_API_KEY", "TTS_HUB_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: start to ``hello``; ``load`` to ``ready``; between frames; after ``cancel``; after ``shutdown``."""

    hello: float
    load: float
    silence: float
    cancel: float
    shutdown: float


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of a worker.

    Attributes:
        engine: The engine it runs.
        deadlines: How long it may take for what.
        python: The interpreter.
        environment: Variables beside our own.
        load: The fields of ``load``.
        inherited: Open files that the worker keeps until it ends (its reservation).
    """

    engine: str
    deadlines: Deadlines
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    inherited: tuple[int, ...] = ()


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Our variables without those that name or hold a secret: a worker needs none."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SECRET)} | dict(more)
