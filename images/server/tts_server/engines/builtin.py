"""The built-in voice: one worker, always there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from deploy_kit.data import table
from tts_server.engines.status import EngineState, Trouble, described
from tts_server.start.ledger import Ledger
from tts_server.workers.launch import Deadlines, Launch
from tts_server.workers.pool import Pool
from tts_server.workers.slot import Slot, SlotState
from tts_server.workers.worker import Spoken, Worker, WorkerRefused

NAME = "espeak"
_PATIENCE = 5.0
"""Seconds that a job waits for a worker that is just being started."""

_STATES = {
    SlotState.STARTING: EngineState.STARTING,
    SlotState.READY: EngineState.READY,
    SlotState.RESTARTING: EngineState.RESTARTING,
    SlotState.FAILED: EngineState.FAILED,
    SlotState.ENDED: EngineState.STOPPED,
}


class Builtin:
    """Keeps the worker of the built-in voice, and moves the start's step ``worker`` on."""

    name = NAME
    device = "cpu"
    width = 1

    def __init__(self, ledger: Ledger) -> None:
        self.restarts: Counter[str] = Counter()
        self.rate = 0
        self._ledger = ledger
        self._pool = Pool(lambda: _PATIENCE)
        self._slot = Slot(NAME, self, self._pool.changed)
        self._pool.slots.append(self._slot)

    @property
    def state(self) -> EngineState:
        return _STATES[self._slot.state]

    @property
    def usable(self) -> bool:
        return self.state in (EngineState.READY, EngineState.RESTARTING)

    @property
    def fit(self) -> bool:
        return self.state is EngineState.READY

    @property
    def trouble(self) -> Trouble | None:
        return Trouble("worker", detail=self._slot.reason) if self._slot.reason else None

    @property
    def waiting(self) -> int:
        return self._pool.waiting

    def start(self) -> None:
        self._slot.start()

    async def stop(self) -> None:
        await self._pool.stop()

    def seconds(self, told: float) -> float:
        return told

    async def speak(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> Spoken:
        """One piece; see `tts_server.engines.status.Engine`."""
        return await self._pool.speak(fields, end, on_turn)

    def view(self, locale: str) -> dict[str, Any]:
        restarts = sum(self.restarts.values())
        return described(self.state, self.trouble, locale) | {"restarts": restarts, "queue": self.waiting}

    async def launch(self, slot: Slot) -> Launch:
        del slot
        return Launch(NAME, Deadlines(**table(NAME)["deadlines"]))

    def spawned(self, slot: Slot) -> None: ...

    def phase(self, slot: Slot, name: str) -> None:
        del slot
        self._ledger.start("worker", name)

    def ready(self, slot: Slot, worker: Worker) -> None:
        del slot
        self.rate = worker.rate
        self._ledger.finish("worker")

    def failed(self, slot: Slot, error: Exception) -> bool:
        del slot
        self.restarts["refused" if isinstance(error, WorkerRefused) else "crashed"] += 1
        self._ledger.fail("worker", f"failed: {error}")
        return True

    def lost(self, slot: Slot, worker: Worker) -> bool:
        del slot
        self.restarts["hung" if worker.hung else "crashed"] += 1
        return True
