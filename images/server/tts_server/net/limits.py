"""How much the process takes at once: file descriptors, connections, and log lines when the system has no more."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from typing import Any

_log = logging.getLogger(__name__)
_MOST = 1000
_OWN_FILES = 64
"""Descriptors that are not connections: the worker, the log, libraries that are being imported, sound on its way."""

_FEWEST = 8
_REPEAT_SECONDS = 30.0


def connections() -> int:
    """Raise the limit of open files as far as it goes; how many connections there is room for then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    except (OSError, ValueError):
        _log.debug("the limit of open files stays at %d", soft)
    return _MOST if soft == resource.RLIM_INFINITY else max(_FEWEST, min(_MOST, soft - _OWN_FILES))


class Complaints:
    """The event loop's own troubles: one line each, and the same one not again for a while."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        handle = "handle" in context  # then the message shows the values that a callback was called with
        message = "a callback failed" if handle else str(context.get("message", "")).partition("<")[0]
        now = time.monotonic()
        if now - self._said.get(message, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return
        self._said[message] = now
        _log.error("event loop: %s", message, exc_info=context.get("exception"))
