"""The first stage's child: CUDA's driver library, called directly.

Run as ``python -m tts_worker.guard.driver``; prints one verdict as JSON. It may hang or crash with the driver: the
parent (`tts_worker.guard.child`) expects that.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from deploy_kit.compat import cards
from tts_worker.guard import architecture, codes
from tts_worker.guard.verdict import Verdict

_LIBRARY = "libcuda.so.1"
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_KERNEL_MODULE = Path("/proc/driver/nvidia/version")
_UUID_BYTES = 16
_NAME_BYTES = 100


class _Refused(Exception):
    """A call that the driver answered with an error."""

    def __init__(self, call: str, number: int, name: str) -> None:
        super().__init__(f"{call}: error {number} {name}".rstrip())
        self.number = number


def main() -> None:
    """Print the verdict of this machine's driver."""
    print(json.dumps(probe().to_json()))


def probe() -> Verdict:
    """Start CUDA, look at the first card, and hold both against what torch was built for."""
    seen: dict[str, Any] = {"kernel_driver": _kernel_module()}
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        return Verdict("GPU-NO-DRIVER", str(error), **seen)
    try:
        _ask(library, seen)
    except _Refused as error:
        return Verdict(codes.of_number(error.number), str(error), **seen)
    except AttributeError as error:
        return Verdict("GPU-DRIVER-ERROR", str(error), **seen)  # a library without a call of CUDA 12
    if not seen["count"]:
        return Verdict("GPU-NOT-VISIBLE", "cuDeviceGetCount: 0", **seen)
    code, detail = _judged(seen)
    return Verdict(code, detail, **seen)


def _ask(library: ctypes.CDLL, seen: dict[str, Any]) -> None:
    """Every call in the order in which a program would make them; what is known so far stays in ``seen``."""

    def call(name: str, *arguments: Any) -> None:
        number = int(getattr(library, name)(*arguments))
        if number:
            raise _Refused(name, number, _name(library, number))

    number = ctypes.c_int()
    call("cuDriverGetVersion", ctypes.byref(number))
    seen["driver"] = number.value
    call("cuInit", ctypes.c_uint(0))
    call("cuDeviceGetCount", ctypes.byref(number))
    seen["count"] = number.value
    if not number.value:
        return
    device = ctypes.c_int()
    call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(0))
    text = ctypes.create_string_buffer(_NAME_BYTES)
    call("cuDeviceGetName", text, ctypes.c_int(_NAME_BYTES), device)
    seen["name"] = text.value.decode(errors="replace")
    parts = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        call("cuDeviceGetAttribute", ctypes.byref(number), ctypes.c_int(attribute), device)
        parts.append(number.value)
    seen["capability"] = f"{parts[0]}.{parts[1]}"
    raw = ctypes.create_string_buffer(_UUID_BYTES)
    call("cuDeviceGetUuid", raw, device)
    seen["uuid"] = f"GPU-{uuid.UUID(bytes=raw.raw[:_UUID_BYTES])}"
    size = ctypes.c_size_t()
    call("cuDeviceTotalMem_v2", ctypes.byref(size), device)
    seen["bytes"] = size.value


def _name(library: ctypes.CDLL, number: int) -> str:
    """The driver's own name of an error; the table's where a broken driver has none."""
    text = ctypes.c_char_p()
    try:
        if library.cuGetErrorName(ctypes.c_int(number), ctypes.byref(text)) == 0 and text.value:
            return text.value.decode(errors="replace")
    except AttributeError:
        pass
    return codes.name_of(number)


def _judged(seen: dict[str, Any]) -> tuple[str | None, str]:
    """The card and the driver against the engine environment's own record, where there is one."""
    built = _environment()
    cuda, sass = built.get("cuda"), built.get("arch_list")
    if cuda and seen["driver"] // 1000 < int(str(cuda).split(".", 1)[0]):
        return "GPU-DRIVER-OLD", f"the driver serves CUDA {dotted(seen['driver'])}, torch was built for {cuda}"
    compiled, intermediate = architecture.of_torch(sass) if sass else ([], [])
    if compiled and not cards.runs(seen["capability"], compiled, intermediate):
        return (
            "GPU-CARD-UNSUPPORTED",
            f"{seen['name']} has compute capability {seen['capability']}, torch has code for {' '.join(compiled)}",
        )
    return None, ""


def dotted(version: int) -> str:
    """12080 → 12.8."""
    return f"{version // 1000}.{version % 1000 // 10}"


def _environment() -> dict[str, Any]:
    """What the builder wrote into the engine environment that we run in; empty when it did not build it."""
    try:
        record: dict[str, Any] = json.loads((Path(sys.prefix) / "deploykit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record


def _kernel_module() -> str | None:
    try:
        found = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", _KERNEL_MODULE.read_text(encoding="utf-8"))
    except OSError:
        return None
    return found[1] if found else None


if __name__ == "__main__":
    main()
