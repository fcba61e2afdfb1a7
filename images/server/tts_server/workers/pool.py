"""The workers of one engine: jobs get them in the order in which they asked, whichever is free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tts_server.workers.slot import Slot
from tts_server.workers.worker import Spoken, Worker, WorkerLate, WorkerLost, WorkerRefused


class NoWorker(Exception):
    """No worker could take the job in time."""


class Pool:
    """Hands jobs to the workers of slots.

    Args:
        patience: Seconds that a job waits while no worker is there at all.

    Attributes:
        slots: One place for a worker each; whoever owns the pool adds and removes them.
        waiting: Jobs that wait for their turn.
    """

    def __init__(self, patience: Callable[[], float]) -> None:
        self.slots: list[Slot] = []
        self.waiting = 0
        self._patience = patience
        self._line = asyncio.Lock()
        self._jobs: set[asyncio.Task[Spoken]] = set()
        self._news = asyncio.Event()

    @property
    def alive(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.alive]

    @property
    def busy(self) -> bool:
        return self.waiting > 0 or bool(self._jobs)

    def changed(self) -> None:
        """A slot's state is another one."""
        self._news.set()

    async def stop(self) -> None:
        """End all workers; jobs that run are given up."""
        for job in self._jobs:
            job.cancel()
        await self.drop(list(self.slots))

    async def drop(self, slots: list[Slot]) -> None:
        """End these slots' workers and forget them."""
        await asyncio.gather(*(slot.stop() for slot in slots))
        self.slots = [slot for slot in self.slots if slot not in slots]
        self.changed()

    async def speak(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> Spoken:
        """Speak one piece before ``end`` (monotonic); ``on_turn`` hears how many seconds the turn was waited for.

        Raises:
            NoWorker: None was ready in time.
            WorkerLost, WorkerLate: The worker broke, or time is over; another one is on its way.
            WorkerRefused: The engine cannot do this job.
        """
        job = asyncio.create_task(self._take_turn(fields, end, on_turn))
        self._jobs.add(job)
        job.add_done_callback(self._forget)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            job.cancel()  # the job itself calms the worker down before it gives the turn away
            raise

    def _forget(self, job: asyncio.Task[Spoken]) -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()  # somebody has looked

    async def _take_turn(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> Spoken:
        asked = time.monotonic()
        slot, worker = await self._turn(end)
        try:
            on_turn(time.monotonic() - asked)
            spoken = await self._guarded(worker, fields, end)
            slot.failures = 0
            return spoken
        finally:
            slot.busy = False
            self.changed()

    async def _turn(self, end: float) -> tuple[Slot, Worker]:
        self.waiting += 1
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                await self._line.acquire()
        except TimeoutError:
            raise WorkerLate("no turn in time") from None
        finally:
            self.waiting -= 1
        self.waiting += 1
        try:
            return await self._free_slot(end)
        finally:
            self.waiting -= 1
            self._line.release()

    async def _free_slot(self, end: float) -> tuple[Slot, Worker]:
        """The first in line waits here: as long as it may for a busy worker, only so long when there is none."""
        alone = time.monotonic()
        while True:
            self._news.clear()
            for slot in self.slots:
                if slot.alive and not slot.busy and slot.worker is not None:
                    slot.busy = True
                    return slot, slot.worker
            now = time.monotonic()
            alone = now if self.alive else alone
            left = min(end, end if self.alive else alone + self._patience()) - now
            if left <= 0 and self.alive:
                raise WorkerLate("no turn in time")
            if left <= 0:
                raise NoWorker(next((slot.reason for slot in self.slots if slot.reason), "no worker"))
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                continue  # the next look says why

    async def _guarded(self, worker: Worker, fields: dict[str, Any], end: float) -> Spoken:
        try:
            return await worker.speak(fields, max(0.001, end - time.monotonic()))
        except WorkerLate:
            raise  # it has settled, or it was killed
        except WorkerLost:
            await worker.kill()
            raise
        except WorkerRefused:
            if worker.fatal:
                await worker.kill()
            raise
