"""Starts CUDA through the driver's own library, and prints one JSON object.

Run as a program of its own (`python cuda.py`), because a sick driver may hang here or take the process down: whoever
starts it sets the deadline. Standard library only, nothing of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from typing import Any

_NAMES = ("libcuda.so.1",)
_FURTHER = ("/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib")
_WINDOWS = ("nvcuda.dll",)
_MAJOR, _MINOR = 75, 76
_MISSING = 13


class _Refused(Exception):
    """A call that was answered with an error."""

    def __init__(self, call: str, number: int) -> None:
        super().__init__(call)
        self.call, self.number = call, number


def look() -> dict[str, Any]:
    """``code`` is what the first failing call returned, 0 when all went well; ``error`` says that there is no library.

    ``call`` and ``name`` are the failing call and CUDA's name of its error; ``driver`` is the CUDA version that the
    driver serves, ``count`` how many cards there are, and ``capabilities`` what they can (``8.9``).
    """
    library, error = _load()
    if library is None:
        return {"error": error}
    found: dict[str, Any] = {"code": 0, "driver": None, "count": None, "capabilities": []}
    try:
        _ask(library, found)
    except _Refused as refused:
        found |= {"code": refused.number, "call": refused.call, "name": _name(library, refused.number)}
    return found


def _ask(library: ctypes.CDLL, found: dict[str, Any]) -> None:
    number, device = ctypes.c_int(), ctypes.c_int()
    with contextlib.suppress(_Refused):
        _call(library, "cuDriverGetVersion", ctypes.byref(number))
        found["driver"] = f"{number.value // 1000}.{number.value % 1000 // 10}"
    _call(library, "cuInit", ctypes.c_uint(0))
    _call(library, "cuDeviceGetCount", ctypes.byref(number))
    found["count"] = number.value
    for ordinal in range(number.value):
        parts = []
        _call(library, "cuDeviceGet", ctypes.byref(device), ctypes.c_int(ordinal))
        for attribute in (_MAJOR, _MINOR):
            _call(library, "cuDeviceGetAttribute", ctypes.byref(number), ctypes.c_int(attribute), device)
            parts.append(str(number.value))
        found["capabilities"].append(".".join(parts))


def _call(library: ctypes.CDLL, name: str, *arguments: Any) -> None:
    function = getattr(library, name, None)
    number = _MISSING if function is None else int(function(*arguments))
    if number:
        raise _Refused(name, number)


def _name(library: ctypes.CDLL, number: int) -> str:
    text = ctypes.c_char_p()
    function = getattr(library, "cuGetErrorName", None)
    if function is None or function(ctypes.c_int(number), ctypes.byref(text)) or not text.value:
        return ""
    return text.value.decode(errors="replace")


def _load() -> tuple[ctypes.CDLL | None, str]:
    """The library, or what the loader says of the first name."""
    first, *others = _WINDOWS if os.name == "nt" else (*_NAMES, *(f"{folder}/{_NAMES[0]}" for folder in _FURTHER))
    try:
        return ctypes.CDLL(first), ""
    except OSError as error:
        said = str(error)
    for path in others:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(path), ""
    return None, said


if __name__ == "__main__":
    json.dump(look(), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the driver's own farewell may hang
