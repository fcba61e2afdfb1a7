"""Bytes as people read them, in one unit for everything: files, downloads, disks, memory and cards."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Bytes by thousands: ``1.5 GB``.

    So hubs, disks and ``docker images`` count. Memory is told in the same unit, because what is needed and what is
    there, what is fetched and what is loaded stand side by side; a limit that the user writes keeps its own unit.
    """
    for unit in _UNITS[:-1]:
        if round(count, 1) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"
