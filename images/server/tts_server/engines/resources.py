"""GPU memory and memory as `/readyz`, the metrics and the page show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tts_server.engines import memory

if TYPE_CHECKING:
    from tts_server.engines.team import Team


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU and what of its memory is in use; ``ours_bytes`` by this service's workers, at the most so far."""

    uuid: str
    name: str
    total_bytes: int
    used_bytes: int
    ours_bytes: int


def cards(team: Team | None) -> list[Card]:
    """The GPUs that NVML showed last."""
    model = team.model if team else None
    if model is None:
        return []
    ours: dict[str, int] = {}
    for place, slot in model.workers():
        if place.gpu is not None and slot.worker is not None and slot.alive:
            ours[place.gpu.uuid] = ours.get(place.gpu.uuid, 0) + slot.worker.vram_bytes
    return [Card(gpu.uuid, gpu.name, gpu.total_bytes, gpu.used_bytes, ours.get(gpu.uuid, 0)) for gpu in model.look.gpus]


def gpus(team: Team | None) -> list[dict[str, Any]]:
    """For `/readyz`."""
    return [
        {
            "uuid": card.uuid, "name": card.name, "total_bytes": card.total_bytes, "used_bytes": card.used_bytes,
            "ours_bytes": card.ours_bytes,
        }
        for card in cards(team)
    ]  # fmt: skip


def memory_view() -> dict[str, int]:
    """For `/readyz`."""
    found = memory.look()
    return {"limit_bytes": found.limit_bytes, "used_bytes": found.used_bytes}
