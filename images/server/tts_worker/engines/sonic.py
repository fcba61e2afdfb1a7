"""Slower speech than espeak-ng can make: its chunks, stretched by libsonic with the pitch kept."""

from __future__ import annotations

import ctypes
from types import TracebackType
from typing import Self

from tts_worker.engines import EngineError

_NAME = "libsonic.so.0"
_BLOCK = 8192


class Stretcher:
    """A stream that plays ``factor`` times as fast (0 < factor < 1: slower). A context manager: it owns C memory."""

    def __init__(self, rate: int, factor: float) -> None:
        """Open it. Raises `EngineError` when the library is not installed or out of memory."""
        try:
            self._c = ctypes.CDLL(_NAME)
        except OSError as error:
            raise EngineError("library", str(error)) from None
        self._c.sonicCreateStream.restype = ctypes.c_void_p
        self._c.sonicSetSpeed.argtypes = [ctypes.c_void_p, ctypes.c_float]
        self._c.sonicSetSpeed.restype = None
        self._c.sonicWriteShortToStream.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._c.sonicReadShortFromStream.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._c.sonicFlushStream.argtypes = [ctypes.c_void_p]
        self._c.sonicDestroyStream.argtypes = [ctypes.c_void_p]
        self._c.sonicDestroyStream.restype = None
        self._stream = self._c.sonicCreateStream(rate, 1)
        if not self._stream:
            raise EngineError("synthesis", "sonicCreateStream failed")
        self._c.sonicSetSpeed(self._stream, factor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._c.sonicDestroyStream(self._stream)

    def feed(self, samples: bytes) -> bytes:
        """Put samples in; what is ready comes out (perhaps nothing yet)."""
        if not self._c.sonicWriteShortToStream(self._stream, samples, len(samples) // 2):
            raise EngineError("synthesis", "sonicWriteShortToStream failed")
        return self._drain()

    def rest(self) -> bytes:
        """Everything that is still inside."""
        self._c.sonicFlushStream(self._stream)
        return self._drain()

    def _drain(self) -> bytes:
        buffer = ctypes.create_string_buffer(_BLOCK * 2)
        parts = bytearray()
        while (count := self._c.sonicReadShortFromStream(self._stream, buffer, _BLOCK)) > 0:
            parts += buffer.raw[: count * 2]
        return bytes(parts)
