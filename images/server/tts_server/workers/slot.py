"""One place for a worker: started there, watched, replaced, by the rules of its engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from tts_server.workers.launch import Launch
from tts_server.workers.worker import Worker, WorkerLost, WorkerRefused

_log = logging.getLogger(__name__)
_BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class SlotState(str, Enum):
    """What a slot's worker is up to; ``failed``: it waits for the next attempt; ``ended``: there will be none."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    ENDED = "ended"


class Unfit(Exception):
    """The slot cannot have a worker now; the sentence is for the log."""


class Keeper(Protocol):
    """The rules of an engine for its slots. ``False`` as an answer gives the slot up."""

    async def launch(self, slot: Slot) -> Launch:
        """How to start the next worker. Raises `Unfit`."""
        ...

    def phase(self, slot: Slot, name: str) -> None: ...

    def ready(self, slot: Slot, worker: Worker) -> None: ...

    def failed(self, slot: Slot, error: Exception) -> bool: ...

    def lost(self, slot: Slot, worker: Worker) -> bool: ...

    def spawned(self, slot: Slot) -> None:
        """The attempt that `launch` began is over, whatever became of it."""
        ...


class Slot:
    """Keeps one worker until it is told to stop.

    Attributes:
        worker: The one that is ready, or was.
        busy: It has a job.
        failures: Attempts and losses since the last job that went well.
        reason: What went wrong last.
    """

    def __init__(self, name: str, keeper: Keeper, changed: Callable[[], None]) -> None:
        self.name = name
        self.state = SlotState.STARTING
        self.worker: Worker | None = None
        self.busy = False
        self.reason = ""
        self.failures = 0
        self._keeper = keeper
        self._changed = changed
        self._task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether a worker is there that has said it is ready."""
        return self.state is SlotState.READY and self.worker is not None and not self.worker.ended

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the worker and keep no other."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._become(SlotState.ENDED, self.reason)
        if self.worker is not None:
            await self.worker.stop()

    async def discard(self) -> None:
        """The worker is no good any more; the slot starts another one."""
        if self.worker is not None:
            await self.worker.kill()

    async def _keep(self) -> None:
        again = True
        while again:
            try:
                worker = await self._spawn()
            except Exception as error:  # noqa: BLE001 - whatever it is, a slot goes on or says that it has ended
                if not isinstance(error, (WorkerLost, WorkerRefused, Unfit, OSError)):
                    _log.exception("a start broke off: engine=%s", self.name)
                again = await self._failed(error)
                continue
            self.worker = worker
            self._keeper.ready(self, worker)
            self._become(SlotState.READY, "")
            _log.info("worker ready: engine=%s pid=%d", self.name, worker.pid)
            began = time.monotonic()
            await worker.gone.wait()
            again = await self._lost(worker, time.monotonic() - began)
        self._become(SlotState.ENDED, self.reason)

    async def _spawn(self) -> Worker:
        try:
            launch = await self._keeper.launch(self)
            return await Worker.spawn(launch, lambda phase: self._keeper.phase(self, phase))
        finally:
            self._keeper.spawned(self)

    async def _failed(self, error: Exception) -> bool:
        _log.error("worker did not start: engine=%s reason=%s", self.name, error)
        again = self._keeper.failed(self, error)
        self._become(SlotState.FAILED if self.failures else self.state, str(error))
        if again:
            await self._back_off()
        return again

    async def _lost(self, worker: Worker, lived: float) -> bool:
        await worker.kill()
        reason = worker.how_it_ended()
        _log.warning("worker lost: engine=%s pid=%d %s after %.1f s", self.name, worker.pid, reason, lived)
        again = self._keeper.lost(self, worker)
        self._become(SlotState.RESTARTING, reason)
        if again:
            await self._back_off()
        return again

    async def _back_off(self) -> None:
        pause = _BACKOFF[min(self.failures, len(_BACKOFF) - 1)]
        self.failures += 1
        await asyncio.sleep(pause)

    def _become(self, state: SlotState, reason: str) -> None:
        self.state, self.reason = state, reason
        self._changed()
