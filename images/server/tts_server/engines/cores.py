"""How many cores this container was given: libraries count those of the machine, and then get in each other's way."""

from __future__ import annotations

import math
import os

from deploy_kit.detect.machine.context import Context, here


def count(context: Context | None = None) -> int:
    """Cores that this process may use, by affinity and by the cgroup's quota of either version; at least 1."""
    context = context or here()
    allowed = len(os.sched_getaffinity(0))
    quota = _quota(context)
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _quota(context: Context) -> float | None:
    """Cores' worth of time; None where none is set."""
    words = (context.read("/sys/fs/cgroup/cpu.max") or "").split()
    if not words:
        folder = "/sys/fs/cgroup/cpu"
        words = [(context.read(f"{folder}/cpu.cfs_{name}_us") or "").strip() for name in ("quota", "period")]
    try:
        quota, period = (float(word) for word in words)
    except ValueError:  # "max", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None
