"""Shared libraries that no toolchain made: just the tables that tell what one needs and what it is called."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER, _PROGRAM, _SECTION = 64, 56, 64


def write(path: Path, *needs: str, soname: str | None = None, sections: tuple[str, ...] = ()) -> Path:
    """Write a 64-bit x86 library that needs others; ``sections`` are names in its section table."""
    strings = b"\0"
    rows = []
    for tag, name in [(1, need) for need in needs] + ([(14, soname)] if soname else []):
        rows.append((tag, len(strings)))
        strings += name.encode() + b"\0"
    place = _HEADER + 2 * _PROGRAM
    table = b"".join(struct.pack("<QQ", *row) for row in [*rows, (5, 0x1000 + place), (0, 0)])
    start = place + len(strings)
    names = b"\0" + b"".join(name.encode() + b"\0" for name in sections)
    names_at, sections_at = start + len(table), start + len(table) + len(names)
    whole = sections_at + _SECTION * (len(sections) + 1)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x1000, 0x1000, whole, whole, 4096)
    dynamic = struct.pack("<IIQQQQQQ", 2, 6, start, 0x1000 + start, 0x1000 + start, len(table), len(table), 8)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, _HEADER, sections_at if sections else 0, 0, 64,
        _PROGRAM, 2, _SECTION, len(sections) + 1 if sections else 0, 0,
    )  # fmt: skip
    described = [struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)]
    offset = 1
    for name in sections:
        described.append(struct.pack("<IIQQQQIIQQ", offset, 1, 0, 0, 0, 0, 0, 0, 1, 0))
        offset += len(name) + 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + load + dynamic + strings + table + names + (b"".join(described) if sections else b""))
    return path
