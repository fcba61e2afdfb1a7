"""The layers of an image as files: also what a later layer deletes is still shipped, and still found here."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy_kit.tools import docker

_SAVE_SECONDS = 1200.0
_PIECE = 8 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One path in one layer (0 is the base). ``name`` begins with a slash; ``mode`` are the permission bits."""

    layer: int
    name: str
    mode: int
    size: int
    regular: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """An image saved to a file, with the list of what its layers hold."""

    path: Path
    entries: tuple[Entry, ...]

    def contents(self, wanted: Callable[[Entry], bool]) -> Iterator[tuple[Entry, bytes]]:
        """The bytes of the regular files that are wanted."""
        for entry, archive, member in _walk(self.path):
            if entry.regular and wanted(entry):
                stream = archive.extractfile(member)
                if stream is not None:
                    yield entry, stream.read()

    def holding(self, markers: tuple[bytes, ...]) -> Iterator[Entry]:
        """The regular files that hold one of the markers. Read in pieces: a library may be a gigabyte."""
        overlap = max(map(len, markers), default=1) - 1
        for entry, archive, member in _walk(self.path):
            stream = archive.extractfile(member) if entry.regular else None
            rest = b""
            while stream is not None and (piece := stream.read(_PIECE)):
                if any(marker in rest + piece for marker in markers):
                    yield entry
                    break
                rest = piece[-overlap:] if overlap else b""


def save(image: str, path: Path) -> Saved:
    """Let the engine write the image to a file, and list it."""
    docker.call("save", f"--output={path}", image, timeout=_SAVE_SECONDS)
    return Saved(path, tuple(entry for entry, _, _ in _walk(path)))


def _walk(path: Path) -> Iterator[tuple[Entry, tarfile.TarFile, tarfile.TarInfo]]:
    with tarfile.open(path) as outer:
        manifest = outer.extractfile("manifest.json")
        assert manifest is not None
        for index, name in enumerate(json.load(manifest)[0]["Layers"]):
            with tarfile.open(fileobj=outer.extractfile(name)) as inner:
                for member in inner:
                    place = "/" + member.name.removeprefix("./").strip("/")
                    yield Entry(index, place, member.mode & 0o7777, member.size, member.isreg()), inner, member
