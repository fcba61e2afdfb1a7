"""Carrying weights to another machine: a folder or a tar as `import` reads it, with the hashes that were learned."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from deploy_kit.errors import fail
from tts_cache import layout
from tts_cache.events import Meter
from tts_cache.fetch import room
from tts_cache.lock import Item
from tts_cache.move import placing
from tts_cache.state import TRUSTED


def export(cache: Path, items: tuple[Item, ...], target: Path, meter: Meter) -> None:
    """Write these files of a cache to a new folder, or to a new tar when the name ends so.

    Raises:
        Failure: CACHE-DESTINATION, CACHE-NO-SPACE.
    """
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise fail("CACHE-DESTINATION", str(target), reason="exists already")
    whole = sum((cache / item.place).stat().st_size for item in items)
    archive = target.name.endswith(".tar")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if archive or partial.parent.stat().st_dev != cache.stat().st_dev:
            room.demand(partial.parent, whole)
        (_tar if archive else _folder)(cache, items, partial, meter)
        if not archive and target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        if room.is_full(error):
            raise room.full(target.parent, whole) from error
        raise fail("CACHE-DESTINATION", str(target), reason=error.strerror or error) from error
    finally:
        _drop(partial)


def _folder(cache: Path, items: tuple[Item, ...], target: Path, meter: Meter) -> None:
    target.mkdir()
    for item in items:
        source, copy = cache / item.place, target / item.place
        copy.parent.mkdir(parents=True, exist_ok=True)
        meter.begin(item.path, 0)
        if placing.linked(source, copy):
            meter.add(source.stat().st_size)
        else:
            with source.open("rb") as file:
                placing.copy(_counted(file.read, meter), copy)
    if (cache / TRUSTED).exists():
        shutil.copyfile(cache / TRUSTED, target / TRUSTED)
    layout.write(target / layout.FILE, {"layout": layout.VERSION})


def _tar(cache: Path, items: tuple[Item, ...], target: Path, meter: Meter) -> None:
    with tarfile.open(target, "x", format=tarfile.PAX_FORMAT) as archive:
        for item in items:
            source = cache / item.place
            entry = _plain(item.place, source.stat().st_size)
            meter.begin(item.path, 0)
            with source.open("rb") as file:
                archive.addfile(entry, _Reader(_counted(file.read, meter)))
        if (cache / TRUSTED).exists():
            data = (cache / TRUSTED).read_bytes()
            archive.addfile(_plain(TRUSTED, len(data)), io.BytesIO(data))


class _Reader(io.RawIOBase):
    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def read(self, size: int = -1) -> bytes:
        return self._read(size)


def _plain(name: str, size: int) -> tarfile.TarInfo:
    """The same entry wherever and whenever it is written."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _counted(read: Callable[[int], bytes], meter: Meter) -> Callable[[int], bytes]:
    def counting(size: int) -> bytes:
        block = read(size)
        meter.add(len(block))
        return block

    return counting


def _drop(partial: Path) -> None:
    with contextlib.suppress(OSError):
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink()
