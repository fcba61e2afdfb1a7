"""What `tts_cache` tells, line by line: passed on as progress, kept where it is a result."""

from __future__ import annotations

import json
from typing import Any

from deploy_kit.errors import Failure
from deploy_kit.findings import Finding, Message, Severity, arguments
from deploy_kit.progress import Event, EventKind, Reporter, line
from deploy_kit.units import size

_RESULTS = frozenset({"done", "list", "deleted", "would-delete"})
_TAIL = 20


class Hearing:
    """Listens to one run. ``result`` is its last word, ``failure`` what went wrong, ``tail`` lines that were none of
    its own (a traceback, say)."""

    def __init__(self, step: str, report: Reporter) -> None:
        self._step = step
        self._report = report
        self.result: dict[str, Any] | None = None
        self.failure: Failure | None = None
        self.tail: list[str] = []

    def line(self, text: str) -> None:
        """Take one line."""
        try:
            told = json.loads(text)
        except ValueError:
            told = None
        if not isinstance(told, dict) or "event" not in told:
            if text.strip():
                self.tail = [*self.tail, text][-_TAIL:]
                self._report(line(self._step, text))
            return
        self._event(str(told["event"]), told)

    def _event(self, name: str, told: dict[str, Any]) -> None:
        if name in _RESULTS:
            self.result = told
        elif name == "failed":
            args = arguments(told.get("args") or {})
            subject = dict(args).get("subject", "")
            self.failure = Failure(Finding(str(told["code"]), Severity.BLOCKER, subject, args))
        elif name == "progress":
            self._progress(told)
        elif name == "note":
            self._note(f"cache.note-{told['code']}", told.get("args") or {})
        elif name == "source":
            self._note("cache.event-source-quick" if told["reason"] else "cache.event-source", told)
        elif name in ("start", "reading"):
            self._note(f"cache.event-{name}", _readable(told))

    def _note(self, key: str, args: dict[str, Any]) -> None:
        self._report(Event(EventKind.NOTE, self._step, message=Message(key, arguments(args))))

    def _progress(self, told: dict[str, Any]) -> None:
        done, total = int(told.get("done_bytes", 0)), int(told.get("total_bytes", 0))
        fraction = min(1.0, done / total) if total else None
        shown = _readable(told) | {"percent": f"{100 * (fraction or 0):.0f}"}
        message = Message("cache.progress", arguments(shown))
        self._report(Event(EventKind.PROGRESS, self._step, str(told.get("file", "")), message, fraction=fraction))


def _readable(told: dict[str, Any]) -> dict[str, Any]:
    return {
        name: size(value) if name.endswith("_bytes") or name == "speed" else value
        for name, value in told.items()
        if name != "event"
    }
