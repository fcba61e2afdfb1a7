"""Fetching everything that is missing: source after source, file after file, until the lock is met."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from deploy_kit.errors import Failure, fail
from deploy_kit.units import size
from tts_cache.events import Meter, Passing, Teller
from tts_cache.fetch import room, transfer
from tts_cache.fetch.partial import Partial, hash_file
from tts_cache.fetch.trouble import AGAIN, PASSING, Kind, Trouble
from tts_cache.hubs import choice
from tts_cache.hubs.sources import Source
from tts_cache.lock import Item, Lock
from tts_cache.move import placing
from tts_cache.net.limits import Limits
from tts_cache.state import Records

_TRIES = 4
"""Attempts at one source in a row that bring nothing new."""

_PROGRESS = 65536
"""An attempt that brings this many bytes brought something new."""

_PAUSES = (0.1, 0.2, 1.0, 3.0)
"""Seconds before the next attempt at the same source."""

_ROUNDS = (5.0, 15.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds before all sources are asked once more."""

_BACK = frozenset({Kind.SILENT, Kind.FORBIDDEN, Kind.SLOW, Kind.LIMITED, Kind.SERVER, Kind.LOOP, Kind.PAGE})
"""Troubles that are the source's rather than the file's: it goes to the end of the line for the files that follow."""


class Fetch:
    """One run that fetches; the caller holds the writer's lock."""

    def __init__(self, cache: Path, lock: Lock, limits: Limits, tell: Teller, records: Records) -> None:
        self._cache = cache
        self._lock = lock
        self._limits = limits
        self._tell = tell
        self._records = records
        self._order: list[Source] = []
        self.fetched = 0

    def run(self, missing: tuple[Item, ...], sources: list[Source], done: int, total: int) -> None:
        """Fetch these items; ``done`` of ``total`` bytes are there already.

        Raises:
            Failure: Of the first file that no source gives, or CACHE-NO-SPACE, CACHE-READ-ONLY.
        """
        asked = [self._records.expected(item) for item in missing]
        self._demand_room(asked)
        meter = Meter(self._tell, done, total)
        left = [pair for pair in zip(missing, asked) if not self._copied(*pair, meter)]
        if not left:
            return
        self._choose(sources, max((item for _, item in left), key=lambda item: item.bytes or 0))
        for item, wanted in sorted(left, key=lambda pair: pair[1].bytes or 0):  # small ones first: faults show early
            self._item(item, wanted, meter)
        meter.tell()
        self.fetched = meter.moved

    def _demand_room(self, asked: list[Item]) -> None:
        lying = sum(Partial(self._cache, item).lying for item in asked)
        self._needed = max(0, sum(item.bytes or 0 for item in asked) - lying) + self._limits.reserve_bytes
        room.demand(self._cache, self._needed)

    def _choose(self, sources: list[Source], item: Item) -> None:
        if len(sources) == 1:
            self._order = sources
            self._tell("source", name=sources[0].name, reason="")
            return
        found = choice.trials(sources, item, self._lock, self._limits)
        self._order = choice.ranked(found)
        for trial in found:
            if trial.reason:
                self._tell.note("source-out", name=trial.source.name, reason=trial.reason)
        first = next(trial for trial in found if trial.source is self._order[0])
        self._tell("source", name=first.source.name, reason=f"{size(first.speed)}/s" if first.speed else "")

    def _copied(self, item: Item, wanted: Item, meter: Meter) -> bool:
        """Take the file from another place of this cache, where the lock has the same bytes twice."""
        for twin in self._lock.all():
            if twin.sha256 and twin.sha256 == wanted.sha256 and twin != item and self._records.verified(twin):
                target = self._cache / item.place
                source = self._cache / twin.place
                self._guarded(lambda: placing.place(self._cache, source, target))  # noqa: B023  # called at once
                self._guarded(lambda: self._records.keep(item, str(wanted.sha256)))
                meter.begin(item.path, wanted.bytes or 0)
                return True
        return False

    def _item(self, item: Item, wanted: Item, meter: Meter) -> None:
        if self._copied(item, wanted, meter):
            return
        partial, pauses = Partial(self._cache, wanted), iter(_ROUNDS)
        meter.begin(item.path, partial.lying)
        waited = 0.0
        while (found := self._round(item, wanted, partial, meter)) is not None:
            pause = next(pauses, None)
            passing = any(trouble.kind in PASSING and not trouble.final for trouble in found)
            if not meter.moved or not passing or pause is None or waited + pause > self._limits.patience_seconds:
                raise failure(item, found)
            waited += pause  # it went well a moment ago
            self._tell.note("pause", seconds=round(pause))
            time.sleep(pause)

    def _round(self, item: Item, wanted: Item, partial: Partial, meter: Meter) -> list[Trouble] | None:
        """Ask every source once for a file; the troubles, None when it is there."""
        troubles: list[Trouble] = []
        for source in list(self._order):
            url = source.url(item, self._lock)
            if url is None:
                troubles.append(Trouble(Kind.MISSING, "no such repository there", source=source.name))
                continue
            trouble = self._from(source, url, wanted, partial, meter)
            if trouble is None:
                self._guarded(lambda: self._settle(item, wanted, partial, source))  # noqa: B023  # called at once
                return None
            troubles.append(trouble)
            self._tell.note("source-failed", name=source.name, file=item.path, reason=trouble.reason)
            if trouble.kind in _BACK:
                self._order = [*(one for one in self._order if one is not source), source]
        return troubles

    def _from(self, source: Source, url: str, wanted: Item, partial: Partial, meter: Meter) -> Trouble | None:
        """All attempts at one source; the trouble that ended them, None when the file is there."""
        tries, waited = 0, 0.0
        while True:
            before = partial.lying
            try:
                self._guarded(lambda: transfer.attempt(wanted, source, url, partial, self._limits, meter.add))
            except Trouble as trouble:
                tries = 0 if partial.lying - before >= _PROGRESS else tries + 1
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
                if trouble.kind is Kind.LIMITED and waited + trouble.seconds <= self._limits.patience_seconds:
                    pause = max(trouble.seconds, pause)
                    waited += pause
                    self._tell.note("wait", name=source.name, seconds=round(pause))
                elif trouble.kind not in AGAIN or tries >= _TRIES:
                    return trouble
                time.sleep(pause)
            else:
                return None

    def _settle(self, item: Item, wanted: Item, partial: Partial, source: Source) -> None:
        digest = wanted.sha256 or partial.digest
        partial.settle(self._cache / item.place)
        self._records.keep(item, digest, source.name)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do work that writes into the cache; what the disk says against it is a failure of ours."""
        try:
            work()
        except OSError as error:
            raise room.refused(error, self._cache, self._needed) from error


def adopt(cache: Path, items: tuple[Item, ...], records: Records, tell: Teller) -> None:
    """Hash files that lie in their places without being recorded, and record those that are right.

    So a restored backup, or a cache whose records were lost, costs reading but no fetching. Wrong ones stay where they
    are until the right one takes their place.

    Raises:
        OSError: The record cannot be written.
    """
    for item in items:
        path, wanted = cache / item.place, records.expected(item)
        try:
            if records.verified(item) or wanted.bytes not in (None, path.stat().st_size):
                continue
            if wanted.sha256 is None and transfer.unlikely(item, path.read_bytes()):
                continue
            tell.note("hashing", file=item.path)
            digest = hash_file(path)
        except OSError:
            continue
        if digest == (wanted.sha256 or digest):
            records.keep(item, digest, "found in the cache")
        else:
            tell.note("damaged", file=item.path)


def failure(item: Item, troubles: list[Trouble]) -> Failure:
    """What to say when no source gave a file: the most telling of the troubles, with all of them as reasons."""
    reasons = "; ".join(f"{trouble.source}: {trouble.reason}" for trouble in troubles)
    name = f"{item.repository}/{item.path}"
    found = {trouble.kind: trouble for trouble in reversed(troubles)}
    if trouble := found.get(Kind.FORBIDDEN):
        told = fail("CACHE-FORBIDDEN", name, source=trouble.source, status=trouble.status, reasons=reasons)
    elif Kind.WRONG in found or Kind.STALE in found:
        told = fail("CACHE-CORRUPT", name, wanted=item.sha256 or "?", reasons=reasons)
    elif trouble := found.get(Kind.PAGE):
        told = fail("CACHE-NOT-A-FILE", name, source=trouble.source, kind=trouble.reason, reasons=reasons)
    elif trouble := found.get(Kind.LIMITED):
        told = fail("CACHE-LIMITED", name, source=trouble.source, seconds=round(trouble.seconds), reasons=reasons)
    elif set(found) == {Kind.MISSING}:
        told = fail("CACHE-NOT-FOUND", name, reasons=reasons)
    else:
        told = fail("CACHE-NO-SOURCE", name, reasons=reasons)
    passing = any(trouble.kind in PASSING and not trouble.final for trouble in troubles)
    return Passing(told.finding) if passing else told
