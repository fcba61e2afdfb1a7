"""Samples to what a client gets: WAV headers, another rate, a file while it grows."""

from __future__ import annotations

import asyncio
import os
import struct
import tempfile
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

PCM_RATE = 24_000
"""What OpenAI's clients expect of ``pcm``: 24 kHz, 16 bit, mono."""

_IN_MEMORY = 2 * 1024 * 1024
_BLOCK = 256 * 1024


def wav_header(data_bytes: int, rate: int) -> bytes:
    """The 44 bytes before mono 16-bit samples."""
    parts = (b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", data_bytes)
    return struct.pack("<4sI4s4sIHHIIHH4sI", *parts)


class Resampler:
    """Another rate for a stream of samples; keeps its state between the sentences."""

    def __init__(self, source: int, target: int) -> None:
        self._rates = (source, target)
        self._stream: Any = None

    async def feed(self, samples: bytes, *, last: bool = False) -> bytes:
        """The samples at the target rate (some stay inside until ``last``); works beside the loop."""
        if self._rates[0] == self._rates[1]:
            return samples
        return await asyncio.to_thread(self._feed, samples, last)

    def _feed(self, samples: bytes, last: bool) -> bytes:
        import numpy as np
        import soxr  # type: ignore[import-untyped]

        if self._stream is None:
            self._stream = soxr.ResampleStream(*self._rates, 1, dtype="int16")
        result: bytes = self._stream.resample_chunk(np.frombuffer(samples, dtype="<i2"), last=last).tobytes()
        return result


class Spool:
    """Samples on their way, written ahead of whoever takes them: few in memory, many in a nameless file of a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder) if folder else None)  # noqa: SIM115 - `close` does
        self._changed = asyncio.Condition()
        self._ended = False
        self.size = 0

    async def add(self, samples: bytes) -> None:
        """Append. Raises OSError when there is no room for it."""
        async with self._changed:
            await self._beside(self._append, samples)
            self.size += len(samples)
            self._changed.notify_all()

    async def end(self) -> None:
        """Nothing more will be added."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Everything from the start, as it comes, until the end."""
        taken = 0
        while True:
            async with self._changed:
                while self.size == taken and not self._ended:
                    await self._changed.wait()
                if self.size == taken:
                    return
                block = await self._beside(self._read, taken)
            taken += len(block)
            yield block

    def close(self) -> None:
        self._file.close()

    async def _beside(self, work: Callable[[T], R], value: T) -> R:
        """Beside the loop once a disk may be behind it."""
        return await asyncio.to_thread(work, value) if self.size > _IN_MEMORY - _BLOCK else work(value)

    def _append(self, samples: bytes) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(samples)
        self._file.flush()

    def _read(self, start: int) -> bytes:
        self._file.seek(start)
        return self._file.read(_BLOCK)
