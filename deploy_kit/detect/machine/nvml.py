"""Asks NVIDIA's management library about driver and cards, and prints JSON objects, the last of which is the fullest.

Run as a program of its own (`python nvml.py`), because a library that speaks with a sick driver may never come back:
whoever starts it sets the deadline. Standard library only, nothing of ours. Every question stands for itself: what
one card or driver does not answer is None. What a card is comes first; a later question that hangs or takes the
process down does not take that away.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

_SECONDS = 13.0
"""Less than whoever started us waits."""
_NAME = "libnvidia-ml.so.1"
_FURTHER = ("/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib")
_WINDOWS = (r"{SystemRoot}\System32\nvml.dll", r"{ProgramFiles}\NVIDIA Corporation\NVSMI\nvml.dll")
_NO_LIBRARY = 12
_FUNCTION_MISSING = 13
_TOO_SMALL = 7
_TEXT = 96
_LONG_TEXT = 1024
_MIG_ON = 1
_NO_FIGURE = (1 << 64) - 1
_PROCESSES = 64
_MOST_PROCESSES = 4096
_UNCORRECTED, _SINCE_START = 1, 0
_MIG_PROFILE = re.compile(r"MIG (\d+(?:c\.\d+)?g\.\S+)")
_VIRTUAL = {1: "passthrough", 2: "vgpu"}
_MODES = {0: "default", 1: "exclusive", 2: "prohibited", 3: "exclusive"}
_FABRIC = {1: "not started", 2: "in progress", 3: "completed"}
_FABRIC_DONE = 3
_MIB = 1 << 20


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Pci(ctypes.Structure):
    _fields_ = (
        ("old_address", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("ids", ctypes.c_uint),
        ("board_ids", ctypes.c_uint),
        ("address", ctypes.c_char * 32),
    )


class _Process(ctypes.Structure):
    _fields_ = (
        ("pid", ctypes.c_uint),
        ("used", ctypes.c_ulonglong),
        ("instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


class _Attributes(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint) for name in ("processors", "copiers", "decoders", "encoders", "jpeg", "flow")),
        ("slices", ctypes.c_uint),
        ("compute_slices", ctypes.c_uint),
        ("mebibytes", ctypes.c_ulonglong),
    )


class _Fabric(ctypes.Structure):
    """Version 2; the first version lacks ``version`` and ``health``."""

    _fields_ = (
        ("version", ctypes.c_uint),
        ("cluster", ctypes.c_ubyte * 16),
        ("status", ctypes.c_int),
        ("clique", ctypes.c_uint),
        ("state", ctypes.c_ubyte),
        ("health", ctypes.c_uint),
    )


class _OldFabric(ctypes.Structure):
    _fields_ = (
        ("cluster", ctypes.c_ubyte * 16),
        ("status", ctypes.c_int),
        ("clique", ctypes.c_uint),
        ("state", ctypes.c_ubyte),
    )


def _load() -> ctypes.CDLL | None:
    for name in _places():
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    return None


def _places() -> list[str]:
    if os.name == "nt":
        defaults = {"SystemRoot": r"C:\Windows", "ProgramFiles": r"C:\Program Files"}
        folders = {name: os.environ.get(name) or path for name, path in defaults.items()}
        return [place.format(**folders) for place in _WINDOWS]
    return [_NAME, *(f"{folder}/{_NAME}" for folder in _FURTHER)]


class _Nvml:
    """The library; each question gives None where the driver does not say."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def call(self, name: str, *arguments: Any) -> int:
        """The return code of a function; 13 where this library has no such one."""
        function = getattr(self._library, name, None)
        return _FUNCTION_MISSING if function is None else int(function(*arguments))

    def text(self, name: str, *arguments: Any, size: int = _TEXT) -> str | None:
        buffer = ctypes.create_string_buffer(size)
        code = self.call(name, *arguments, buffer, ctypes.c_uint(size))
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

    def handles(self) -> list[ctypes.c_void_p]:
        """The cards that answer."""
        found = (self._handle(index) for index in range(self.number("nvmlDeviceGetCount_v2") or 0))
        return [handle for handle in found if handle is not None]

    def _handle(self, index: int) -> ctypes.c_void_p | None:
        handle = ctypes.c_void_p()
        failed = self.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        return None if failed else handle

    def identity(self, handle: ctypes.c_void_p) -> dict[str, Any]:
        """What a card is."""
        memory = self._memory(handle)
        capability = self.pair("nvmlDeviceGetCudaComputeCapability", handle)
        return {
            "uuid": self.text("nvmlDeviceGetUUID", handle) or "",
            "name": self.text("nvmlDeviceGetName", handle) or "",
            "capability": None if capability is None else f"{capability[0]}.{capability[1]}",
            "total": None if memory is None else int(memory.total),
            "free": None if memory is None else int(memory.free),
        }

    def condition(self, handle: ctypes.c_void_p) -> dict[str, Any]:
        """How it is set and how it fares."""
        mode = self.pair("nvmlDeviceGetMigMode", handle)
        return {
            "mig": None if mode is None else mode[0] == _MIG_ON,
            "mig_pending": None if mode is None else mode[1] == _MIG_ON,
            "slices": list(self._slices(handle)) if mode is not None and mode[0] == _MIG_ON else [],
            "address": self._address(handle),
            "virtual": _VIRTUAL.get(self.number("nvmlDeviceGetVirtualizationMode", handle) or 0),
            "fabric": self._fabric(handle),
            "compute_mode": self._compute_mode(handle),
            "persistent": self._persistent(handle),
            "uncorrected": self._uncorrected(handle),
            "remap": self._remap(handle),
            "users": self._users(handle),
        }

    def _memory(self, handle: ctypes.c_void_p) -> _Memory | None:
        memory = _Memory()
        return None if self.call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory)) else memory

    def _slices(self, handle: ctypes.c_void_p) -> Iterator[dict[str, Any]]:
        for index in range(self.number("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
            part = ctypes.c_void_p()
            if self.call("nvmlDeviceGetMigDeviceHandleByIndex", handle, ctypes.c_uint(index), ctypes.byref(part)):
                continue  # a place without a slice
            memory, told = self._memory(part), _Attributes()
            size = None if memory is None else int(memory.total)
            if self.call("nvmlDeviceGetAttributes_v2", part, ctypes.byref(told)) == 0:
                size = size or int(told.mebibytes) * _MIB
            yield {
                "uuid": self.text("nvmlDeviceGetUUID", part) or "",
                "profile": self._profile(part, told),
                "total": size,
            }

    def _profile(self, part: ctypes.c_void_p, told: _Attributes) -> str:
        """The driver writes it behind the card's name; else by its figures."""
        if match := _MIG_PROFILE.search(self.text("nvmlDeviceGetName", part) or ""):
            return match[1]
        if not told.slices:
            return ""
        part_of = f"{told.compute_slices}c." if 0 < told.compute_slices < told.slices else ""
        return f"{part_of}{told.slices}g.{round(told.mebibytes / 1024)}gb"

    def _address(self, handle: ctypes.c_void_p) -> str | None:
        pci = _Pci()
        if self.call("nvmlDeviceGetPciInfo_v3", handle, ctypes.byref(pci)):
            return None
        return f"{pci.domain:04x}:{pci.bus:02x}:{pci.device:02x}.0"

    def _fabric(self, handle: ctypes.c_void_p) -> str | None:
        told: _Fabric | _OldFabric = _Fabric(version=ctypes.sizeof(_Fabric) | 2 << 24)
        if self.call("nvmlDeviceGetGpuFabricInfoV", handle, ctypes.byref(told)):
            told = _OldFabric()
            if self.call("nvmlDeviceGetGpuFabricInfo", handle, ctypes.byref(told)):
                return None
        if told.state == _FABRIC_DONE and told.status:
            return f"failed ({told.status})"
        return _FABRIC.get(told.state)

    def _compute_mode(self, handle: ctypes.c_void_p) -> str | None:
        mode = self.number("nvmlDeviceGetComputeMode", handle)
        return None if mode is None else _MODES.get(mode)

    def _persistent(self, handle: ctypes.c_void_p) -> bool | None:
        mode = self.number("nvmlDeviceGetPersistenceMode", handle)
        return None if mode is None else bool(mode)

    def _uncorrected(self, handle: ctypes.c_void_p) -> int | None:
        count = ctypes.c_ulonglong()
        kinds = (ctypes.c_int(_UNCORRECTED), ctypes.c_int(_SINCE_START))
        failed = self.call("nvmlDeviceGetTotalEccErrors", handle, *kinds, ctypes.byref(count))
        return None if failed else int(count.value)

    def _remap(self, handle: ctypes.c_void_p) -> str | None:
        """Rows of memory; on cards from before Ampere, pages."""
        rows = [ctypes.c_uint() for _ in range(4)]  # corrected, uncorrected, pending, failed
        if self.call("nvmlDeviceGetRemappedRows", handle, *map(ctypes.byref, rows)) == 0:
            return "failed" if rows[3].value else "pending" if rows[2].value else None
        return "pending" if self.number("nvmlDeviceGetRetiredPagesPendingStatus", handle) == 1 else None

    def _users(self, handle: ctypes.c_void_p) -> list[dict[str, Any]]:
        """Programs that compute, and those that draw."""
        found: dict[int, dict[str, Any]] = {}
        for kind in ("Compute", "Graphics"):
            for one in self._processes(f"nvmlDeviceGet{kind}RunningProcesses", handle):
                size = None if one.used == _NO_FIGURE else int(one.used)
                entry = {"pid": int(one.pid), "name": self._program(one.pid), "bytes": size}
                if found.get(one.pid, {}).get("bytes") is None:
                    found[one.pid] = entry
        return list(found.values())

    def _processes(self, name: str, handle: ctypes.c_void_p) -> list[_Process]:
        room = _PROCESSES
        while room <= _MOST_PROCESSES:
            count, places = ctypes.c_uint(room), (_Process * room)()
            code = self.call(f"{name}_v3", handle, ctypes.byref(count), places)
            if code == _FUNCTION_MISSING:
                code = self.call(f"{name}_v2", handle, ctypes.byref(count), places)
            if code != _TOO_SMALL:
                return [] if code else list(places[: min(count.value, room)])
            room *= 4
        return []

    def _program(self, pid: int) -> str:
        """The kernel's name of it: the driver's holds arguments, and those may hold secrets."""
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except OSError:
            told = self.text("nvmlSystemGetProcessName", ctypes.c_uint(pid), size=_LONG_TEXT) or "?"
            return re.split(r"[/\\]", told.split(" -")[0])[-1][:_TEXT]


def look() -> Iterator[dict[str, Any]]:
    """``code`` is what initialising returned; the rest is there when that is 0."""
    library = _load()
    if library is None:
        yield {"code": _NO_LIBRARY}
        return
    nvml = _Nvml(library)
    code = nvml.call("nvmlInit_v2")
    found: dict[str, Any] = {"code": code, "driver": nvml.text("nvmlSystemGetDriverVersion")}
    if code:
        yield found
        return
    found |= {"cuda": nvml.cuda(), "devices": []}
    handles = nvml.handles()
    found["devices"] = [nvml.identity(handle) for handle in handles]
    yield found
    for device, handle in zip(found["devices"], handles):
        device.update(nvml.condition(handle))
    yield found


def _tell() -> None:
    for found in look():
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    questions = threading.Thread(target=_tell, daemon=True)
    questions.start()
    questions.join(_SECONDS)
    os._exit(0)  # what was told stands in the pipe; the library's own farewell may hang
