"""A deadline for work that no exception can end: it hangs in a driver."""

from __future__ import annotations

import faulthandler
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tts_worker import log

_LAST_RESORT_SECONDS = 5.0


class Deadline:
    """``on_late`` is called from a thread of its own after ``seconds``; it should end the process.

    Work that hangs while it holds the interpreter's lock would never let that thread run, so a second clock, which
    needs no lock, ends the process some seconds later.
    """

    def __init__(self, seconds: float, on_late: Callable[[], None]) -> None:
        self._seconds = seconds
        self._timer = threading.Timer(seconds, on_late)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        faulthandler.dump_traceback_later(self._seconds + _LAST_RESORT_SECONDS, exit=True, file=log.stream())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        faulthandler.cancel_dump_traceback_later()
