"""``pull``: everything the engine needs, fetched or taken from where it lies. A complete cache asks nobody."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from deploy_kit.errors import Failure, fail
from tts_cache import layout, licences, writer
from tts_cache.commands.task import Task
from tts_cache.fetch import pull as fetching
from tts_cache.hubs import sources
from tts_cache.state import Records, held


def pull(task: Task) -> int:
    """Make the cache complete; 0 when it is.

    Raises:
        Failure: CACHE-…
    """
    began, state = time.monotonic(), held(task.cache, task.items)
    _licence(task, complete=state.complete)
    if state.complete:
        task.tell("done", files=0, have_bytes=state.have_bytes, fetched_bytes=0, seconds=0.0)
        return 0
    box, source = sources.local(task.options.source), sources.shown(task.options.source)
    remote = [] if box is not None else _sources(task)
    with contextlib.suppress(FileExistsError):
        task.cache.mkdir(parents=True)
    layout.prepare(task.cache)
    fetched = 0
    with writer.writing(task.cache, task.options.wait, task.tell):
        records = Records(task.cache)
        fetching.adopt(task.cache, task.items, records, task.tell)
        now = held(task.cache, task.items)
        task.begin(now, source)
        if now.missing and box is not None:
            fetched = _take(task, box, records)
        elif now.missing:
            run = fetching.Fetch(task.cache, task.lock, task.limits, task.tell, records)
            run.run(now.missing, remote, now.have_bytes, now.need_bytes)
            fetched = run.fetched
    end = held(task.cache, task.items)
    task.demand(end, f"The source {source} does not hold them.")
    seconds = round(time.monotonic() - began, 3)
    task.tell("done", files=len(now.missing), have_bytes=end.have_bytes, fetched_bytes=fetched, seconds=seconds)
    return 0


def _sources(task: Task) -> list[sources.Source]:
    token = sources.read_token(task.options.token_file)
    return sources.sources(task.options.source, task.options.region, token, task.environment)


def _take(task: Task, path: Path, records: Records) -> int:
    from tts_cache.commands.move import taken

    return taken(task, path, records)


def _licence(task: Task, *, complete: bool) -> None:
    engine, how = task.options.engine, task.options.accept_license
    if engine is None or licences.accepted(task.cache, task.lock, engine):
        return
    asked = [one for one in licences.needed(task.lock, engine) if one.ask]
    if how is None:
        urls = ", ".join(one.url for one in asked if one.url)
        raise fail("CACHE-LICENCE", ", ".join(one.name for one in asked), url=urls, ids=[one.ident for one in asked])
    with contextlib.suppress(FileExistsError):
        task.cache.mkdir(parents=True)
    try:
        licences.accept(task.cache, task.lock, engine, how)
    except (Failure, OSError):
        if not complete:  # what was accepted for a cache that only others fill cannot be noted there
            raise
