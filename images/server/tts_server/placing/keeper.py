"""The rules for IndexTTS's workers: a mode that fits, a promise about the GPU's memory, what a failure means."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from deploy_kit.data import table
from tts_server.engines import cores, memory
from tts_server.engines.status import Trouble
from tts_server.gpu import reservations
from tts_server.gpu.nvml import Gpu, Nvml
from tts_server.gpu.reservations import Busy, Promise
from tts_server.placing import modes
from tts_server.placing.places import Place, no_memory, no_room
from tts_server.settings import Settings
from tts_server.workers.launch import Deadlines, Launch
from tts_server.workers.pool import NoWorker
from tts_server.workers.slot import Slot, Unfit
from tts_server.workers.worker import Worker, WorkerLate, WorkerLost, WorkerRefused

_log = logging.getLogger(__name__)
_Promised = tuple[reservations.Reservation | None, reservations.Room]
_FOREVER = ("signature",)
"""Errors of a load that no other attempt will heal."""


class Owner(Protocol):
    """Who is told what becomes of the slots."""

    def slot_ready(self, slot: Slot, place: Place) -> None: ...

    def slot_failed(self, slot: Slot, place: Place) -> bool:
        """Whether the slot may try again."""
        ...

    def slot_phase(self, slot: Slot, place: Place) -> None: ...


class ModelKeeper:
    """Starts the workers of one IndexTTS engine, one after the other: each looks at what the others left.

    Attributes:
        places: Where each slot's worker lives.
        restarts: Why workers were replaced: ``crashed``, ``hung``, ``refused``, ``out_of_memory``, ``cuda`` → count.
    """

    def __init__(
        self, settings: Settings, engine: str, nvml: Nvml, owner: Owner, warm_up: Callable[[], Awaitable[Path]]
    ) -> None:
        self.places: dict[Slot, Place] = {}
        self.restarts: Counter[str] = Counter()
        self.model_folder = Path()
        self.warm_up = warm_up
        self._settings = settings
        self._engine = engine
        self._nvml = nvml
        self._owner = owner
        self._gate = asyncio.Lock()
        self._loading: Slot | None = None
        self._hub: Path | None = settings.gpu_hub

    @property
    def _threads(self) -> int:
        return self._settings.threads or cores.count()

    def clear(self) -> None:
        """Remove what was made for this process alone."""
        if self._hub is not None and self._settings.gpu_hub is None:
            shutil.rmtree(self._hub, ignore_errors=True)

    def forget(self, slots: list[Slot]) -> None:
        """These slots have ended; what they promised is free."""
        for slot in slots:
            place = self.places.pop(slot, None)
            if place is not None:
                _release(place)

    async def launch(self, slot: Slot) -> Launch:
        """How to start the slot's next worker, after a look at whether it fits. Raises `Unfit`."""
        await self._gate.acquire()
        self._loading = slot
        place = self.places[slot]
        place.trouble, place.phase = None, ""
        inherited: tuple[int, ...] = ()
        await self._fits_machine(place)
        if place.gpu is not None:
            place.reservation = await self._reserve(place)
            inherited = (place.reservation.handle,) if place.reservation is not None else ()
        deadlines = Deadlines(**table("engines")[self._engine]["deadlines"][place.device])
        python = self._settings.engine_python or ""
        return Launch(self._engine, deadlines, python, self._environment(place), await self._load(place), inherited)

    def spawned(self, slot: Slot) -> None:
        """The attempt is over: the worker holds the promise now, or nobody does."""
        if self._loading is slot:
            self._loading = None
            self._gate.release()
        place = self.places.get(slot)
        if place is not None and place.reservation is not None:
            place.reservation.handed_over()

    def phase(self, slot: Slot, name: str) -> None:
        self.places[slot].phase = name
        self._owner.slot_phase(slot, self.places[slot])

    def ready(self, slot: Slot, worker: Worker) -> None:
        place = self.places[slot]
        self.note_use(slot)
        _log.info(
            "loaded: engine=%s device=%s half=%s emotion_text=%s vram=%d rss=%d",
            self._engine, worker.told.get("device"), worker.told.get("half"), worker.told.get("emotion_text"),
            worker.vram_bytes, worker.rss_bytes,
        )  # fmt: skip
        self._owner.slot_ready(slot, place)

    def failed(self, slot: Slot, error: Exception) -> bool:
        """What to do after a worker that did not start."""
        place = self.places[slot]
        _release(place)
        if place.trouble is None:  # not refused by ourselves
            self.restarts["refused" if isinstance(error, WorkerRefused) else "crashed"] += 1
            if isinstance(error, WorkerRefused) and error.code == "out_of_memory" and place.shrink():
                _log.warning("load ran out of memory, trying a smaller mode: engine=%s", self._engine)
                slot.failures = 0
                return True
            place.trouble = self._meaning(place, error)
        return self._owner.slot_failed(slot, place) and place.trouble.code not in _FOREVER

    def lost(self, slot: Slot, worker: Worker) -> bool:
        """What to do after a worker that ended: always another one; its load judges the device again."""
        place = self.places[slot]
        _release(place)
        self.restarts[worker.fatal or ("hung" if worker.hung else "crashed")] += 1
        if worker.fatal == "out_of_memory" and place.shrink():
            _log.warning("out of memory: the next worker gets a smaller mode: engine=%s", self._engine)
        return True

    def note_use(self, slot: Slot) -> None:
        """Tell the other stacks what the slot's worker has been seen to use."""
        place, worker = self.places.get(slot), slot.worker
        if place is not None and place.reservation is not None and worker is not None and worker.vram_bytes:
            place.reservation.used(worker.vram_bytes)

    def _meaning(self, place: Place, error: Exception) -> Trouble:
        """The trouble behind an error of a start."""
        if isinstance(error, WorkerRefused):
            if error.code == "out_of_memory":
                return Trouble("GPU-OOM" if place.gpu else "out_of_memory", detail=error.detail)
            return Trouble(error.code, detail=error.detail)
        judging = place.phase.startswith("guard")
        if isinstance(error, WorkerLate):
            return Trouble("GPU-PROBE-HUNG" if judging else "late", detail=str(error))
        return Trouble("GPU-PROBE-CRASHED" if judging else "crashed", detail=str(error))

    async def _fits_machine(self, place: Place) -> None:
        found = await asyncio.to_thread(memory.look)
        while (need := modes.host_bytes(self._engine, place.device, place.mode)) > found.free_bytes:
            if place.gpu is None and place.shrink():
                continue
            place.trouble = no_memory(need, found.free_bytes, found.limit_bytes)
            raise Unfit(place.trouble.sentence("en"))

    async def _reserve(self, place: Place) -> reservations.Reservation | None:
        """A promise for the largest mode that fits. Raises `Unfit`."""
        assert place.gpu is not None
        look = await self._nvml.look()
        gpu = next((one for one in look.gpus if one.uuid == place.gpu.uuid), None)
        if gpu is None:
            code = "GPU-PROBE-HUNG" if look.late else "GPU-LOST"
            place.trouble = Trouble.of(code, look.error or place.gpu.uuid, subject=place.gpu.name)
            raise Unfit(place.trouble.sentence("en"))
        while True:
            promise = Promise(socket.gethostname(), self._engine, place.mode.bytes, 0)
            try:
                made, room = await self._promise(gpu, promise)
            except (OSError, Busy) as error:
                _log.warning("GPU memory cannot be reserved: %s", error)
                return None
            if made is not None:
                return made
            if not place.shrink():
                place.trouble = no_room(gpu.name, room.need, room.free, room.promised)
                raise Unfit(place.trouble.sentence("en"))

    async def _promise(self, gpu: Gpu, promise: Promise) -> _Promised:
        work = asyncio.create_task(
            asyncio.to_thread(reservations.reserve, self._folder(), gpu.uuid, promise, gpu.free_bytes)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_take_back)  # the thread goes on
            raise

    def _folder(self) -> Path:
        """Where stacks meet; one of our own when they do not, so that our workers see each other's promises."""
        if self._hub is None:
            self._hub = Path(tempfile.mkdtemp(prefix="deploykit-gpu-"))
        return self._hub

    def _environment(self, place: Place) -> dict[str, str]:
        return {
            "OMP_NUM_THREADS": str(self._threads),
            "CUDA_VISIBLE_DEVICES": place.gpu.uuid if place.gpu else "",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "USE_MODELSCOPE": "false",
        }

    async def _load(self, place: Place) -> dict[str, Any]:
        return {
            "device": place.device, "model_dir": str(self.model_folder), "half": place.mode.half,
            "emotion_text": place.mode.emotion_text, "threads": self._threads,
            "warm_up": await self._clip(place),
        }  # fmt: skip

    async def _clip(self, place: Place) -> str:
        """A clip for the first sentence. Raises `Unfit`."""
        try:
            return str(await self.warm_up())
        except (NoWorker, WorkerLost, WorkerRefused, OSError) as error:
            place.trouble = Trouble("no_clip", detail=type(error).__name__)
            raise Unfit(place.trouble.sentence("en")) from None


def _take_back(work: asyncio.Task[_Promised]) -> None:
    """A promise that nobody waits for any more must not stand as long as this process."""
    if not work.cancelled() and work.exception() is None and (made := work.result()[0]) is not None:
        made.handed_over()
        made.forget()


def _release(place: Place) -> None:
    if place.reservation is not None:
        place.reservation.forget()
        place.reservation = None
