"""The part of libespeak-ng that is used, by ctypes, in synchronous mode."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from tts_worker.engines import EngineError

_SYNCHRONOUS = 2
_CHUNK_MILLISECONDS = 250
_DO_NOT_EXIT = 0x8000
_UTF8 = 0x01
_END_PAUSE = 0x1000
_POSITION_CHARACTER = 1

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Parameter(IntEnum):
    """Parameters of the library that a request could have changed (numbers of ``espeak_PARAMETER``)."""

    RATE = 1
    VOLUME = 2
    PITCH = 3
    RANGE = 4
    PUNCTUATION = 5
    CAPITALS = 6
    WORD_GAP = 7


class Library:
    """One opened library. It has global state, so a process may have only one.

    Attributes:
        rate: Samples a second.
        version: As the library names it.
    """

    def __init__(self, name: str) -> None:
        """Open it. Raises `EngineError` when it, or its data, is not installed."""
        try:
            self._c = ctypes.CDLL(name)
        except OSError as error:
            raise EngineError("library", str(error)) from None
        self._declare()
        self.rate = int(self._c.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MILLISECONDS, None, _DO_NOT_EXIT))
        if self.rate <= 0:
            raise EngineError("library", "espeak_Initialize failed: is espeak-ng-data installed?")
        path = ctypes.c_char_p()
        self.version = self._c.espeak_Info(ctypes.byref(path)).decode()
        self._data = Path((path.value or b"").decode())
        self._emit: Callable[[bytes], bool] | None = None
        self._failure: BaseException | None = None
        self._callback = _Callback(self._receive)  # kept: the library holds only a bare pointer to it
        self._c.espeak_SetSynthCallback(self._callback)

    def _declare(self) -> None:
        c = self._c
        c.espeak_Info.restype = ctypes.c_char_p
        c.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        c.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        c.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip

    def select(self, voice: str, variant: str | None) -> None:
        """Choose the voice. Raises `EngineError` when the library does not have it.

        The library refuses an unknown voice but takes an unknown variant silently, so the variant's file is looked up.
        """
        if variant is not None and not (self._data / "voices" / "!v" / variant).is_file():
            raise EngineError("voice", f"no variant {variant}")
        name = voice if variant is None else f"{voice}+{variant}"
        if self._c.espeak_SetVoiceByName(name.encode()) != 0:
            raise EngineError("voice", f"no voice {name}")

    def reset(self, parameter: Parameter) -> None:
        """Give a parameter its default back.

        The answer is not looked at: the library stores PUNCTUATION and CAPITALS and then reports an error all the same.
        """
        self._c.espeak_SetParameter(int(parameter), self._c.espeak_GetParameter(int(parameter), 0), 0)

    def set(self, parameter: Parameter, value: int) -> None:
        """Set a parameter (absolute). Raises `EngineError` when the library refuses."""
        if self._c.espeak_SetParameter(int(parameter), value, 0) != 0:
            raise EngineError("synthesis", f"{parameter.name.lower()} {value} refused")

    def synthesise(self, text: str, emit: Callable[[bytes], bool], *, pause: bool) -> bool:
        """Speak plain text (no markup, no phonemes); chunks of samples go to ``emit`` until it answers False.

        Returns:
            Whether it was spoken to its end.

        Raises:
            EngineError: The library failed.
        """
        data = text.encode("utf-8", errors="replace")
        flags = _UTF8 | (_END_PAUSE if pause else 0)
        stopped = False

        def watched(chunk: bytes) -> bool:
            nonlocal stopped
            stopped = not emit(chunk)
            return not stopped

        self._emit, self._failure = watched, None
        try:
            code = self._c.espeak_Synth(data, len(data) + 1, 0, _POSITION_CHARACTER, 0, flags, None, None)
        finally:
            self._emit = None
        if self._failure is not None:
            raise self._failure
        if code != 0:
            raise EngineError("synthesis", f"espeak_Synth answered {code}")
        return not stopped

    def _receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        """Called by the library with each chunk; 1 stops it. An exception must not cross C, so it is kept for later."""
        if not bool(samples) or count <= 0 or self._emit is None:  # a NULL pointer is false
            return 0
        try:
            return 0 if self._emit(ctypes.string_at(samples, count * 2)) else 1
        except Exception as error:  # noqa: BLE001 - raised again by `synthesise`
            self._failure = error
            return 1
