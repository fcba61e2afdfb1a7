"""``import`` and ``export``: weights from and to where no network goes."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tts_cache import layout, writer
from tts_cache.commands.task import Task
from tts_cache.events import Meter
from tts_cache.fetch import pull as fetching
from tts_cache.hubs import sources
from tts_cache.state import Records, held


def take(task: Task) -> int:
    """Import what a folder or archive holds of the lock; fails when that is nothing new at all.

    Raises:
        Failure: CACHE-…
    """
    path = Path(task.options.origin)
    sources.local(str(path.absolute()))
    with contextlib.suppress(FileExistsError):
        task.cache.mkdir(parents=True)
    layout.prepare(task.cache)
    with writer.writing(task.cache, task.options.wait, task.tell):
        records = Records(task.cache)
        fetching.adopt(task.cache, task.items, records, task.tell)
        before = held(task.cache, task.items)
        task.begin(before, str(path))
        moved = taken(task, path, records) if before.missing else 0
    after = held(task.cache, task.items)
    found = len(before.missing) - len(after.missing)
    if before.missing and not found:
        task.demand(after, f"Nothing in {path} is a file of the lock.")
    if after.missing:
        task.tell.note("import-left", files=len(after.missing), names=", ".join(i.path for i in after.missing[:3]))
    task.tell("done", files=found, have_bytes=after.have_bytes, fetched_bytes=moved, seconds=0.0)
    return 0


def taken(task: Task, path: Path, records: Records) -> int:
    """Import into a cache that is already ours to write; the bytes that came.

    Raises:
        Failure: CACHE-SOURCE, CACHE-NO-SPACE, CACHE-READ-ONLY.
    """
    from tts_cache.move.boxes import box
    from tts_cache.move.importing import Import

    now = held(task.cache, task.items)
    meter = Meter(task.tell, now.have_bytes, now.need_bytes)
    with box(path) as found:
        Import(task.cache, task.lock, records, meter, task.limits.reserve_bytes).run(found, now.missing)
    return meter.moved


def give(task: Task) -> int:
    """Export what the engine needs; without an engine, everything that is there.

    Raises:
        Failure: CACHE-INCOMPLETE, CACHE-DESTINATION, CACHE-NO-SPACE.
    """
    from tts_cache.move.exporting import export

    state = held(task.cache, task.items)
    if task.options.engine is not None or len(state.missing) == len(task.items):
        task.demand(state, "Only what is whole is exported.")
    gone = {item.place for item in state.missing}
    items = tuple(item for item in task.items if item.place not in gone)
    task.tell("reading", need_bytes=state.have_bytes, files=len(items))
    meter = Meter(task.tell, 0, state.have_bytes)
    export(task.cache, items, Path(task.options.target), meter)
    meter.tell()
    task.tell("done", files=len(items), have_bytes=state.have_bytes, fetched_bytes=meter.moved, seconds=0.0)
    return 0
