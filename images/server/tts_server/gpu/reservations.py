"""GPU memory that stacks promise each other: a locked file a worker, so that its death frees what it had.

Below the hub's folder each GPU has a folder, and in there each worker a file: what it may use at most, and what it has
been seen to use. The worker holds the file open and locked. What is promised but not yet used is what NVML cannot show.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_GATE = ".gate"
_GATE_SECONDS = 5.0
_SAFE = re.compile(r"[^A-Za-z0-9._-]")
_SHARED_FOLDER = 0o1777
_WIDTH = 256
"""Bytes of a record, padded: it is rewritten in place, since a new file would not carry the lock."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A live reservation of somebody's."""

    stack: str
    engine: str
    bytes: int
    used: int

    @property
    def outstanding(self) -> int:
        """What may still be taken and cannot be seen yet."""
        return max(0, self.bytes - self.used)


@dataclass(frozen=True, slots=True)
class Room:
    """The figures of a decision, in bytes."""

    need: int
    free: int
    promised: int

    @property
    def enough(self) -> bool:
        return self.free - self.promised >= self.need


class Busy(Exception):
    """Somebody else is deciding about this GPU, and does not come to an end."""


class Reservation:
    """Our own promise. The open file is handed to the worker, then closed here."""

    def __init__(self, path: Path, handle: int, promise: Promise) -> None:
        self._path = path
        self._promise = promise
        self.handle = handle

    def handed_over(self) -> None:
        """The worker holds it now, or nobody does."""
        with suppress(OSError):
            os.close(self.handle)

    def used(self, amount: int) -> None:
        """Note what the worker has been seen to use."""
        promise = self._promise
        with suppress(OSError), self._path.open("r+b") as file:
            file.write(_record(Promise(promise.stack, promise.engine, max(promise.bytes, amount), amount)))

    def forget(self) -> None:
        """The worker has ended: nobody needs to find out by the lock."""
        with suppress(OSError):
            self._path.unlink()


def reserve(hub: Path, gpu: str, promise: Promise, free: int) -> tuple[Reservation | None, Room]:
    """Promise memory of a GPU if it is there; the figures either way.

    Raises:
        Busy: The gate stays closed.
        OSError: The folder cannot be used.
    """
    folder = _folder(hub, gpu)
    with _gate(folder):
        room = Room(promise.bytes, free, sum(one.outstanding for one in _living(folder)))
        return (_make(folder, promise) if room.enough else None), room


def living(hub: Path, gpu: str) -> tuple[Promise, ...]:
    """All promises about a GPU, ours included. Raises as `reserve` does."""
    folder = _folder(hub, gpu)
    with _gate(folder):
        return tuple(_living(folder))


def _folder(hub: Path, gpu: str) -> Path:
    folder = hub / _SAFE.sub("_", gpu)
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            folder.chmod(_SHARED_FOLDER)  # stacks may run as different users
    return folder


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """One stack at a time decides about a GPU."""
    handle = os.open(folder / _GATE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with suppress(OSError):
            os.fchmod(handle, 0o666)  # whatever the umask says, other stacks go through here too
        end = time.monotonic() + _GATE_SECONDS
        while not _locked(handle):
            if time.monotonic() > end:
                raise Busy(str(folder))
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _make(folder: Path, promise: Promise) -> Reservation:
    path = folder / f"{os.getpid()}-{secrets.token_hex(8)}.json"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, _record(promise))
    except BaseException:
        os.close(handle)
        path.unlink()
        raise
    return Reservation(path, handle, promise)


def _living(folder: Path) -> Iterator[Promise]:
    """The promises whose worker lives; files that nobody holds are cleared away."""
    for path in sorted(folder.glob("*.json")):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe holds nobody up
        except OSError:
            continue
        try:
            if _locked(handle):
                with suppress(OSError):
                    path.unlink()
            elif (promise := _promise(os.read(handle, _WIDTH))) is not None:
                yield promise
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _record(promise: Promise) -> bytes:
    document = {
        "stack": promise.stack[:60], "engine": promise.engine[:40], "bytes": promise.bytes, "used": promise.used,
    }  # fmt: skip
    return json.dumps(document).encode("ascii")[:_WIDTH].ljust(_WIDTH)


def _promise(text: bytes) -> Promise | None:
    try:
        found = json.loads(text)
        return Promise(str(found["stack"]), str(found["engine"]), int(found["bytes"]), int(found.get("used", 0)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
