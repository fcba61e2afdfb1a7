"""What an engine needs of a host, from the table: memory, room, and what to expect of it."""

from __future__ import annotations

from typing import Any

from deploy_kit.data import table

BUILT_IN = "espeak"
_BUILT_IN_LIMIT = 1 << 30
_BUILT_IN_PIDS = 256


def row(engine: str) -> dict[str, Any] | None:
    """The engine's row, None for the built-in voice, which needs next to nothing."""
    found: dict[str, Any] | None = table("engines").get(engine)
    return found


def memory_limit(engine: str, device: str, *, workers: int = 1, emotion_text: bool = False) -> int:
    """The memory that a container of this engine gets, bytes."""
    needs = row(engine)
    if needs is None:
        return _BUILT_IN_LIMIT
    rows = needs["memory"]
    extra = rows["cuda"]["worker_bytes"] if device == "cuda" else rows["cpu"]["load_bytes"]
    emotion = rows["cpu"]["emotion_text_bytes"] if emotion_text and device == "cpu" else 0
    return int(rows[device]["limit_bytes"] + emotion + (max(workers, 1) - 1) * extra)


def memory_load(engine: str, device: str) -> int:
    """The least memory in which one model of this engine loads beside the server, bytes."""
    needs = row(engine)
    if needs is None:
        return int(table("compat")["memory_floor_bytes"])
    return int(needs["memory"][device]["load_bytes"] + needs["memory"]["server_bytes"])


def pids(engine: str) -> int:
    """How many processes and threads a container of this engine may have."""
    needs = row(engine)
    return _BUILT_IN_PIDS if needs is None else int(needs["memory"]["pids"])


def card_memory(engine: str) -> int:
    """The least memory of a card that the engine can use at all, bytes."""
    needs = row(engine)
    return 0 if needs is None else int(needs["memory"]["gpu"][0]["bytes"])


def smallest_card(engine: str) -> int:
    """The least total memory of a card that the engine can use, as cards report it, bytes."""
    needs = row(engine)
    return 0 if needs is None else int(needs["tiers"][0]["total_bytes_from"])


def workers(engine: str, totals: tuple[int | None, ...], asked: int) -> int:
    """How many copies of the model will be loaded on cards with this much memory."""
    needs = row(engine)
    if needs is None:
        return 1
    if asked:
        return max(asked, len(totals), 1)
    return max(sum(_workers(needs, total) for total in totals), 1)


def _workers(needs: dict[str, Any], total: int | None) -> int:
    fitting = [tier["workers"] for tier in needs["tiers"] if total is not None and tier["total_bytes_from"] <= total]
    return int(fitting[-1]) if fitting else 1


def weights_bytes(engine: str) -> int:
    """The room that the weights take on disk, bytes; 0 for the built-in voice."""
    needs = row(engine)
    return 0 if needs is None else int(needs["cost"]["disk_bytes"])


def fetch_bytes(engine: str) -> int:
    """What has to be fetched before the engine can speak, bytes."""
    needs = row(engine)
    return 0 if needs is None else int(needs["cost"]["fetch_bytes"])


def slowness(engine: str, device: str) -> float:
    """How many times longer than on a card a request may take; 1 for the built-in voice."""
    needs = row(engine)
    return 1.0 if needs is None else float(needs["slowness"][device])


def real_time_factor(engine: str, device: str) -> float:
    """Seconds of computing for a second of sound, roughly."""
    needs = row(engine)
    return 0.01 if needs is None else float(needs["real_time_factor"][device])
