"""Log lines: one line an event, with the request's id, never with a user's text."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TextIO

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that runs in this context; set by the front."""

FILE_LIMIT = 10 * 1024 * 1024
"""Bytes that a log file may have before it is emptied."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_QUIET = ("httpx", "httpcore", "asyncio", "gradio", "urllib3", "multipart", "python_multipart")


class _Plain(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        ident = request_id.get()
        head = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%SZ')} {record.levelname.lower():7} {record.getMessage()}"
        return head + (f" request={ident}" if ident else "") + _trace(record)


class _Json(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request": request_id.get() or None,
            "trace": _trace(record).strip() or None,
        }
        return json.dumps({key: value for key, value in document.items() if value is not None}, ensure_ascii=False)


def _trace(record: logging.LogRecord) -> str:
    """Where an exception came from. Its own text is left out: libraries put the input that upset them into it."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    error = record.exc_info[1]
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f" {type(error).__name__} at " + " < ".join(reversed(places))


class _Capped(logging.StreamHandler[TextIO]):
    """Standard output that is a file nobody else looks after: it is copied to ``<file>.1`` and emptied when it is full.

    Everybody who writes to it (a worker, the interpreter itself) appends, so all go on in the emptied file.
    """

    def __init__(self, file: Path, limit: int) -> None:
        super().__init__(sys.stdout)
        self._file = file
        self._limit = limit

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        with suppress(OSError):  # a log that cannot be shortened is still a log
            if self._file.stat().st_size > self._limit:
                shutil.copyfile(self._file, self._file.with_name(f"{self._file.name}.1"))
                os.truncate(self._file, 0)


def configure(level: str, form: str, file: Path | None = None, limit: int = FILE_LIMIT) -> None:
    """Send everything to standard output in one form, at this level.

    Args:
        file: The file that standard output was opened on for appending, when its size is ours to keep.
        limit: Bytes after which it is emptied; one older copy is kept.
    """
    handler = logging.StreamHandler(sys.stdout) if file is None else _Capped(file, limit)
    handler.setFormatter(_Json() if form == "json" else _Plain())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
