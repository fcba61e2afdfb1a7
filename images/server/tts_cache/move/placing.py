"""Putting a file that is on this machine already into the cache: linked where that is safe, else copied."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tts_cache import layout

_BLOCK = 1024 * 1024


def place(cache: Path, source: Path, target: Path) -> None:
    """The same bytes at a place of the cache: a hard link, or a copy where there can be none.

    Raises:
        OSError: It cannot be written, or the source cannot be read.
    """
    with _becoming(cache, target) as partial:
        if not _may_link(cache, source) or not linked(source, partial):
            with source.open("rb") as file:
                copy(file.read, partial)


def write(cache: Path, read: Callable[[int], bytes], target: Path) -> None:
    """What ``read`` gives, as a file of the cache.

    Raises:
        OSError: It cannot be written, or not read.
    """
    with _becoming(cache, target) as partial:
        copy(read, partial)


def copy(read: Callable[[int], bytes], target: Path) -> None:
    """Write what ``read`` gives into a new file, safe from a power cut.

    Raises:
        OSError: It cannot be written.
    """
    with target.open("xb") as file:
        while block := read(_BLOCK):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def linked(source: Path, target: Path) -> bool:
    """Make a hard link; False where the file system, or a border between two, does not let us."""
    try:
        target.hardlink_to(source)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _becoming(cache: Path, target: Path) -> Iterator[Path]:
    """A name for a file that becomes ``target`` when all goes well, and nothing when not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = cache / layout.PARTIAL / f"copy-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    try:
        yield partial
        partial.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def _may_link(cache: Path, source: Path) -> bool:
    """Whether a link of this file can be read by all who read the cache: of our own, and as open as our own files."""
    found = source.stat()
    wanted = 0o664 & ~layout.mask(cache)
    return found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & wanted == wanted
