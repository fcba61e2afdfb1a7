"""Whether a disk has room, and how a full one is told."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from deploy_kit.errors import Failure, fail
from deploy_kit.units import size

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def free(folder: Path) -> int | None:
    """Bytes that this user may still write there; None where the file system does not say."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def demand(folder: Path, needed: int) -> None:
    """Refuse to begin what cannot fit.

    Raises:
        Failure: CACHE-NO-SPACE.
    """
    left = free(folder)
    if left is not None and left < needed:
        raise full(folder, needed)


def full(folder: Path, needed: int) -> Failure:
    """The failure of a full disk; the caller raises it."""
    return fail("CACHE-NO-SPACE", str(folder), needed=size(needed), free=size(free(folder) or 0))


def refused(error: OSError, folder: Path, needed: int) -> Failure:
    """What it means that a file of the cache cannot be written."""
    return full(folder, needed) if is_full(error) else fail("CACHE-READ-ONLY", str(folder))


def is_full(error: OSError) -> bool:
    """Whether it is for lack of room that something could not be written."""
    return error.errno in _FULL
