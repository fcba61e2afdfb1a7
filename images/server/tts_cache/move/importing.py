"""Taking weights from a folder or archive: whatever is recognised there becomes part of the cache, and is hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from tts_cache.events import Meter
from tts_cache.fetch import room
from tts_cache.fetch.partial import hash_file
from tts_cache.fetch.transfer import unlikely
from tts_cache.lock import Item, Lock
from tts_cache.move import finding, placing
from tts_cache.move.boxes import Box, Entry
from tts_cache.state import Records

_BLOCK = 1024 * 1024
_SMALL = 64 * 1024 * 1024


class Import:
    """One run that imports; the caller holds the writer's lock."""

    def __init__(self, cache: Path, lock: Lock, records: Records, meter: Meter, reserve: int) -> None:
        self._cache = cache
        self._lock = lock
        self._records = records
        self._meter = meter
        self._reserve = reserve

    def run(self, box: Box, missing: tuple[Item, ...]) -> tuple[Item, ...]:
        """Take what is there of the missing items; what is still missing after it.

        Raises:
            Failure: CACHE-NO-SPACE, CACHE-READ-ONLY.
            OSError: The box cannot be read.
        """
        left = list(missing)
        asked = {item: self._records.expected(item) for item in missing}
        for entry, wanted in finding.by_hash(box, list(asked.values())):
            open_ = [item for item in left if asked[item] in wanted]
            if open_ and (digest := self._digest(box, entry)):
                for item in [item for item in open_ if asked[item].sha256 == digest]:
                    self._keep(box, entry, item, digest)
                    left.remove(item)
        for item in [item for item in left if asked[item].sha256 is None]:
            named = finding.by_name(box, item, self._lock)
            if named is not None and named.size <= _SMALL and (likely := self._likely(box, named, item)):
                self._keep(box, named, item, likely)
                left.remove(item)
        self._meter.tell()
        return tuple(left)

    def _digest(self, box: Box, entry: Entry) -> str:
        self._meter.begin(entry.path, 0)
        if (path := box.local(entry)) is not None:
            return hash_file(path)
        total = hashlib.sha256()
        with box.open(entry) as file:
            while block := file.read(_BLOCK):
                total.update(block)
        return total.hexdigest()

    def _likely(self, box: Box, entry: Entry, item: Item) -> str | None:
        with box.open(entry) as file:
            data = file.read(_SMALL)
        return None if unlikely(item, data) else hashlib.sha256(data).hexdigest()

    def _keep(self, box: Box, entry: Entry, item: Item, digest: str) -> None:
        path = box.local(entry)
        if path is None or path.stat().st_dev != self._cache.stat().st_dev:
            room.demand(self._cache, entry.size + self._reserve)
        self._guarded(lambda: self._place(box, entry, item, digest, path), entry.size)
        self._meter.add(entry.size)

    def _place(self, box: Box, entry: Entry, item: Item, digest: str, path: Path | None) -> None:
        target = self._cache / item.place
        if path is not None:
            placing.place(self._cache, path, target)
        else:
            with box.open(entry) as file:
                placing.write(self._cache, file.read, target)
        self._records.keep(item, digest, "imported")

    def _guarded(self, work: Callable[[], None], size: int) -> None:
        try:
            work()
        except OSError as error:
            if error.filename is not None and not str(error.filename).startswith(str(self._cache)):
                raise
            raise room.refused(error, self._cache, size) from error
