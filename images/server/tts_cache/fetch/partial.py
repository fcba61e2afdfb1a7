"""An unfinished file: it stays in ``partial/`` over interruptions, with a note of where its bytes came from."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from tts_cache import layout
from tts_cache.lock import Item

_BLOCK = 1024 * 1024


class Partial:
    """The unfinished copy of one item. Its bytes are hashed as they come; `open` hashes what lies there already.

    A file whose sha256 is known may be continued from any source: its end shows whether the pieces fit. Of others
    the source must be the same and must still say the same ETag. ``size`` counts bytes, ``resumed`` those of before.
    """

    def __init__(self, cache: Path, item: Item) -> None:
        name = item.sha256 or "place-" + hashlib.sha256(item.place.encode()).hexdigest()[:40]
        self.path = cache / layout.PARTIAL / name
        self._note = self.path.with_name(f"{name}.json")
        self._item = item
        self._handle = -1
        self._hash = hashlib.sha256()
        self.size = 0
        self.resumed = 0

    @property
    def lying(self) -> int:
        """Bytes on the disk now."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def open(self, source: str) -> str:
        """Make ready to write after what can be used; the ETag that the source must still have, empty for any.

        Raises:
            OSError: The cache cannot be written.
        """
        note = layout.read(self._note)
        same = note.get("source") == source
        etag = str(note.get("etag") or "") if same else ""
        fits = self._item.bytes is None or self.lying <= self._item.bytes
        if not fits or (self._item.sha256 is None and not etag):
            self.discard()
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._hash, self.size = hashlib.sha256(), 0
        while block := os.pread(self._handle, _BLOCK, self.size):
            self._hash.update(block)
            self.size += len(block)
        self.resumed = self.size
        return etag

    def begin(self, source: str, etag: str) -> None:
        """Note where the bytes come from that follow."""
        layout.write(self._note, {"source": source, "etag": etag})

    def restart(self) -> None:
        """Drop what lies there; writing begins with the first byte."""
        os.ftruncate(self._handle, 0)
        self._hash, self.size, self.resumed = hashlib.sha256(), 0, 0

    def add(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            OSError: The disk is full, say; what was written before stays usable.
        """
        rest = memoryview(data)
        while rest:
            count = os.pwrite(self._handle, rest, self.size)
            self._hash.update(rest[:count])
            self.size += count
            rest = rest[count:]

    def close(self) -> None:
        """Leave the file as it is."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def discard(self) -> None:
        """Throw the file away: its bytes are wrong."""
        for path in (self.path, self._note):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def content(self) -> bytes:
        """Everything written; for small files."""
        return self.path.read_bytes()

    def settle(self, target: Path) -> None:
        """Put the finished file into its place, safe from a power cut.

        Raises:
            OSError: It cannot be put there.
        """
        os.fsync(self._handle)
        self.close()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(target)
        with contextlib.suppress(FileNotFoundError):
            self._note.unlink()
        with contextlib.suppress(OSError):  # not every file system syncs folders
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def hash_file(path: Path, tick: Callable[[int], None] = lambda _: None) -> str:
    """The sha256 of a file; ``tick`` takes the bytes read.

    Raises:
        OSError: It cannot be read.
    """
    total = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            total.update(block)
            tick(len(block))
    return total.hexdigest()
