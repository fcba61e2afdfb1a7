"""``list``, ``verify`` and ``accept``: what is there, whether it is still right, and under which terms."""

from __future__ import annotations

import contextlib
from typing import Any

from deploy_kit.errors import fail
from deploy_kit.units import size
from tts_cache import layout, licences, writer
from tts_cache.commands.task import Task
from tts_cache.events import Meter
from tts_cache.fetch.partial import Partial, hash_file
from tts_cache.lock import Item
from tts_cache.state import Records, held


def show(task: Task) -> int:
    """Tell of every file that is needed whether it is there."""
    records, state = Records(task.cache), held(task.cache, task.items)
    files = [_row(task, records, item) for item in task.items]
    terms = [_terms(task, one) for one in _licences(task)]
    if task.options.json:
        told = {"need_bytes": state.need_bytes, "have_bytes": state.have_bytes, "complete": state.complete}
        task.tell("list", cache=str(task.cache), **told, files=files, licences=terms)
        return 0
    for row in files:
        print(f"{task.words('cache.state-' + row['state']):12} {size(row['bytes'] or 0):>10}  {row['place']}")
    for one in terms:
        print(f"{one['name']}: {one['terms']} ({', '.join(one['repositories'])}) {one['url']}")
    total = {"have": size(state.have_bytes), "need": size(state.need_bytes)}
    print(task.words("cache.list-total", missing=len(state.missing), files=len(task.items), **total))
    return 0


def verify(task: Task) -> int:
    """Read and hash every file that is there, recorded or not.

    Raises:
        Failure: CACHE-DAMAGED; the files stay where they are, but count as missing from now on.
    """
    there = [item for item in task.items if (task.cache / item.place).is_file()]
    total = sum((task.cache / item.place).stat().st_size for item in there)
    task.tell("reading", need_bytes=total, files=len(there))
    with contextlib.ExitStack() as stack:
        if _writable(task):
            layout.prepare(task.cache)
            stack.enter_context(writer.writing(task.cache, task.options.wait, task.tell))
        damaged = _verified(task, there, total)
    if damaged:
        raise fail("CACHE-DAMAGED", ", ".join(item.place for item in damaged))
    task.tell("done", files=len(there), have_bytes=total, fetched_bytes=0, seconds=0.0)
    return 0


def accept(task: Task) -> int:
    """Show the licences, and note that they are accepted when ``--accept-license`` says so.

    Raises:
        Failure: CACHE-READ-ONLY.
    """
    engine, how = task.options.engine, task.options.accept_license
    if how is not None and engine is not None:
        licences.accept(task.cache, task.lock, engine, how)
    done = engine is None or licences.accepted(task.cache, task.lock, engine)
    if task.options.json:
        task.tell("licences", accepted=done, licences=[_terms(task, one) for one in _licences(task)])
        return 0
    for one in _licences(task):
        print(f"{one.name} ({', '.join(one.repositories)})\n  {task.words.text(one.terms.key, one.terms.args)}")
        print(f"  {one.url}")
    print(task.words("cache.accepted" if done else "cache.not-accepted"))
    return 0


def _verified(task: Task, there: list[Item], total: int) -> list[Item]:
    records, meter, damaged = Records(task.cache), Meter(task.tell, 0, total), []
    for item in there:
        wanted = records.expected(item)
        meter.begin(item.path, 0)
        try:
            digest = hash_file(task.cache / item.place, meter.add)
        except OSError:
            digest = "unreadable"  # a bad sector, say
        if digest != (wanted.sha256 or digest) or digest == "unreadable":
            damaged.append(item)
            task.tell.note("damaged", file=item.place)
        elif not records.verified(item) and _writable(task):
            records.keep(item, digest, "found in the cache")
    meter.tell()
    if damaged and _writable(task):
        records.forget(frozenset(item.place for item in damaged))
    return damaged


def _writable(task: Task) -> bool:
    import os

    return os.access(task.cache, os.W_OK) and not os.statvfs(task.cache).f_flag & os.ST_RDONLY


def _licences(task: Task) -> tuple[licences.Licence, ...]:
    names = {task.options.engine} if task.options.engine else {e for r in task.lock.repositories for e in r.engines}
    found = {one.ident: one for name in sorted(names) for one in licences.needed(task.lock, name)}
    return tuple(found.values())


def _terms(task: Task, one: licences.Licence) -> dict[str, Any]:
    terms = task.words.text(one.terms.key, one.terms.args)
    shown = {"id": one.ident, "name": one.name, "url": one.url, "ask": one.ask, "terms": terms}
    return shown | {"repositories": list(one.repositories)}


def _row(task: Task, records: Records, item: Item) -> dict[str, Any]:
    wanted = records.expected(item)
    lying = Partial(task.cache, wanted).lying
    path = task.cache / item.place
    state = "held" if records.verified(item) else "unverified" if path.is_file() else "partial" if lying else "missing"
    row = {"repository": item.repository, "path": item.path, "place": item.place, "state": state}
    return row | {"bytes": wanted.bytes, "sha256": wanted.sha256, "locked": item.sha256 is not None, "partial": lying}
