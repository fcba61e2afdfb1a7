"""The licences of the weights: named before anything is fetched, accepted once, noted in cache_hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from deploy_kit import data
from deploy_kit.findings import Message
from tts_cache import layout
from tts_cache.lock import Lock

FILE = "licences.json"


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence that files come under: ``ask`` when the user must accept it, ``terms`` its gist in one sentence,
    ``repositories`` what comes under it."""

    ident: str
    name: str
    url: str
    ask: bool
    terms: Message
    repositories: tuple[str, ...]


def needed(lock: Lock, engine: str) -> tuple[Licence, ...]:
    """The licences of everything that an engine needs, those to be accepted first."""
    covered: dict[str, list[str]] = {}
    for repository in lock.repositories:
        if engine in repository.engines and repository.licence is not None:
            covered.setdefault(repository.licence, []).append(repository.name)
    found = [_licence(ident, tuple(names)) for ident, names in covered.items()]
    return tuple(sorted(found, key=lambda one: not one.ask))


def accepted(cache: Path, lock: Lock, engine: str) -> bool:
    """Whether every licence that must be accepted for this engine was accepted for this cache."""
    wanted = {one.ident for one in needed(lock, engine) if one.ask}
    return wanted <= _accepted(cache)


def accept(cache: Path, lock: Lock, engine: str, how: str) -> None:
    """Note that the user accepted what this engine needs. ``how`` says in which way (``--accept-license`` …).

    Raises:
        Failure: CACHE-LAYOUT, CACHE-READ-ONLY.
        OSError: The record cannot be written.
    """
    wanted = sorted({one.ident for one in needed(lock, engine) if one.ask} - _accepted(cache))
    if not wanted:
        return
    layout.prepare(cache)
    record = layout.read(cache / FILE)
    rows = record.get("accepted")
    row = {
        "licences": wanted,
        "engine": engine,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "how": how,
        "lock": lock.digest,
    }
    layout.write(cache / FILE, {"accepted": [*(rows if isinstance(rows, list) else []), row]})


def _accepted(cache: Path) -> set[str]:
    rows = layout.read(cache / FILE).get("accepted")
    found: set[str] = set()
    for row in rows if isinstance(rows, list) else []:
        names = row.get("licences") if isinstance(row, dict) else None
        if isinstance(names, list):
            found.update(name for name in names if isinstance(name, str))
    return found


def _licence(ident: str, repositories: tuple[str, ...]) -> Licence:
    """What is known of a licence; one that a lock of the user's names and we do not know is asked for by its name."""
    row = data.table("hubs")["licences"].get(ident)
    if row is None:
        return Licence(ident, ident, "", True, Message.of("cache.licence-unknown", name=ident), repositories)
    return Licence(ident, row["name"], row["url"], row["ask"], Message.of(f"cache.licence-{ident}"), repositories)
