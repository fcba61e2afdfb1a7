"""What the cache's work tells: one JSON object a line for programs, sentences for people."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from deploy_kit.errors import Failure
from deploy_kit.messages import Catalogue
from deploy_kit.units import size

_INTERVAL = 0.5
_SPOKEN_INTERVAL = 10.0
_WINDOW = 5.0


class Passing(Failure):
    """A failure for a reason that passes: trying again later can do, nobody needs to change anything."""


class Teller:
    """Tells events on standard output. ``words`` None means JSON lines."""

    def __init__(self, words: Catalogue | None) -> None:
        self._words = words

    def __call__(self, event: str, /, **fields: Any) -> None:
        if self._words is None:
            self._print(json.dumps({"event": event, **fields}, ensure_ascii=False))
        elif event == "note":
            self._print(self._words(f"cache.note-{fields['code']}", **fields.get("args", {})))
        elif event == "source" and fields["reason"]:
            self._print(self._words("cache.event-source-quick", **fields))
        elif event != "failed":
            self._print(self._words(f"cache.event-{event}", **_spoken(fields)))

    @property
    def interval(self) -> float:
        """Seconds between two events of progress."""
        return _INTERVAL if self._words is None else _SPOKEN_INTERVAL

    def note(self, code: str, /, **args: object) -> None:
        """A sentence of the catalogue: ``cache.note-<code>``."""
        self("note", code=code, args={name: str(value) for name, value in args.items()})

    def failed(self, failure: Failure) -> None:
        """How the work failed; people read it on standard error."""
        finding, passing = failure.finding, isinstance(failure, Passing)
        if self._words is None:
            self("failed", code=finding.code, args=dict(finding.args), passing=passing)
            return
        parts = [self._words.text(m.key, m.args) for m in (finding.sentence(p) for p in ("what", "why", "remedy"))]
        print(f"{finding.code}: " + "\n  ".join(parts), file=sys.stderr, flush=True)

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)


class Meter:
    """Counts bytes of one piece of work and tells of them now and then."""

    def __init__(self, tell: Teller, done: int, total: int) -> None:
        self._tell = tell
        self._done = done
        self._total = total
        self._told = 0.0
        self._marks: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self.file = ""
        self.moved = 0

    def begin(self, file: str, already: int, grown: int = 0) -> None:
        """A file begins: ``already`` bytes of it lie there, ``grown`` bytes belong to no total so far."""
        self.file = file
        self._done += already
        self._total += grown

    def back(self, count: int) -> None:
        """Bytes that were counted turned out to be useless."""
        self._done -= count

    def add(self, count: int) -> None:
        """More bytes have come."""
        self._done += count
        self.moved += count
        now = time.monotonic()
        if now - self._told >= self._tell.interval:
            self.tell(now)

    def tell(self, now: float | None = None) -> None:
        """Tell how far the work is."""
        now = time.monotonic() if now is None else now
        self._told = now
        self._marks = [mark for mark in self._marks if now - mark[0] <= _WINDOW] or self._marks[-1:]
        began, then = self._marks[0]
        self._marks.append((now, self.moved))
        speed = round((self.moved - then) / (now - began)) if now > began else 0
        total = max(self._total, self._done)
        self._tell("progress", file=self.file, done_bytes=self._done, total_bytes=total, speed=speed)


def _spoken(fields: dict[str, Any]) -> dict[str, str]:
    spoken = {name: size(value) if _is_size(name) else str(value) for name, value in fields.items()}
    if total := fields.get("total_bytes"):
        spoken["percent"] = f"{100 * fields['done_bytes'] / total:.0f}"
    return spoken


def _is_size(name: str) -> bool:
    return name.endswith("_bytes") or name == "speed"
