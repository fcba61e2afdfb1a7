"""What libraries would print or log: one line an event, saying where it happened, never what a user sent."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any

_log = logging.getLogger(__name__)
_OURS = ("tts_server", "deploy_kit")
_PLAIN = ("uvicorn", "asyncio")
"""Libraries whose templates (not their values) tell nothing of a request."""


def install() -> None:
    """Take hold of every way out, for the whole process: libraries write tracebacks to standard error by themselves."""
    make = logging.getLogRecordFactory()

    def factory(*args: Any, **extra: Any) -> logging.LogRecord:
        return _without_values(make(*args, **extra))

    logging.setLogRecordFactory(factory)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # else a line for each byte of noise on the port
    traceback.print_exc = _print_exc
    traceback.print_exception = _print_exception
    warnings.showwarning = _show_warning
    sys.excepthook = _log_exception
    threading.excepthook = lambda told: _log_exception(told.exc_type, told.exc_value, told.exc_traceback)
    sys.unraisablehook = lambda told: _log_exception(told.exc_type, told.exc_value, told.exc_traceback)


def _without_values(record: logging.LogRecord) -> logging.LogRecord:
    library = record.name.partition(".")[0]
    if library not in _OURS:
        known = library in _PLAIN and isinstance(record.msg, str)
        text = " ".join(record.msg.split()) if known else "(message withheld)"
        record.msg = f"{record.name} at {record.module}:{record.lineno} {text}"
        record.args = ()  # without values a message is not a template any more
    return record


def _print_exc(*_: Any, **__: Any) -> None:
    _log_exception(*sys.exc_info())


def _print_exception(error: Any, *args: Any, **__: Any) -> None:
    value = error if isinstance(error, BaseException) else next((a for a in args if isinstance(a, BaseException)), None)
    if value is not None:
        _log_exception(type(value), value, value.__traceback__)


def _log_exception(kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
    if kind is not None and value is not None:
        _log.error("a library reports", exc_info=(kind, value, trace))


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    del message, file, line
    _log.warning("%s at %s:%d", category.__name__, filename, lineno)
