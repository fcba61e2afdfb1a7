"""Which mode an engine runs in on which device: from the tables, no look at the machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deploy_kit.data import table
from tts_server.gpu.nvml import Gpu

_CHOICE = {"on": (True,), "off": (False,), "auto": (True, False)}


@dataclass(frozen=True, slots=True)
class Mode:
    """``bytes``: GPU memory at the worst, or memory of the machine on a CPU."""

    half: bool
    emotion_text: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user said: ``auto``, ``on`` or ``off``; ``workers`` 0 means as many as fit."""

    half: str
    emotion_text: str
    workers: int


def on_gpu(engine: str, gpu: Gpu, wish: Wish) -> tuple[Mode, ...]:
    """The modes to try on a card, the one that suits it first, then ever smaller ones; none when none fits."""
    document = table("engines")[engine]
    halves, emotions = _halves(document, gpu, wish), _CHOICE[wish.emotion_text]
    rows = (Mode(row["half"], row["emotion_text"], row["bytes"]) for row in document["memory"]["gpu"])
    possible = [mode for mode in rows if mode.half in halves and mode.emotion_text in emotions]
    fitting = sorted((mode for mode in possible if mode.bytes <= gpu.total_bytes), key=lambda mode: -mode.bytes)
    tier = _tier(document, gpu.total_bytes)
    wanted = (tier["half"], tier["emotion_text"]) if tier else (True, False)
    best = next((mode for mode in fitting if (mode.half, mode.emotion_text) == wanted), None)
    if best is None:  # the user wants another one than the table: the one that is nearest to it
        best = max(fitting, key=lambda mode: _likeness(mode, wanted), default=None)
    return tuple(mode for mode in fitting if best is not None and mode.bytes <= best.bytes)


def workers_on(engine: str, gpu: Gpu, wish: Wish) -> int:
    """How many workers a card of this size is meant for."""
    tier = _tier(table("engines")[engine], gpu.total_bytes)
    return wish.workers or (tier["workers"] if tier else 1)


def on_cpu(engine: str, wish: Wish) -> tuple[Mode, ...]:
    """The modes to try on a CPU: full precision, emotion by text only when it is asked for."""
    memory = table("engines")[engine]["memory"]["cpu"]
    emotion = wish.emotion_text == "on"
    return (
        Mode(half=False, emotion_text=emotion, bytes=memory["load_bytes"] + emotion * memory["emotion_text_bytes"]),
    )


def emotion_text(engine: str, gpus: Iterable[Gpu], wish: Wish) -> bool:
    """Whether the model for emotion by text is wanted, so that its files are worth fetching."""
    if wish.emotion_text != "auto":
        return wish.emotion_text == "on"
    return any(modes[0].emotion_text for gpu in gpus if (modes := on_gpu(engine, gpu, wish)))


def smallest(engine: str) -> int:
    """GPU memory below which nothing works."""
    return min(int(row["bytes"]) for row in table("engines")[engine]["memory"]["gpu"])


def host_bytes(engine: str, device: str, mode: Mode) -> int:
    """Memory of the machine that a load needs."""
    memory: dict[str, int] = table("engines")[engine]["memory"][device]
    return memory["load_bytes"] + mode.emotion_text * memory["emotion_text_bytes"]


def _halves(document: dict[str, Any], gpu: Gpu, wish: Wish) -> tuple[bool, ...]:
    """Cards that only emulate the half type are slower with it: full precision there, unless it is asked for."""
    needed = tuple(int(part) for part in document["half_needs_capability"].split("."))
    if wish.half == "auto" and gpu.capability is not None and gpu.capability < needed:
        return (False,)
    return _CHOICE[wish.half]


def _tier(document: dict[str, Any], total: int) -> dict[str, Any] | None:
    rows: list[dict[str, Any]] = [row for row in document["tiers"] if row["total_bytes_from"] <= total]
    return rows[-1] if rows else None


def _likeness(mode: Mode, wanted: tuple[bool, bool]) -> tuple[bool, bool, int]:
    return (mode.emotion_text == wanted[1], mode.half == wanted[0], -mode.bytes)
