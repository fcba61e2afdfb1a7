"""What NVML says about the GPUs. Every call may fail by itself, and any may hang: `look` keeps both from the loop."""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_SECONDS = 10.0
_UUIDS = ("GPU-", "MIG-")
_HIDDEN = ("", "-1", "void", "none", "NoDevFiles")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device that a worker can have for itself: a card, or a MIG slice. ``capability`` is None when unknown."""

    uuid: str
    name: str
    total_bytes: int
    free_bytes: int
    capability: tuple[int, int] | None

    @property
    def used_bytes(self) -> int:
        return self.total_bytes - self.free_bytes


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave. ``error`` is NVML's number and words when it could not answer at all; ``lost`` names
    devices that are listed but answer nothing; ``late`` means that it has not come back in time."""

    gpus: tuple[Gpu, ...] = ()
    lost: tuple[str, ...] = ()
    error: str = ""
    late: bool = False


class Nvml:
    """Looks at the GPUs in a thread of its own; while one hangs there, no second is sent after it."""

    def __init__(self, environment: Mapping[str, str] = os.environ, seconds: float = _SECONDS) -> None:
        self._environment = environment
        self._seconds = seconds
        self._running: asyncio.Future[Look] | None = None

    @property
    def forbidden(self) -> bool:
        """Whether this process was given no GPU, so that the driver is not touched.

        Where cards are handed in by CDI the variable stays void; ``TTS_GPUS`` then says that there are some.
        """
        if self._environment.get("TTS_GPUS"):
            return False
        told = self._environment.get("NVIDIA_VISIBLE_DEVICES")
        return told is not None and told.strip() in _HIDDEN

    async def look(self) -> Look:
        """The GPUs as they are now."""
        if self.forbidden:
            return Look()
        if self._running is None or self._running.done():
            self._running = _thread(lambda: _look(self._environment))
        done, _ = await asyncio.wait({self._running}, timeout=self._seconds)
        return self._running.result() if done else Look(error="no answer", late=True)


def _thread(work: Callable[[], Look]) -> asyncio.Future[Look]:
    """Run in a daemon thread: one that hangs in the driver must not hold up the exit."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Look] = loop.create_future()

    def give(look: Look) -> None:
        if not answer.done():
            answer.set_result(look)

    def run() -> None:
        look = work()
        try:
            loop.call_soon_threadsafe(give, look)
        except RuntimeError:
            return  # the loop has ended meanwhile

    threading.Thread(target=run, name="nvml", daemon=True).start()
    return answer


def _look(environment: Mapping[str, str]) -> Look:
    try:
        library = importlib.import_module("pynvml")
    except ImportError as error:
        return Look(error=type(error).__name__)
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        return Look(error=_words(error))
    try:
        return _devices(library, environment)
    except library.NVMLError as error:
        return Look(error=_words(error))
    finally:
        _asked(library, library.nvmlShutdown)


def _devices(library: Any, environment: Mapping[str, str]) -> Look:
    gpus, lost = [], []
    for index in range(library.nvmlDeviceGetCount()):
        for name, handle in _handles(library, index):
            gpu = _gpu(library, handle) if handle is not None else None
            if gpu is None:
                uuid = None if handle is None else _asked(library, partial(library.nvmlDeviceGetUUID, handle))
                lost.append(name if uuid is None else _text(uuid))
            elif _visible(environment, gpu.uuid, index):
                gpus.append(gpu)
    return Look(tuple(gpus), tuple(lost))


def _handles(library: Any, index: int) -> Iterator[tuple[str, Any]]:
    """The card, or its slices where it is cut into such."""
    card = _asked(library, lambda: library.nvmlDeviceGetHandleByIndex(index))
    slices = []
    if card is not None and (_asked(library, lambda: library.nvmlDeviceGetMigMode(card)[0]) or 0) == 1:
        count = _asked(library, lambda: library.nvmlDeviceGetMaxMigDeviceCount(card)) or 0
        ask = library.nvmlDeviceGetMigDeviceHandleByIndex
        found = [_asked(library, partial(ask, card, number)) for number in range(count)]
        slices = [one for one in found if one is not None]
    yield from ((f"{index}:{number}", one) for number, one in enumerate(slices))
    if not slices:
        yield str(index), card


def _gpu(library: Any, handle: Any) -> Gpu | None:
    uuid = _asked(library, lambda: _text(library.nvmlDeviceGetUUID(handle)))
    memory = _asked(library, lambda: library.nvmlDeviceGetMemoryInfo(handle))
    if uuid is None or memory is None:
        return None
    capability = _asked(library, lambda: library.nvmlDeviceGetCudaComputeCapability(handle))
    name = _asked(library, lambda: _text(library.nvmlDeviceGetName(handle)))
    pair = (int(capability[0]), int(capability[1])) if capability else None
    return Gpu(uuid, name or uuid, int(memory.total), int(memory.free), pair)


def _asked(library: Any, call: Callable[[], T]) -> T | None:
    """One answer; None where this device or driver gives none, which is ordinary."""
    try:
        return call()
    except (library.NVMLError, AttributeError, TypeError):
        return None


def _visible(environment: Mapping[str, str], uuid: str, index: int) -> bool:
    """Whether this device is ours: users hide cards by ``CUDA_VISIBLE_DEVICES``, the stack names its own by UUID."""
    told = environment.get("CUDA_VISIBLE_DEVICES")
    wanted = [word.strip() for word in told.split(",")] if told is not None else [uuid]
    ours = [word.strip() for word in environment.get("TTS_GPUS", "").split(",")]
    named = [word for word in ours if word.startswith(_UUIDS)] or [uuid]
    shown = any(word == str(index) or (word.startswith(_UUIDS) and uuid.startswith(word)) for word in wanted)
    return shown and any(uuid.startswith(word) for word in named)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _words(error: Any) -> str:
    return f"NVML {getattr(error, 'value', '?')}: {error}"
