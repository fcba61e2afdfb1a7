"""Control groups of machines that tests make: one folder, or one a controller in the old hierarchy.

A group's name ends with the number of the process that made it, so that the next run finds what a killed one left.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def make(name: str) -> None:
    """An empty group, in every hierarchy that there is."""
    for place in (_ROOT, *_ROOT.iterdir()):
        if not place.is_symlink() and (place / "cgroup.procs").is_file() and (place == _ROOT or _old(place)):
            (place / name).mkdir(exist_ok=True)


def clear(name: str) -> None:
    """Remove a group with all below; the last process in one may need a moment to be gone."""
    end = time.monotonic() + 30
    while (left := _groups(name)) and time.monotonic() < end:
        for place, _, _ in (found for group in left for found in os.walk(group, topdown=False)):
            with contextlib.suppress(OSError):
                Path(place).rmdir()
        time.sleep(0.05)


def sweep(prefix: str) -> None:
    """Remove the groups whose makers are gone."""
    for name in {place.name for place in _groups(f"{prefix}*")}:
        if ended(name):
            clear(name)


def ended(name: str) -> bool:
    """Whether the process is gone whose number a name ends with."""
    return not Path(f"/proc/{name.rpartition('-')[2]}").exists()


def _old(place: Path) -> bool:
    """Whether this is the root of a hierarchy, not a group of the new one's root."""
    return not (_ROOT / "cgroup.procs").is_file() and place.is_dir()


def _groups(name: str) -> list[Path]:
    return [*_ROOT.glob(name), *_ROOT.glob(f"*/{name}")]
