"""Progress as plain lines, for logs and pipes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from deploy_kit.cli.output.findings import sentence
from deploy_kit.cli.output.text import seconds
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event, EventKind

_TAIL = 20


def step_name(step: str, words: Catalogue) -> str:
    """The name of a step in the user's language; unknown steps keep their own."""
    return words.text(f"plan.op.{step}") if words.has(f"plan.op.{step}") else step


class PlainLines:
    """One line an event; a line of progress at most every tenth of the way or every few seconds.

    What tools print is kept back, and its end shown when their step fails.
    """

    def __init__(self, stream: TextIO, words: Catalogue, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._words = words
        self._clock = clock
        self._tenth = -1
        self._last = 0.0
        self._tail: deque[str] = deque(maxlen=_TAIL)

    def show(self, event: Event) -> None:
        if event.kind is EventKind.LINE:
            self._tail.append(self._line(event))
            return
        if event.kind is EventKind.PROGRESS and not self._due(event):
            return
        if event.kind is EventKind.FAILED:
            for text in self._tail:
                print(text, file=self._stream)
        print(self._line(event), file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to put away."""

    def _due(self, event: Event) -> bool:
        tenth = -1 if event.fraction is None else int(event.fraction * 10)
        due = tenth != self._tenth or self._clock() - self._last >= 5
        if due:
            self._tenth, self._last = tenth, self._clock()
        return due

    def _line(self, event: Event) -> str:
        message = sentence(event.message, self._words) if event.message else ""
        name = step_name(event.step, self._words)
        match event.kind:
            case EventKind.STEP:
                self._tenth = -1
                self._tail.clear()
                return f"==> {name} {event.subject}".rstrip() + (f" — {message}" if message else "")
            case EventKind.LINE:
                return f"    | {event.text}".rstrip()
            case EventKind.PROGRESS:
                share = "" if event.fraction is None else f"{event.fraction:4.0%} "
                return f"    {share}{message or event.text or event.subject}".rstrip()
            case EventKind.NOTE:
                return f"    {message}"
            case EventKind.DONE:
                took = "" if event.seconds is None else f" {seconds(event.seconds)}"
                return f"    {self._words('cli.step_done')}{took}" + (f" — {message}" if message else "")
            case EventKind.FAILED:
                return f"    {self._words('cli.step_failed', step=name)}" + (f" — {message}" if message else "")
