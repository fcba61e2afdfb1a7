"""``prune`` and ``purge``: nothing else ever deletes."""

from __future__ import annotations

from collections.abc import Callable

from tts_cache import writer
from tts_cache.commands.task import Task
from tts_cache.move import sweeping
from tts_cache.move.sweeping import Sweep
from tts_cache.state import Records


def prune(task: Task) -> int:
    """Delete models that the engine does not need; without an engine, those that the lock does not know."""
    return _sweep(task, lambda records: sweeping.unneeded(task.cache, task.items, records))


def purge(task: Task) -> int:
    """Delete all weights; with ``--voices`` the users' voices and all notes as well."""
    return _sweep(task, lambda _: sweeping.everything(task.cache, voices=task.options.voices))


def _sweep(task: Task, plan: Callable[[Records], Sweep]) -> int:
    dry, sweep = task.options.dry_run, plan(Records(task.cache))
    if sweep.places and not dry:
        with writer.writing(task.cache, task.options.wait, task.tell):
            records = Records(task.cache)
            sweep = plan(records)  # somebody may have been at work meanwhile
            sweeping.carry_out(task.cache, sweep, records)
    if not task.options.json:
        for place in sweep.places:
            print(place)
    told = {"files": len(sweep.places), "freed_bytes": sweep.freed_bytes}
    task.tell("would-delete" if dry else "deleted", **told, **({"places": sweep.places} if task.options.json else {}))
    return 0
