"""What a command works on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy_kit.errors import fail
from deploy_kit.messages import Catalogue
from deploy_kit.units import size
from tts_cache import layout
from tts_cache.events import Teller
from tts_cache.lock import Item, Lock
from tts_cache.net.limits import Limits
from tts_cache.state import Held


@dataclass(frozen=True, slots=True)
class Task:
    """One command with its arguments; ``items`` is what the engine named needs, of the whole lock without one."""

    options: argparse.Namespace
    environment: Mapping[str, str]
    tell: Teller
    words: Catalogue
    cache: Path
    lock: Lock
    items: tuple[Item, ...]
    limits: Limits

    @classmethod
    def of(cls, options: argparse.Namespace, environment: Mapping[str, str], tell: Teller, words: Catalogue) -> Task:
        """Read the lock and look at the cache's layout.

        Raises:
            Failure: CACHE-LOCK, CACHE-LAYOUT, USAGE-ARGUMENTS.
        """
        lock, cache = Lock.load(options.lock), Path(options.cache)
        layout.check(cache)
        engine = getattr(options, "engine", None)
        items = lock.needs(engine, engine is None or options.emotion_text)
        try:
            limits = Limits.usual(getattr(options, "limits", ""))
        except ValueError as error:
            raise fail("USAGE-ARGUMENTS", "tts_cache", problem=error, usage="--limits NAME=VALUE,…") from None
        return cls(options, environment, tell, words, cache, lock, items, limits)

    def begin(self, held: Held, source: str) -> None:
        """Tell that work begins, and how much there is."""
        self.tell(
            "start",
            need_bytes=held.need_bytes,
            have_bytes=held.have_bytes,
            files=len(held.missing),
            source=source,
        )

    def demand(self, held: Held, reason: str) -> None:
        """Refuse to go on with a cache that lacks something.

        Raises:
            Failure: CACHE-INCOMPLETE.
        """
        if held.missing:
            first, lacking = held.missing[0], size(held.need_bytes - held.have_bytes)
            name = f"{first.repository}/{first.path}"
            raise fail("CACHE-INCOMPLETE", name, files=len(held.missing), size=lacking, reason=reason)
