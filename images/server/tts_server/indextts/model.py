"""One IndexTTS engine: licence, weights, device, workers, sleep. The order of its life, and what a probe sees of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from deploy_kit.data import table
from deploy_kit.errors import Failure
from tts_server.engines.status import EngineState, OutOfMemory, Progress, Trouble, described
from tts_server.gpu.nvml import Look, Nvml
from tts_server.indextts.weights import News, Weights
from tts_server.placing import modes, places
from tts_server.placing.keeper import ModelKeeper
from tts_server.placing.modes import Wish
from tts_server.placing.places import Place
from tts_server.settings import Settings
from tts_server.start.ledger import Ledger
from tts_server.workers.pool import Pool
from tts_server.workers.slot import Slot, SlotState
from tts_server.workers.worker import Spoken, WorkerLost, WorkerRefused

_log = logging.getLogger(__name__)
_TICK_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_AGAIN_SECONDS = 30.0
_SHORT_PATIENCE = 5.0
_CRASHES = 3
"""Workers that may crash on a GPU in a row before `auto` takes the CPU."""

_NO_SPACE = ("GPU-NO-ROOM", "GPU-OOM", "HOST-NO-MEMORY")


class Model:
    """Keeps one IndexTTS engine as available as its settings and this machine allow.

    Attributes:
        fallback: Why the CPU was taken although a GPU was hoped for; None otherwise.
        progress: Of the weights, while they are fetched.
        look: What NVML said last.
    """

    def __init__(self, name: str, settings: Settings, ledger: Ledger, warm_up: Callable[[], Awaitable[Path]]) -> None:
        self.name = name
        self.fallback: Trouble | None = None
        self.progress: Progress | None = None
        self.look = Look()
        self._settings = settings
        self._ledger = ledger
        self._table = table("engines")[name]
        self._wish = Wish(settings.half, settings.emotion_text, settings.workers)
        self._nvml = Nvml()
        self._weights = Weights(settings, name, News(self._unlicensed, self._fetching, self._not_fetched))
        self._keeper = ModelKeeper(settings, name, self._nvml, self, warm_up)
        self._pool = Pool(self._patience)
        self._stage: EngineState | None = EngineState.STARTING
        self._trouble: Trouble | None = None
        self._excluded: dict[str, Trouble] = {}
        self._device = "cpu" if settings.device == "cpu" else ""
        self._turn = asyncio.Event()
        self._wanted = False
        self._waking = False
        self._last_job = time.monotonic()
        self._folder = Path()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def state(self) -> EngineState:
        if self._stage is not None:
            return self._stage
        states = {slot.state for slot in self._pool.slots}
        if self._pool.alive:
            return EngineState.READY
        if SlotState.RESTARTING in states:
            return EngineState.RESTARTING
        return EngineState.FAILED if states == {SlotState.FAILED} else EngineState.LOADING

    @property
    def usable(self) -> bool:
        waking = self._waking and self.state is EngineState.LOADING
        return waking or self.state in (EngineState.READY, EngineState.ASLEEP)

    @property
    def fit(self) -> bool:
        return self.usable

    @property
    def emotion_text(self) -> bool:
        """Whether a worker can take emotion by text; of one that sleeps, whether it could."""
        ready = [place for place, slot in self.workers() if slot.alive]
        if ready:
            return all(place.mode.emotion_text for place in ready)
        return modes.emotion_text(self.name, self.look.gpus, self._wish)

    @property
    def small_card(self) -> bool:
        limit = self._table["segment"]["small_card"]["below_bytes"]
        return any(place.gpu is not None and place.gpu.total_bytes < limit for place, _ in self.workers())

    @property
    def trouble(self) -> Trouble | None:
        return None if self.state in (EngineState.READY, EngineState.ASLEEP, EngineState.LOADING) else self._trouble

    @property
    def device(self) -> str:
        return self._device

    @property
    def rate(self) -> int:
        return int(self._table["rate"])

    @property
    def width(self) -> int:
        return max(1, len(self._pool.alive))

    @property
    def waiting(self) -> int:
        return self._pool.waiting

    @property
    def restarts(self) -> Counter[str]:
        return self._keeper.restarts

    @property
    def downloaded(self) -> int:
        """Bytes of weights that arrived since the process began."""
        return self._weights.downloaded

    def workers(self) -> list[tuple[Place, Slot]]:
        """Where each worker lives, and the slot that keeps it."""
        return [(self._keeper.places[slot], slot) for slot in self._pool.slots if slot in self._keeper.places]

    def seconds(self, told: float) -> float:
        return told * float(self._table["slowness"].get(self._device or "cuda", 1))

    def retry_seconds(self) -> int:
        """When it is worth asking again."""
        if self.state is EngineState.FETCHING and self.progress is not None and self.progress.eta_seconds is not None:
            return int(min(3600, max(5, self.progress.eta_seconds)))
        return 10 if self.state in (EngineState.LOADING, EngineState.RESTARTING, EngineState.STARTING) else 60

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.stop()
        self._stage = EngineState.STOPPED
        self._keeper.clear()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    async def speak(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> Spoken:
        """One piece; see `tts_server.engines.status.Engine`. Out of memory gets one more try, in a smaller mode."""
        self._wake()
        try:
            return await self._try(fields, end, on_turn)
        except WorkerRefused as refused:
            if refused.code != "out_of_memory":
                raise
        _log.warning("out of memory while speaking, once more: engine=%s", self.name)
        try:
            return await self._try(fields, end, on_turn)
        except WorkerRefused as refused:
            if refused.code in ("out_of_memory", "emotion_text"):
                raise OutOfMemory(self._figures(refused.detail)) from None
            raise
        finally:
            self._last_job = time.monotonic()

    async def _try(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> Spoken:
        """One piece; a poisoned GPU context is the worker's end, not the request's fault."""
        try:
            return await self._pool.speak(fields, end, on_turn)
        except WorkerRefused as refused:
            if refused.code == "cuda":
                raise WorkerLost(f"cuda: {refused.detail}") from None
            raise

    def view(self, locale: str) -> dict[str, Any]:
        """Its part of `/readyz`."""
        return described(self.state, self.trouble, locale) | {
            "progress": self.progress.view() if self.state is EngineState.FETCHING and self.progress else None,
            "device": self._device or None,
            "workers": [
                {
                    "device": place.device, "gpu": place.gpu.uuid if place.gpu else None, "state": slot.state.value,
                    "phase": place.phase, "half": place.mode.half, "emotion_text": place.mode.emotion_text,
                    "vram_bytes": slot.worker.vram_bytes if slot.worker and slot.alive else 0,
                    "rss_bytes": slot.worker.rss_bytes if slot.worker and slot.alive else 0,
                }
                for place, slot in self.workers()
            ],
            "restarts": sum(self.restarts.values()),
            "queue": self.waiting,
        }  # fmt: skip

    def slot_ready(self, slot: Slot, place: Place) -> None:
        del slot
        self._device, self._waking, self._trouble = place.device, False, None
        self._last_job = time.monotonic()
        self._ledger.finish("engine")

    def slot_phase(self, slot: Slot, place: Place) -> None:
        del slot
        self._ledger.start("engine", place.phase)

    def slot_failed(self, slot: Slot, place: Place) -> bool:
        """What a start that failed means for the device; whether the slot may try again."""
        trouble = place.trouble or Trouble("crashed")
        self._waking = False
        if not place.first and trouble.code in _NO_SPACE:
            _log.info("no room for another worker: engine=%s %s", self.name, trouble.sentence("en"))
            self._turn.set()
            return False
        self._trouble = trouble
        self._ledger.fail("engine", trouble.code)
        if trouble.code == "weights":
            return False  # another try finds the same files: they are looked at first
        if place.gpu is None or not self._gives_up(slot, trouble):
            return True
        self._excluded[place.gpu.uuid] = trouble
        self._turn.set()
        return False

    def _gives_up(self, slot: Slot, trouble: Trouble) -> bool:
        """Whether a GPU is done with: by a verdict always; for lack of room, or by crashes, where a CPU will do."""
        anywhere = self._settings.device == "auto"
        if trouble.code in _NO_SPACE:
            return anywhere and trouble.code != "HOST-NO-MEMORY"
        if trouble.code.startswith("GPU-"):
            return True
        return anywhere and trouble.code in ("crashed", "late") and slot.failures + 1 >= _CRASHES

    def _wake(self) -> None:
        self._last_job = time.monotonic()
        if self._stage is EngineState.ASLEEP:
            self._wanted = self._waking = True
            self._turn.set()

    def _patience(self) -> float:
        """How long a job waits while there is no worker: as long as one takes to load, when one is being loaded."""
        if self._waking or self.state in (EngineState.LOADING, EngineState.RESTARTING):
            return float(self._table["deadlines"][self._device or "cuda"]["load"])
        return 0.0 if self._stage in (EngineState.REFUSED, EngineState.FAILED) else _SHORT_PATIENCE

    async def _live(self) -> None:
        if self._settings.engine_python is None:
            self._fail(Trouble("no_engine"), EngineState.FAILED)
            return
        while True:
            try:
                await self._drop(list(self._pool.slots))
                got = await self._bring_weights()
                await self._settle()
                await self._tend_while_weights()
                if await self._weights.lacking(emotion_text=got):
                    continue
            except Failure as failure:
                self._fail(Trouble(failure.finding.code, failure.finding.args), EngineState.FAILED)
            except OSError as error:
                self._fail(Trouble("engine", detail=error.strerror or type(error).__name__), EngineState.FAILED)
            except Exception as error:  # noqa: BLE001 - a fault of ours must show in the probes, not end this in silence
                _log.exception("%s cannot be brought up", self.name)
                self._fail(Trouble("engine", detail=type(error).__name__), EngineState.FAILED)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _tend_while_weights(self) -> None:
        """Look after the workers; return when none is left because a file of the weights is gone or damaged."""
        while self._pool.slots or self._trouble is None or self._trouble.code != "weights":
            await self._turn.wait()
            self._turn.clear()
            await self._tend()

    async def _bring_weights(self) -> bool:
        """Make the model directory; whether emotion by text is in it."""
        await self._look()
        wanted = modes.emotion_text(self.name, self.look.gpus if self._cuda else (), self._wish)
        insist = self._wish.emotion_text == "on"
        self._ledger.start("weights")
        got = await self._weights.ready(emotion_text=wanted, insist=insist)
        if not got and not insist:
            self._wish = Wish(self._wish.half, "off", self._wish.workers)
        self._ledger.finish("weights")
        self.progress = None
        if self._folder == Path():
            self._folder = Path(tempfile.mkdtemp(prefix="deploykit-model-"))
        self._keeper.model_folder = await asyncio.to_thread(self._weights.view, self._folder, emotion_text=got)
        return got

    @property
    def _cuda(self) -> bool:
        """Whether a GPU is looked for at all."""
        told = self._settings
        return told.device != "cpu" and places.built_for_cuda(told.engine_python or "")

    async def _look(self) -> None:
        if self._cuda:
            self.look = await self._nvml.look()

    async def _settle(self) -> None:
        """Choose the devices, and start a worker in each place."""
        self._wanted = False
        await self._look()
        found = places.place(
            self.name, self._settings.device, self.look, self._excluded, self._wish, cuda=self._cuda
        )  # fmt: skip
        if not found.places:
            self._fail(found.why_no_gpu or Trouble("GPU-NOT-GIVEN"), EngineState.REFUSED)
            return
        self._fall_back(found.why_no_gpu)
        self._stage, self._device = None, found.places[0].device
        self._ledger.start("engine")
        for place in found.places:
            slot = Slot(self.name, self._keeper, self._changed)
            self._keeper.places[slot] = place
            self._pool.slots.append(slot)
            slot.start()

    def _fall_back(self, why: Trouble | None) -> None:
        self.fallback = why
        if why is not None:
            locale = self._settings.locale
            sentences = " ".join(filter(None, (why.sentence(locale, part) for part in ("what", "why", "remedy"))))
            _log.error("%s runs on the CPU instead of a GPU: %s %s", self.name, why.code, " ".join(sentences.split()))

    def _changed(self) -> None:
        self._pool.changed()
        if any(slot.state is SlotState.ENDED for slot in self._pool.slots):
            self._turn.set()

    async def _tend(self) -> None:
        """Put right what has changed since the last look: nobody else adds or removes workers."""
        if self._stage is EngineState.ASLEEP:
            if self._wanted:
                await self._settle()
            return
        if self._stage is not None:
            return
        if self._idle():
            _log.info(
                "nobody asked for %.0f s, stopping the workers: engine=%s", self._settings.idle_seconds, self.name
            )
            self._stage = EngineState.ASLEEP
            await self._drop(list(self._pool.slots))
            return
        ended = [slot for slot in self._pool.slots if slot.state is SlotState.ENDED]
        if ended:
            useless = self._trouble is not None and self._trouble.code in ("signature", "weights")
            await self._drop(ended)
            if not self._pool.slots and useless and self._trouble is not None:
                self._fail(self._trouble, EngineState.FAILED)
            elif not self._pool.slots:
                await self._settle()

    async def _drop(self, slots: list[Slot]) -> None:
        await self._pool.drop(slots)
        self._keeper.forget(slots)

    def _idle(self) -> bool:
        limit = self._settings.idle_seconds
        quiet = not self._pool.busy and self.state is EngineState.READY
        return limit > 0 and quiet and time.monotonic() - self._last_job > limit

    async def _watch(self) -> None:
        """Notice what no worker says: time without a request, a GPU that is gone."""
        seen = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if self._pool.busy:
                self._last_job = time.monotonic()
            if self._idle():
                self._turn.set()
            if time.monotonic() - seen >= _LOOK_SECONDS:
                seen = time.monotonic()
                with contextlib.suppress(OSError):
                    await self._look_after()

    async def _look_after(self) -> None:
        if all(place.gpu is None for place, _ in self.workers()):
            return  # a driver that nobody uses is left asleep
        await self._look()
        there = {gpu.uuid for gpu in self.look.gpus}
        for place, slot in self.workers():
            self._keeper.note_use(slot)
            if place.gpu is not None and slot.alive and not self.look.late and place.gpu.uuid not in there:
                _log.error("GPU lost: %s %s", place.gpu.name, self.look.error)
                await slot.discard()

    def _figures(self, detail: str) -> Trouble:
        place = next((place for place, _ in self.workers()), None)
        if place is None or place.gpu is None:
            return Trouble("out_of_memory", detail=detail)
        free = next((gpu.free_bytes for gpu in self.look.gpus if gpu.uuid == place.gpu.uuid), 0)
        return places.no_room(place.gpu.name, place.mode.bytes, free, 0)

    def _fail(self, trouble: Trouble, state: EngineState) -> None:
        self._stage, self._trouble, self.fallback, self._waking = state, trouble, None, False
        self._pool.changed()  # who waits for a worker that is not coming need not wait any longer
        for step in ("weights", "engine"):
            self._ledger.fail(step, trouble.code)
        _log.error("%s is %s: %s %s", self.name, state.value, trouble.code, trouble.sentence(self._settings.locale))

    def _unlicensed(self) -> None:
        if self._stage is not EngineState.UNLICENSED:
            self._fail(Trouble("unlicensed"), EngineState.UNLICENSED)

    def _fetching(self, progress: Progress) -> None:
        self._stage, self.progress = EngineState.FETCHING, progress
        self._ledger.move("weights", progress.done_bytes, progress.total_bytes, progress.eta_seconds)

    def _not_fetched(self, trouble: Trouble | None, passing: bool) -> None:
        self._trouble = trouble
        self._stage = EngineState.FETCHING if passing else EngineState.FAILED
        if trouble is None:
            self._ledger.start("weights")
        elif not passing:
            self._ledger.fail("weights", trouble.code)
