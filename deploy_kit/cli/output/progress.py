"""Choosing how progress is shown, and ending work cleanly when a signal asks for it."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event


class Display(Protocol):
    """Something that shows events and can be put away."""

    def show(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Progress:
    """A reporter in the style asked for (``auto`` looks at the terminal). The display is made with the first event:
    a command that finds nothing to do pays nothing for it."""

    def __init__(self, style: str, json_output: bool, words: Catalogue) -> None:
        self._style = style
        self._json = json_output
        self._words = words
        self._display: Display | None = None

    def report(self, event: Event) -> None:
        """Show an event."""
        if self._display is None:
            self._display = _display(self._style, self._json, self._words)
        try:
            self._display.show(event)
        except OSError:  # nobody can be told any more; the work itself goes on, and its exit code tells the rest
            self._display = Silence()

    def pause(self) -> None:
        """Give the terminal back for a while (a question); the next event takes it again."""
        if self._display is not None:
            self._display.close()

    close = pause


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that children are stopped and the next run can go on."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _display(style: str, json_output: bool, words: Catalogue) -> Display:
    if style == "json" or (style == "auto" and json_output):
        from deploy_kit.cli.output.events import JsonLines

        return JsonLines(sys.stdout if json_output else sys.stderr, words)
    if style == "quiet" or json_output:
        return Silence()
    if style == "tty" or (style == "auto" and sys.stderr.isatty()):
        from deploy_kit.cli.output.bars import Bars

        return Bars(words)
    from deploy_kit.cli.output.plain import PlainLines

    return PlainLines(sys.stderr, words)


class Silence:
    """Shows nothing."""

    def show(self, event: Event) -> None:
        """Drop the event."""

    def close(self) -> None:
        """Nothing to put away."""
