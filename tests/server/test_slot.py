"""A slot and what it does with a fault that nobody has thought of; a promise that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from tts_server import settings
from tts_server.gpu import reservations
from tts_server.gpu.nvml import Gpu, Nvml
from tts_server.gpu.reservations import Promise
from tts_server.placing.keeper import ModelKeeper
from tts_server.workers.launch import Launch
from tts_server.workers.slot import Slot, SlotState
from tts_server.workers.worker import Worker


class Broken:
    """Rules that fail, and note what they are told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def launch(self, slot: Slot) -> Launch:
        raise ZeroDivisionError

    def phase(self, slot: Slot, name: str) -> None: ...

    def ready(self, slot: Slot, worker: Worker) -> None: ...

    def failed(self, slot: Slot, error: Exception) -> bool:
        self.heard.append(type(error).__name__)
        return False

    def lost(self, slot: Slot, worker: Worker) -> bool:
        return False

    def spawned(self, slot: Slot) -> None: ...


def test_a_fault_of_our_own_ends_a_slot_aloud() -> None:
    async def keep() -> tuple[Slot, Broken]:
        keeper = Broken()
        slot = Slot("engine", keeper, lambda: None)
        slot.start()
        await asyncio.sleep(0.05)
        await slot.stop()
        return slot, keeper

    slot, keeper = asyncio.run(keep())

    assert slot.state is SlotState.ENDED
    assert keeper.heard == ["ZeroDivisionError"]


def test_a_promise_made_after_the_slot_was_stopped_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, reserve = threading.Event(), threading.Event(), reservations.reserve

    def slow(hub: Path, gpu: str, promise: Promise, free: int) -> object:
        begun.set()
        go_on.wait(10)
        return reserve(hub, gpu, promise, free)

    async def give_up() -> None:
        told = settings.read({"TTS_GPU_HUB": str(tmp_path), "TTS_ENGINE": "indextts-2.5"})
        keeper = ModelKeeper(told, "indextts-2.5", Nvml(), None, None)  # type: ignore[arg-type]
        gpu = Gpu("GPU-1", "card", 10, 10, None)
        job = asyncio.create_task(keeper._promise(gpu, Promise("a", "e", 6, 0)))
        await asyncio.to_thread(begun.wait, 10)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        go_on.set()
        await asyncio.sleep(0.2)

    monkeypatch.setattr(reservations, "reserve", slow)
    asyncio.run(give_up())

    assert reservations.living(tmp_path, "GPU-1") == ()
