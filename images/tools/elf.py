# ruff: noqa: INP001 - a script, copied alone into a build
"""Shared libraries without a toolchain: which there are, what they need, which sections they carry."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

HOST_LIBRARIES = frozenset({"libcuda.so.1", "libnvidia-ml.so.1"})
"""Brought by the GPU's driver when the container starts."""

SYSTEM = tuple(
    Path(place) for place in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/lib", "/usr/lib")
)

_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _SONAME = 1, 5, 14
_DYNSYM, _VERDEF = 11, 0x6FFFFFFD


def libraries(packages: Path) -> list[Path]:
    """Every shared library below a folder, each once, links left out."""
    return sorted(p for p in packages.rglob("*.so*") if p.is_file() and not p.is_symlink() and _is_elf(p))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"\x7fELF\x02"


def dynamic(path: Path) -> tuple[tuple[str, ...], str]:
    """What a 64-bit shared library needs, and its own name (that of the file where it has none)."""
    with path.open("rb") as file:
        header = _ELF_HEADER.unpack(file.read(_ELF_HEADER.size))
        file.seek(header[5])
        rows = [_PROGRAM.unpack(file.read(_PROGRAM.size)) for _ in range(header[10])]
        place = next((row for row in rows if row[0] == _DYNAMIC), None)
        if place is None:
            return (), path.name
        file.seek(place[2])
        entries = list(struct.iter_unpack("<QQ", file.read(place[5] // 16 * 16)))
        address = next(value for tag, value in entries if tag == _STRTAB)
        load = next(row for row in rows if row[0] == _LOAD and row[3] <= address < row[3] + row[5])
        names = load[2] + address - load[3]

        def text(offset: int) -> str:
            file.seek(names + offset)
            return file.read(512).split(b"\0", 1)[0].decode()

        own = next((text(value) for tag, value in entries if tag == _SONAME), path.name)
        return tuple(text(value) for tag, value in entries if tag == _NEEDED), own


def symbols(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a 64-bit library defines for others, and those that it asks of others; without their versions."""
    table, strings = _section(path, _DYNSYM)
    defined, asked = set(), set()
    for name, _, _, section, _, _ in struct.iter_unpack("<IBBHQQ", table):
        (defined if section else asked).add(_text(strings, name))
    return frozenset(defined - {""}), frozenset(asked - {""})


def version(path: Path) -> str | None:
    """The version that a library's symbols carry, None where they carry none; no library of ours has two."""
    table, strings = _section(path, _VERDEF)
    found, place = [], 0
    while table:
        flags, step = struct.unpack_from("<H", table, place + 2)[0], struct.unpack_from("<I", table, place + 16)[0]
        if not flags & 1:  # the first stands for the file itself
            name = struct.unpack_from("<I", table, place + struct.unpack_from("<I", table, place + 12)[0])[0]
            found.append(_text(strings, name))
        if not step:
            break
        place += step
    if len(found) > 1:
        raise ValueError(f"{path}: symbols of {len(found)} versions")
    return found[0] if found else None


def _section(path: Path, kind: int) -> tuple[bytes, bytes]:
    """The first section of a kind and the strings it refers to; nothing where there is none."""
    with path.open("rb") as file:
        header = file.read(64)
        offset, (size, count, _) = struct.unpack_from("<Q", header, 40)[0], struct.unpack_from("<HHH", header, 58)
        file.seek(offset)
        table = [struct.unpack_from("<IIQQQQI", file.read(size)) for _ in range(count)]
        own = next((row for row in table if row[1] == kind), None)
        if own is None:
            return b"", b""
        parts = []
        for row in (own, table[own[6]]):
            file.seek(row[4])
            parts.append(file.read(row[5]))
    return parts[0], parts[1]


def _text(strings: bytes, offset: int) -> str:
    return strings[offset : strings.index(b"\0", offset)].decode()


def missing(packages: Path, system: Iterable[Path] = SYSTEM) -> list[tuple[Path, str]]:
    """What some library needs and nobody brings, with that library."""
    found = libraries(packages)
    known = {path.name for path in found} | {dynamic(path)[1] for path in found} | HOST_LIBRARIES
    places = tuple(system)

    def here(name: str) -> bool:
        return name in known or any((place / name).exists() for place in places)

    return [(path, name) for path in found for name in dynamic(path)[0] if not here(name)]


def sections(library: Path) -> frozenset[str]:
    """The names of a 64-bit library's sections; none where it carries no table of them."""
    with library.open("rb") as file:
        header = file.read(64)
        offset, (size, count, index) = struct.unpack_from("<Q", header, 40)[0], struct.unpack_from("<HHH", header, 58)
        file.seek(offset)
        rows = [struct.unpack_from("<IIQQQQ", file.read(size)) for _ in range(count)]
        if not rows:
            return frozenset()
        file.seek(rows[index][4])
        names = file.read(rows[index][5])
    return frozenset(names[row[0] :].split(b"\0", 1)[0].decode() for row in rows)
