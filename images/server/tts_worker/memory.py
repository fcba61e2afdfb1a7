"""What this process has taken of the machine's memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def resident(field: str = "VmRSS") -> int:
    """Bytes of main memory, now (``VmRSS``) or at most (``VmHWM``); 0 where the kernel does not say."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def reserved(torch: Any, device: str) -> int:
    """The most bytes of GPU memory that torch has held in this process; 0 on a CPU.

    The CUDA context itself (0.3 to 0.5 GB) is not among them.
    """
    return int(torch.cuda.max_memory_reserved()) if device.startswith("cuda") else 0


def figures(torch: Any, device: str) -> dict[str, int]:
    """Both, as ``ready`` and ``done`` carry them."""
    return {"vram_bytes": reserved(torch, device), "rss_bytes": resident(), "rss_peak_bytes": resident("VmHWM")}
