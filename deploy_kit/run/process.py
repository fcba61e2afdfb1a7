"""A process that another command started: recognised by id and start time, so a recycled id is never ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """``started`` is the kernel's start time in clock ticks since boot; ``boot`` the boot it belongs to;
    ``stack`` and ``inputs`` are what labels are on a container."""

    pid: int
    started: int
    boot: str
    stack: str
    inputs: str

    @classmethod
    def of(cls, pid: int, *, stack: str, inputs: str) -> Process:
        return cls(pid, _start_time(pid) or 0, _boot(), stack, inputs)


def running(process: Process) -> bool:
    """Whether exactly this process is alive (a zombie is not)."""
    return process.boot == _boot() and _start_time(process.pid) == process.started


def _start_time(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
