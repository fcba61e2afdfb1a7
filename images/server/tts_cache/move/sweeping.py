"""The only two ways in which anything is ever deleted: what is not needed, or all weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tts_cache import layout, licences
from tts_cache.fetch.partial import Partial
from tts_cache.lock import MODELS, Item
from tts_cache.state import TRUSTED, VERIFIED, Records

_OWN = (VERIFIED, TRUSTED, licences.FILE)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What would go: paths relative to the cache, and the bytes that this frees."""

    places: tuple[str, ...]
    freed_bytes: int


def unneeded(cache: Path, keep: tuple[Item, ...], records: Records) -> Sweep:
    """Models that are not among ``keep``, and unfinished files of others."""
    kept = {item.place for item in keep}
    partials = {Partial(cache, records.expected(item)).path.name for item in keep if not records.verified(item)}
    kept |= {f"{layout.PARTIAL}/{name}{suffix}" for name in partials for suffix in ("", ".json")}
    return _sweep(cache, [path for path in _weights(cache) if path not in kept])


def everything(cache: Path, *, voices: bool) -> Sweep:
    """All weights, finished or not; with ``voices`` also the users' voices, the licences accepted and what was
    learned."""
    found = [*_weights(cache)]
    if voices and (cache / layout.FILE).is_file():
        found += [*_files(cache, layout.VOICES), *_OWN]
    return _sweep(cache, [place for place in found if (cache / place).exists()])


def carry_out(cache: Path, sweep: Sweep, records: Records) -> None:
    """Delete.

    Raises:
        OSError: Something cannot be deleted.
    """
    records.forget(frozenset(sweep.places))
    for place in sweep.places:
        with contextlib.suppress(FileNotFoundError):
            (cache / place).unlink()
    for folder in sorted((cache / MODELS).glob("**/"), reverse=True):
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()


def _weights(cache: Path) -> Iterator[str]:
    """Everything that only we can have put there: a folder of somebody's own that is called as ours stays."""
    if not (cache / layout.FILE).is_file():
        return
    yield from (place for place in _files(cache, MODELS) if "--" in place.split("/")[1])
    yield from _files(cache, layout.PARTIAL)


def _files(cache: Path, room: str) -> Iterator[str]:
    for path in sorted((cache / room).rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(cache).as_posix()


def _sweep(cache: Path, places: list[str]) -> Sweep:
    freed = 0
    for place in places:
        state = (cache / place).lstat()
        freed += state.st_size if state.st_nlink == 1 else 0  # a hard link frees nothing yet
    return Sweep(tuple(sorted(set(places))), freed)
