"""Samples to what a client gets: WAV headers, another rate, a file while it grows."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

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
    """Samples on their way into one file: small ones in memory, long ones in a nameless file of a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder) if folder else None)  # noqa: SIM115 - `close` does
        self.size = 0

    async def add(self, samples: bytes) -> None:
        self.size += len(samples)
        if self.size > _IN_MEMORY:
            await asyncio.to_thread(self._file.write, samples)
        else:
            self._file.write(samples)

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Everything that was added, from the start."""
        self._file.seek(0)
        while block := await asyncio.to_thread(self._file.read, _BLOCK):
            yield block

    def close(self) -> None:
        self._file.close()
