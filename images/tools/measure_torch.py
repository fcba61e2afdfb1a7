# ruff: noqa: INP001 - a script for maintainers, without dependencies
"""Which cards a build of PyTorch has code for, read from its libraries: no GPU, no CUDA tools, nothing is run.

    python images/tools/measure_torch.py torch-2.8.0-….whl       # or a folder that holds an installed torch
    python images/tools/measure_torch.py .venv-engine

What is measured is compared with the row of the image variant in ``deploy_kit/data/matrix.json``: exit code 0 when they
say the same, 10 when the table is out of date, 2 when nothing could be measured.

CUDA's compiler puts the code for all architectures of a source file into one bundle ("fatbin"), and the linker all
bundles into one section. Each entry's head says what it is (machine code, or PTX for newer cards) and for which
architecture. An architecture counts when most bundles have it; a few kernels are built for more cards, or for one card
alone (``9.0a``), which helps nobody whose other kernels are missing.
"""

from __future__ import annotations

import argparse
import json
import mmap
import re
import struct
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OUT_OF_DATE, UNUSABLE = 10, 2
_MATRIX = Path(__file__).parents[2] / "deploy_kit/data/matrix.json"
_LIBRARY = re.compile(r"(?:.*/)?torch/lib/libtorch_cuda[^/]*\.so[^/]*|.*libtorch_hip[^/]*\.so[^/]*")
_VERSION = re.compile(r"(?:.*/)?torch/version\.py")

_SECTIONS = (b".nv_fatbin", b"__nv_relfatbin")
_BUNDLE = struct.Struct("<IHHQ")
_BUNDLE_MAGIC = 0xBA55ED50
_ENTRY = struct.Struct("<HHIQIIHHI")
_ENTRY_FLAGS = 40
"""Where an entry's flags stand in its head."""

_PTX, _MACHINE = 1, 2
_COMPRESSED = 0x2000 | 0x8000
_ONE_CARD = 0x100000
_MOST = 0.5


class Unusable(Exception):
    """There is no torch here, or one that nobody can read."""


@dataclass
class Code:
    """The code of all libraries: how many bundles, and in how many of them each architecture has machine code
    (``sass``) or PTX."""

    bundles: int = 0
    sass: Counter[str] = field(default_factory=Counter)
    ptx: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    compressed: int = 0

    def most(self, kind: Counter[str]) -> list[str]:
        """The architectures that most bundles have."""
        return _sorted(name for name, count in kind.items() if count > self.bundles * _MOST)

    def few(self, kind: Counter[str]) -> list[str]:
        """The other ones, each with its count."""
        return [f"{name} ({kind[name]})" for name in _sorted(kind) if name not in self.most(kind)]


@dataclass(frozen=True)
class Build:
    """What a torch says of itself, and the code in it."""

    torch: str
    cuda: str | None
    code: Code

    def row(self) -> dict[str, object]:
        """As in the table."""
        code = self.code
        return {"torch": self.torch, "cuda": self.cuda, "sass": code.most(code.sass), "ptx": code.most(code.ptx)}


def measure(place: Path) -> Build:
    """The torch in a wheel, or below a folder.

    Raises:
        Unusable: There is none, or two.
    """
    if place.is_dir():
        files = {path.relative_to(place).as_posix(): path for path in place.glob("**/torch/version.py")}
        if len(files) != 1:
            raise Unusable(f"{place}: {len(files)} installations of torch")
        version = next(iter(files.values()))
        libraries = [path for path in sorted((version.parent / "lib").glob("*.so*")) if _LIBRARY.fullmatch(str(path))]
        return _build(version.read_text(encoding="utf-8"), libraries)
    return _wheel(place)


def _wheel(place: Path) -> Build:
    """One library at a time is unpacked beside nothing else: the largest takes a gigabyte."""
    try:
        with zipfile.ZipFile(place) as wheel, tempfile.TemporaryDirectory(prefix="measure-torch-") as folder:
            version = next((name for name in wheel.namelist() if _VERSION.fullmatch(name)), None)
            if version is None:
                raise Unusable(f"{place}: no torch in it")
            names = [name for name in sorted(wheel.namelist()) if _LIBRARY.fullmatch(name)]
            code = Code()
            for name in names:
                library = Path(wheel.extract(name, folder))
                _read(library, code)
                library.unlink()
            return _build(wheel.read(version).decode(), [], code)
    except (OSError, zipfile.BadZipFile) as error:
        raise Unusable(f"{place}: {error}") from None


def _build(version: str, libraries: list[Path], code: Code | None = None) -> Build:
    code = code or Code()
    for library in libraries:
        _read(library, code)
    torch = re.search(r"^__version__ *= *'([0-9.]+)", version, re.MULTILINE)
    cuda = re.search(r"^cuda(?:: [^=]+)? *= *'([0-9.]+)'", version, re.MULTILINE)
    if torch is None:
        raise Unusable("torch/version.py names no version")
    return Build(torch[1], cuda[1] if cuda else None, code)


def _read(library: Path, code: Code) -> None:
    """Add the code of one library."""
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start, end in _sections(content):
            for bundle in _bundles(content, start, end, library):
                _count(content, bundle, code)


def _sections(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where a 64-bit library keeps bundles."""
    if content[:5] != b"\x7fELF\x02":
        return
    offset = struct.unpack_from("<Q", content, 40)[0]
    size, count, names_at = struct.unpack_from("<HHH", content, 58)
    rows = [struct.unpack_from("<IIQQQQ", content, offset + size * index) for index in range(count)]
    for row in rows:
        at = rows[names_at][4] + row[0]
        if content[at : content.find(b"\0", at)] in _SECTIONS:
            yield row[4], row[4] + row[5]


def _bundles(content: mmap.mmap, start: int, end: int, library: Path) -> Iterator[tuple[int, int]]:
    """First byte behind the head, and the end, of each bundle; between them lies padding."""
    place = start
    while place + _BUNDLE.size <= end:
        magic, _, head, size = _BUNDLE.unpack_from(content, place)
        if magic != _BUNDLE_MAGIC:
            if any(content[place : place + 8]):
                raise Unusable(f"{library.name}: no bundle at {place:#x}")
            place += 8
            continue
        yield place + head, place + head + size
        place += head + size


def _count(content: mmap.mmap, bundle: tuple[int, int], code: Code) -> None:
    place, end = bundle
    code.bundles += 1
    found: dict[int, set[str]] = {_PTX: set(), _MACHINE: set()}
    while place + _ENTRY.size <= end:
        kind, _, head, size, _, _, _, _, number = _ENTRY.unpack_from(content, place)
        flags = struct.unpack_from("<Q", content, place + _ENTRY_FLAGS)[0]
        if kind in found:
            found[kind].add(f"{number // 10}.{number % 10}" + ("a" if flags & _ONE_CARD else ""))
            code.entries += 1
            code.compressed += bool(flags & _COMPRESSED)
        place += head + size
    code.ptx.update(found[_PTX])
    code.sass.update(found[_MACHINE])


def _sorted(names: object) -> list[str]:
    def key(name: str) -> tuple[int, int, str]:
        major, _, minor = name.rstrip("a").partition(".")
        return int(major), int(minor), name

    return sorted(names, key=key)  # type: ignore[call-overload, no-any-return]


def differences(row: dict[str, object], measured: dict[str, object]) -> list[str]:
    """What the table says otherwise, in the order of the measurement."""
    return [
        f"{name}: the table says {json.dumps(row.get(name))}, measured is {json.dumps(value)}"
        for name, value in measured.items()
        if row.get(name) != value
    ]


def _variant(build: Build) -> str:
    return "cpu" if build.cuda is None else "cu" + build.cuda.replace(".", "")


def main(argv: list[str]) -> int:
    """Measure, show, compare."""
    parser = argparse.ArgumentParser(
        description="Compares data/matrix.json with a build of PyTorch: which cards it has code for."
    )
    parser.add_argument("place", type=Path, help="a wheel of torch, or a folder that holds an installed one")
    parser.add_argument("--matrix", type=Path, default=_MATRIX, help="the table to compare with")
    parser.add_argument("--variant", help="the row to compare with; by default that of the CUDA version")
    arguments = parser.parse_args(argv)
    try:
        build = measure(arguments.place)
    except Unusable as error:
        print(f"measure_torch: {error}", file=sys.stderr)
        return UNUSABLE
    variant = arguments.variant or _variant(build)
    _show(variant, build)
    row = json.loads(arguments.matrix.read_text(encoding="utf-8"))["variants"].get(variant)
    if row is None:
        print(f"{arguments.matrix.name} has no row {variant}")
        return OUT_OF_DATE
    wrong = differences(row, build.row())
    for line in wrong:
        print(line)
    print(f"{variant}: {arguments.matrix.name} is {'out of date' if wrong else 'right'}")
    return OUT_OF_DATE if wrong else 0


def _show(variant: str, build: Build) -> None:
    code = build.code
    print(json.dumps({variant: build.row()}))
    share = f", {code.compressed / code.entries:.0%} of their entries compressed" if code.entries else ""
    print(f"{code.bundles} bundles{share}")
    for name, kind in (("machine code", code.sass), ("PTX", code.ptx)):
        if few := code.few(kind):
            print(f"{name} in a few bundles only: {', '.join(few)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
