"""The folders of cache_hub, their version, and writing files there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from deploy_kit.errors import fail

VERSION = 1
FILE = "layout.json"
PARTIAL = "partial"
VOICES = "voices"
_GROUP_WRITE = stat.S_IWGRP
_RECORD_BYTES = 16 * 1024 * 1024


def check(cache: Path) -> None:
    """Refuse a cache that a newer deploykit laid out; one without a layout file is new.

    Raises:
        Failure: CACHE-LAYOUT.
    """
    found = read(cache / FILE).get("layout", VERSION)
    if not isinstance(found, int) or found > VERSION:
        raise fail("CACHE-LAYOUT", str(cache), found=found, known=VERSION)


def prepare(cache: Path) -> None:
    """Make the folders of a cache and note its layout; what is there stays.

    Files are for our group as the cache folder is: a container of another user must be able to go on with them.

    Raises:
        Failure: CACHE-LAYOUT, CACHE-READ-ONLY.
    """
    check(cache)
    os.umask(mask(cache))
    try:
        for name in (PARTIAL, VOICES):
            (cache / name).mkdir(exist_ok=True)
        if not (cache / FILE).exists():
            write(cache / FILE, {"layout": VERSION})
    except OSError as error:
        raise fail("CACHE-READ-ONLY", str(cache)) from error


def mask(cache: Path) -> int:
    """The umask for what is written into a cache: the group may write where it may write the cache folder."""
    try:
        return 0o002 if cache.stat().st_mode & _GROUP_WRITE else 0o022
    except OSError:
        return 0o022


def read(path: Path) -> dict[str, Any]:
    """A record of ours; empty when it is missing or damaged, since every record can be made anew."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a record so that nobody ever sees half of it.

    Raises:
        OSError: It cannot be written; the old one is untouched.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
