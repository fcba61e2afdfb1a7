"""Where an engine's workers shall live: the devices there are, and why it is not another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy_kit.units import size
from tts_server.engines.status import Trouble
from tts_server.gpu.nvml import Gpu, Look
from tts_server.gpu.reservations import Reservation
from tts_server.placing import modes
from tts_server.placing.modes import Mode, Wish

_NVML_CODES = {
    "4": "GPU-NOT-ALLOWED", "9": "GPU-NOT-VISIBLE", "12": "GPU-NO-DRIVER", "15": "GPU-LOST",
    "18": "GPU-DRIVER-MISMATCH",
}  # fmt: skip


@dataclass(slots=True)
class Place:
    """Where one worker lives. ``level`` is the index of its mode: it rises when the device turns out too small.

    Attributes:
        gpu: None on a CPU.
        first: The first worker of its device: the others are extra, and nobody minds when they do not fit.
        phase: What the worker being started last said it does.
        trouble: Why the last attempt failed.
        reservation: The promise about the GPU's memory while a worker lives here.
    """

    device: str
    gpu: Gpu | None
    modes: tuple[Mode, ...]
    first: bool = True
    level: int = 0
    phase: str = ""
    trouble: Trouble | None = None
    reservation: Reservation | None = field(default=None, repr=False)

    @property
    def mode(self) -> Mode:
        return self.modes[self.level]

    def shrink(self) -> bool:
        """Go to the next smaller mode; False when this is the smallest."""
        if self.level + 1 >= len(self.modes):
            return False
        self.level += 1
        return True


@dataclass(frozen=True, slots=True)
class Placing:
    """The places, and why no GPU is among them (None when one is, or when nobody asked for one)."""

    places: tuple[Place, ...]
    why_no_gpu: Trouble | None = None


def place(engine: str, device: str, look: Look, excluded: Mapping[str, Trouble], wish: Wish, *, cuda: bool) -> Placing:
    """Decide, without touching a device.

    Args:
        device: What the user asked for: ``auto``, ``cuda`` or ``cpu``.
        excluded: GPUs that were judged before, by UUID.
        cuda: Whether the engine was built for CUDA.
    """
    on_cpu = (Place("cpu", None, modes.on_cpu(engine, wish)),)
    if device == "cpu" or (device == "auto" and not cuda):
        return Placing(on_cpu)
    found, why = [], _why_none(look) if cuda else Trouble("GPU-TORCH-CPU")
    for gpu in look.gpus if cuda else ():
        ladder = modes.on_gpu(engine, gpu, wish)
        if gpu.uuid in excluded:
            why = excluded[gpu.uuid]
        elif not ladder:
            why = no_room(gpu.name, modes.smallest(engine), gpu.total_bytes, 0)
        else:
            found += [
                Place("cuda", gpu, ladder, first=number == 0) for number in range(modes.workers_on(engine, gpu, wish))
            ]
    if found:
        return Placing(tuple(sorted(found, key=lambda one: not one.first)))
    if not look.gpus and excluded:
        why = next(iter(excluded.values()))
    return Placing(() if device == "cuda" else on_cpu, why)


def no_room(name: str, need: int, free: int, promised: int) -> Trouble:
    """A GPU with too little memory left, with the figures."""
    return Trouble.of("GPU-NO-ROOM", subject=name, need=size(need), free=size(free), promised=size(promised))


def no_memory(need: int, free: int, limit: int) -> Trouble:
    """A machine or container with too little memory left, with the figures."""
    return Trouble.of("HOST-NO-MEMORY", need=size(need), free=size(free), limit=size(limit))


def built_for_cuda(engine_python: str) -> bool:
    """What the engine's environment says of itself; True when it says nothing, for then the guard finds out."""
    try:
        text = (Path(engine_python).parent.parent / "deploykit.json").read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError):
        return True
    return not isinstance(document, dict) or document.get("cuda") is not None


def _why_none(look: Look) -> Trouble:
    if look.late:
        return Trouble("GPU-PROBE-HUNG", detail="NVML")
    if look.lost:
        return Trouble.of("GPU-LOST", subject=", ".join(look.lost))
    if not look.error:
        return Trouble("GPU-NOT-GIVEN")
    number = look.error.removeprefix("NVML ").partition(":")[0]
    return Trouble(_NVML_CODES.get(number, "GPU-NOT-VISIBLE"), detail=look.error)
