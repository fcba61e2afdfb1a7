"""Folders and archives alike: a list of files that can be read. Nothing is ever unpacked by its own name."""

from __future__ import annotations

import os
import posixpath
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy_kit.errors import fail

_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a box: its path there with slashes, its bytes; ``again`` when the same file has another name too;
    ``own`` is how its box calls it."""

    path: str
    size: int
    again: bool
    own: str


class Box:
    """A folder or an archive."""

    entries: tuple[Entry, ...] = ()

    def open(self, entry: Entry) -> IO[bytes]:
        """Read one file.

        Raises:
            OSError: It cannot be read.
        """
        raise NotImplementedError

    def local(self, entry: Entry) -> Path | None:  # noqa: ARG002  # a folder knows better
        """The file itself, where it is one on this machine's disk."""
        return None

    def close(self) -> None:
        """Done with it."""


@contextmanager
def box(path: Path) -> Iterator[Box]:
    """Open a folder, a tar (compressed or not) or a zip.

    Raises:
        Failure: CACHE-SOURCE when it is none of these, or cannot be read.
    """
    try:
        found: Box = _Folder(path) if path.is_dir() else _archive(path)
        try:
            yield found
        finally:
            found.close()
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            raise  # about writing, not about this box
        reason = getattr(error, "strerror", None) or error
        raise fail("CACHE-SOURCE", str(path), reason=reason) from None


def _archive(path: Path) -> Box:
    if zipfile.is_zipfile(path):
        return _Zip(path)
    if tarfile.is_tarfile(path):
        return _Tar(path)
    raise fail("CACHE-SOURCE", str(path), reason="neither a folder, nor a tar, nor a zip archive")


class _Folder(Box):
    def __init__(self, path: Path) -> None:
        self._path = path
        seen: set[tuple[int, int]] = set()
        found = []
        for folder, _, names in os.walk(path):
            for name in names:
                file = Path(folder, name)
                try:
                    state = file.stat()
                except OSError:
                    continue  # a dangling link
                if not file.is_file():
                    continue
                key = (state.st_dev, state.st_ino)
                own = file.relative_to(path).as_posix()
                found.append(Entry(own, state.st_size, key in seen, own))
                seen.add(key)
        self.entries = tuple(sorted(found, key=lambda entry: entry.path))

    def open(self, entry: Entry) -> IO[bytes]:
        return (self._path / entry.own).open("rb")

    def local(self, entry: Entry) -> Path | None:
        return (self._path / entry.own).resolve()


class _Tar(Box):
    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "r:*")  # noqa: SIM115  # closed with the box
        members = {posixpath.normpath(member.name): member for member in self._tar.getmembers()}
        found = []
        for name in members:
            target = _followed(name, members)
            if target is not None:
                found.append(Entry(name, members[target].size, target != name, target))
        self._members = members
        self.entries = tuple(found)

    def open(self, entry: Entry) -> IO[bytes]:
        file = self._tar.extractfile(self._members[entry.own])
        if file is None:
            raise tarfile.TarError(f"not a file: {entry.own}")
        return file

    def close(self) -> None:
        self._tar.close()


def _followed(name: str, members: dict[str, tarfile.TarInfo]) -> str | None:
    """The name of the regular file that a member is, its links followed; None when it is none."""
    for _ in range(_DEEPEST):
        member = members.get(name)
        if member is None:
            return None
        if member.isreg():
            return name
        if member.issym():
            name = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():
            name = posixpath.normpath(member.linkname)
        else:
            return None
    return None


class _Zip(Box):
    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self.entries = tuple(
            Entry(posixpath.normpath(info.filename), info.file_size, False, info.filename)
            for info in self._zip.infolist()
            if not info.is_dir()
        )

    def open(self, entry: Entry) -> IO[bytes]:
        return self._zip.open(entry.own)

    def close(self) -> None:
        self._zip.close()
