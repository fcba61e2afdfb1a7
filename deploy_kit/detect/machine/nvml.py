"""Asks NVIDIA's management library about driver and cards, and prints one JSON object.

Run as a program of its own (`python nvml.py`), because a library that speaks with a sick driver may never come back:
whoever starts it sets the deadline. Standard library only, nothing of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
from typing import Any

_LIBRARIES = ("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1")
_NO_LIBRARY = 12
_FUNCTION_MISSING = 13
_TEXT = 96
_MIG_ON = 1


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def _load() -> ctypes.CDLL | None:
    for name in _LIBRARIES:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    return None


class _Nvml:
    """The library; each question gives None where the driver does not say."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def call(self, name: str, *arguments: Any) -> int:
        """The return code of a function; 13 where this library has no such one."""
        function = getattr(self._library, name, None)
        return _FUNCTION_MISSING if function is None else int(function(*arguments))

    def text(self, name: str, *arguments: Any) -> str | None:
        buffer = ctypes.create_string_buffer(_TEXT)
        code = self.call(name, *arguments, buffer, ctypes.c_uint(_TEXT))
        return None if code else buffer.value.decode(errors="replace")

    def number(self, name: str, *arguments: Any) -> int | None:
        value = ctypes.c_uint()
        return None if self.call(name, *arguments, ctypes.byref(value)) else int(value.value)

    def pair(self, name: str, handle: ctypes.c_void_p) -> tuple[int, int] | None:
        one, two = ctypes.c_int(), ctypes.c_int()
        return None if self.call(name, handle, ctypes.byref(one), ctypes.byref(two)) else (one.value, two.value)

    def cuda(self) -> str | None:
        number = self.number("nvmlSystemGetCudaDriverVersion_v2") or self.number("nvmlSystemGetCudaDriverVersion")
        return None if number is None else f"{number // 1000}.{number % 1000 // 10}"

    def devices(self) -> list[dict[str, Any]]:
        handles = (self._handle(index) for index in range(self.number("nvmlDeviceGetCount_v2") or 0))
        return [self._device(handle) for handle in handles if handle is not None]

    def _handle(self, index: int) -> ctypes.c_void_p | None:
        handle = ctypes.c_void_p()
        failed = self.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        return None if failed else handle

    def _device(self, handle: ctypes.c_void_p) -> dict[str, Any]:
        memory = _Memory()
        known = self.call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory)) == 0
        capability = self.pair("nvmlDeviceGetCudaComputeCapability", handle)
        mode = self.pair("nvmlDeviceGetMigMode", handle)
        return {
            "uuid": self.text("nvmlDeviceGetUUID", handle) or "",
            "name": self.text("nvmlDeviceGetName", handle) or "",
            "capability": None if capability is None else f"{capability[0]}.{capability[1]}",
            "total": int(memory.total) if known else None,
            "free": int(memory.free) if known else None,
            "mig": None if mode is None else mode[0] == _MIG_ON,
        }


def look() -> dict[str, Any]:
    """``code`` is what initialising returned; the rest is there when that is 0."""
    library = _load()
    if library is None:
        return {"code": _NO_LIBRARY}
    nvml = _Nvml(library)
    code = nvml.call("nvmlInit_v2")
    driver = nvml.text("nvmlSystemGetDriverVersion")
    if code:
        return {"code": code, "driver": driver}
    try:
        return {"code": 0, "driver": driver, "cuda": nvml.cuda(), "devices": nvml.devices()}
    finally:
        nvml.call("nvmlShutdown")


if __name__ == "__main__":
    json.dump(look(), sys.stdout)
