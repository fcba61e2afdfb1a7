"""Which source to ask first: all are tried at once with the same question, and the quicker one wins clearly or not."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from tts_cache.hubs.sources import Source
from tts_cache.lock import Item, Lock
from tts_cache.net import wire
from tts_cache.net.limits import Limits

_CLEARLY = 2.0
"""How many times quicker a source must be to go before one that the region prefers."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a source did: ``speed`` in bytes a second, 0 when it gave nothing; ``reason`` why not."""

    source: Source
    speed: float
    reached: bool
    reason: str = ""


def trials(sources: list[Source], item: Item, lock: Lock, limits: Limits) -> list[Trial]:
    """Ask every source for the beginning of one file, all at once; who is late counts as not reached."""
    found: dict[str, Trial] = {}

    def ask(source: Source) -> None:
        found[source.name] = _try(source, item, lock, limits)

    threads = [threading.Thread(target=ask, args=(source,), daemon=True) for source in sources]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limits.probe_seconds + 1
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {limits.probe_seconds:g} s"
    return [found.get(source.name) or Trial(source, 0.0, False, late) for source in sources]


def ranked(found: list[Trial]) -> list[Source]:
    """Sources in the order to ask them: as preferred, unless one is clearly quicker; those not reached last."""
    order: list[Trial] = []
    for trial in found:
        place = len(order)
        while place and _before(trial, order[place - 1]):
            place -= 1
        order.insert(place, trial)
    return [trial.source for trial in order]


def _before(late: Trial, early: Trial) -> bool:
    """Whether a source that is preferred less goes before another all the same."""
    if late.reached != early.reached:
        return late.reached
    return late.speed > _CLEARLY * early.speed


def _try(source: Source, item: Item, lock: Lock, limits: Limits) -> Trial:
    url, began = source.url(item, lock), time.monotonic()
    if url is None:
        return Trial(source, 0.0, True, "no such repository there")
    headers = {"Range": f"bytes=0-{limits.probe_bytes - 1}"}
    try:
        with wire.ask(url, headers, source.token, limits.probe_seconds) as answer:
            if answer.status not in (200, 206):
                return Trial(source, 0.0, answer.status < 500, f"HTTP {answer.status}")
            got = 0
            while got < limits.probe_bytes and time.monotonic() - began < limits.probe_seconds:
                block = answer.read(65536)
                if not block:
                    break
                got += len(block)
    except wire.Unreachable as error:
        return Trial(source, 0.0, False, str(error))
    return Trial(source, got / max(0.001, time.monotonic() - began), True)
