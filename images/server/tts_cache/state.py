"""What a cache holds: by `stat` against the record of files that were hashed once, so that looking costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tts_cache import layout
from tts_cache.lock import Item

VERIFIED = "verified.json"
TRUSTED = "trusted.json"


@dataclass(frozen=True, slots=True)
class Held:
    """What is there of what is needed. Bytes of files whose size nobody knows yet count as 0."""

    complete: bool
    have_bytes: int
    need_bytes: int
    missing: tuple[Item, ...]


class Records:
    """The records of a cache: files that were hashed (``verified.json``) and sha256 learned at the first fetch for
    files that the lock has none for (``trusted.json``)."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._verified = layout.read(cache / VERIFIED)
        self._trusted = layout.read(cache / TRUSTED)

    def expected(self, item: Item) -> Item:
        """The item with size and sha256 as learned before, where its lock has none."""
        row = self._trusted.get(item.place)
        if item.sha256 is not None or not isinstance(row, dict):
            return item
        size, digest = row.get("bytes"), row.get("sha256")
        if not isinstance(size, int) or not isinstance(digest, str) or item.bytes not in (None, size):
            return item  # another lock was in force then
        return replace(item, bytes=size, sha256=digest)

    def verified(self, item: Item) -> bool:
        """Whether the file stands there just as it was when its bytes were hashed and found right."""
        row = self._verified.get(item.place)
        asked = self.expected(item)
        if not isinstance(row, dict) or asked.sha256 is None or row.get("sha256") != asked.sha256:
            return False
        return row == _mark(self._cache / item.place, asked.sha256)

    def keep(self, item: Item, digest: str, source: str = "") -> None:
        """Note a file whose bytes were just hashed; a digest that the lock lacks is trusted from now on.

        Raises:
            OSError: The records cannot be written.
        """
        mark = _mark(self._cache / item.place, digest)
        assert mark is not None
        self._verified[item.place] = mark
        known = self._trusted.get(item.place)
        if item.sha256 is None and not (isinstance(known, dict) and known.get("sha256") == digest):
            self._trusted[item.place] = {"bytes": mark["bytes"], "sha256": digest, "source": source}
            layout.write(self._cache / TRUSTED, self._trusted)
        layout.write(self._cache / VERIFIED, self._verified)

    def forget(self, places: frozenset[str]) -> None:
        """Drop files from the record of what was hashed; what was learned stays trusted.

        Raises:
            OSError: The record cannot be written.
        """
        left = {place: row for place, row in self._verified.items() if place not in places}
        if left != self._verified:
            self._verified = left
            layout.write(self._cache / VERIFIED, left)


def held(cache: Path, items: tuple[Item, ...]) -> Held:
    """What a cache holds of these items. Reads two small records and asks for the state of each file, no more."""
    records = Records(cache)
    asked = [records.expected(item) for item in items]
    missing = tuple(item for item in items if not records.verified(item))
    gone = {item.place for item in missing}
    need = sum(item.bytes or 0 for item in asked)
    have = sum(item.bytes or 0 for item in asked if item.place not in gone)
    return Held(not missing, have, need, missing)


def _mark(path: Path, digest: str) -> dict[str, Any] | None:
    """What a file looks like, to be compared later: whole seconds, since some file systems keep no more."""
    try:
        found = path.stat()
    except OSError:
        return None
    return {"bytes": found.st_size, "modified": int(found.st_mtime), "sha256": digest}
