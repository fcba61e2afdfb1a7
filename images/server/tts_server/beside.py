"""Work beside the event loop that must not hold up the exit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run something in a daemon thread: it may take long, or never return, and neither delays the exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed over
            _tell(loop, partial(_settle, done.set_exception, error))
        else:
            _tell(loop, partial(_settle, done.set_result, result))

    def _settle(settle: Callable[[Any], None], value: Any) -> None:
        if not done.cancelled():
            settle(value)

    threading.Thread(target=run, daemon=True).start()
    return await done


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(what)
