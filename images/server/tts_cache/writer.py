"""One writer at a time: a lock on one file of the cache, which the system takes back when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from deploy_kit.errors import fail
from tts_cache.events import Passing, Teller

FILE = ".lock"
_POLL = 0.25
_REMIND = 60.0


@contextlib.contextmanager
def writing(cache: Path, wait: float, tell: Teller) -> Iterator[None]:
    """Be the one who writes, waiting up to ``wait`` seconds for the one who does so now.

    Raises:
        Failure: CACHE-READ-ONLY; CACHE-BUSY (passing) when it took too long.
    """
    try:
        handle = os.open(cache / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise fail("CACHE-READ-ONLY", str(cache)) from error
    try:
        _take(handle, cache, wait, tell)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{socket.gethostname()}, pid {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int, cache: Path, wait: float, tell: Teller) -> None:
    began, told = time.monotonic(), -_REMIND
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                tell.note("no-lock", folder=cache)  # a file system without locks: better alone than not at all
                return
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        else:
            return
        waited, holder = time.monotonic() - began, os.pread(handle, 200, 0).decode(errors="replace").strip()
        if waited >= wait:
            raise Passing(fail("CACHE-BUSY", str(cache), holder=holder, seconds=round(waited)).finding)
        if waited - told >= _REMIND:
            told = waited
            tell.note("busy", holder=holder)
        time.sleep(_POLL)
