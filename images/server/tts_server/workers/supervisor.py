"""Keeps one worker of one engine alive: starts it, replaces it, hands out turns."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any

from tts_server.workers.worker import Deadlines, Worker, WorkerLate, WorkerLost, WorkerRefused

_log = logging.getLogger(__name__)
_BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_PATIENCE = 5.0
"""Seconds that a job waits for a worker that is just being started."""


class EngineState(str, Enum):
    """What a probe may know of an engine."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"


class NoWorker(Exception):
    """No worker could take the job in time."""


class Supervisor:
    """One engine's worker, always one; jobs get it in the order in which they asked.

    Attributes:
        restarts: Why workers were replaced: ``crashed``, ``hung``, ``refused`` → count.
        reason: Why the engine is not ready; empty when it is.
        on_phase: Told of each phase of a start.
    """

    def __init__(self, engine: str, deadlines: Deadlines, on_phase: Callable[[str], None] = lambda _: None) -> None:
        self.engine = engine
        self.state = EngineState.STARTING
        self.reason = ""
        self.restarts: Counter[str] = Counter()
        self.waiting = 0
        self.rate = 0
        self.on_phase = on_phase
        self.ready = asyncio.Event()
        self._deadlines = deadlines
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()
        self._jobs: set[asyncio.Task[bytes]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._failures = 0

    def start(self) -> None:
        """Begin to keep a worker."""
        self._watch = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the worker and stop keeping one."""
        self.state = EngineState.STOPPED
        self.ready.clear()
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        for job in self._jobs:
            job.cancel()
        if self._worker is not None:
            await self._worker.stop()

    async def speak(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> bytes:
        """Speak one sentence before ``end`` (monotonic); ``on_turn`` hears how many seconds the turn was waited for.

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

    def _forget(self, job: asyncio.Task[bytes]) -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()  # somebody has looked

    async def _take_turn(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> bytes:
        asked = time.monotonic()
        self.waiting += 1
        try:
            async with asyncio.timeout(max(0.0, end - asked)):
                await self._turn.acquire()
        except TimeoutError:
            raise WorkerLate("no turn in time") from None
        finally:
            self.waiting -= 1
        try:
            worker = await self._ready_worker(end)
            on_turn(time.monotonic() - asked)
            return await self._guarded(worker, fields, end)
        finally:
            self._turn.release()

    async def _guarded(self, worker: Worker, fields: dict[str, Any], end: float) -> bytes:
        try:
            samples = await worker.speak(fields, max(0.001, end - time.monotonic()))
        except WorkerLate:
            raise  # it has settled, or it was killed
        except WorkerLost:
            await worker.kill()
            raise
        self._failures = 0
        return samples

    async def _ready_worker(self, end: float) -> Worker:
        patience = min(_PATIENCE, max(0.0, end - time.monotonic()))
        try:
            async with asyncio.timeout(patience):
                while self._worker is None or self._worker.gone.is_set():
                    self.ready.clear()
                    await self.ready.wait()
        except TimeoutError:
            raise NoWorker(self.reason or self.state.value) from None
        return self._worker

    async def _keep(self) -> None:
        """Start a worker, wait for its end, wait a little longer after each failure, again."""
        while True:
            try:
                worker = await Worker.spawn(self.engine, self._deadlines, self.on_phase)
            except (WorkerLost, WorkerRefused, OSError) as error:
                await self._failed(error)
                continue
            self._worker, self.rate = worker, worker.rate
            self.state, self.reason = EngineState.READY, ""
            self.ready.set()
            _log.info("worker ready: engine=%s pid=%d", self.engine, worker.pid)
            self.on_phase("ready")
            began = time.monotonic()
            await worker.gone.wait()
            await self._lost(worker, time.monotonic() - began)

    async def _failed(self, error: Exception) -> None:
        self.reason = str(error)
        self.state = EngineState.FAILED if self._failures else self.state
        self.restarts["refused" if isinstance(error, WorkerRefused) else "crashed"] += 1
        _log.error("worker did not start: engine=%s reason=%s", self.engine, error)
        self.on_phase(f"failed: {error}")
        await self._back_off()

    async def _lost(self, worker: Worker, lived: float) -> None:
        self.ready.clear()
        await worker.kill()
        self.state, self.reason = EngineState.RESTARTING, worker.how_it_ended()
        self.restarts["hung" if worker.hung else "crashed"] += 1
        _log.warning("worker lost: engine=%s pid=%d %s after %.1f s", self.engine, worker.pid, self.reason, lived)
        await self._back_off()

    async def _back_off(self) -> None:
        pause = _BACKOFF[min(self._failures, len(_BACKOFF) - 1)]
        self._failures += 1
        await asyncio.sleep(pause)
