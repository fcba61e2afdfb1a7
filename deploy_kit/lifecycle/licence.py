"""The licences of model weights: shown before anything is fetched, accepted once, remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy_kit import codec, files
from deploy_kit.compat.needs import BUILT_IN, fetch_bytes
from deploy_kit.config.request import Request
from deploy_kit.data import table
from deploy_kit.findings import Finding, Severity
from deploy_kit.run.state import State

_SIZE_CAP = 4 * 1024 * 1024
_ENVIRONMENT = "TTS_ACCEPT_LICENSE"


@dataclass(frozen=True, slots=True)
class Licence:
    """``ident`` names its terms in the catalogue (``cache.licence-<ident>``); ``repositories`` come under it."""

    ident: str
    name: str
    url: str
    repositories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a user is asked to accept for an engine, and how many bytes would be fetched then."""

    engine: str
    licences: tuple[Licence, ...]
    fetch_bytes: int


Ask = Callable[[Terms], bool]
"""Shows the licences to a person and returns the answer; without a person the answer is no."""


def terms(request: Request) -> Terms:
    """The licences that have to be accepted for the engine asked for."""
    grouped: dict[str, list[str]] = {}
    for repository in _repositories(request):
        if request.engine in repository.get("engines", ()) and repository.get("licence") is not None:
            grouped.setdefault(str(repository.get("licence")), []).append(str(repository.get("name")))
    book = table("hubs")["licences"]
    asked = (ident for ident in grouped if book.get(ident, {"ask": True})["ask"])
    found = tuple(
        Licence(
            ident, book.get(ident, {}).get("name", ident), book.get(ident, {}).get("url", ""), tuple(grouped[ident])
        )
        for ident in asked
    )
    return Terms(request.engine, found, fetch_bytes(request.engine))


def _repositories(request: Request) -> list[dict[str, Any]]:
    """Those of the lock in force; one of the user's own that is none is left to whoever fetches, and asked for as ours
    would be."""
    own = None if request.weights.lock is None else _own(Path(request.weights.lock))
    return list(table("weights")["repositories"]) if own is None else own


def _own(lock: Path) -> list[dict[str, Any]] | None:
    try:
        document = codec.plain(files.read(lock, _SIZE_CAP))
    except (OSError, ValueError):
        return None
    rows = document.get("repositories") if isinstance(document, dict) else None
    return rows if isinstance(rows, list) and rows and all(_names_engines(row) for row in rows) else None


def _names_engines(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("engines", []), list)


def remembered(request: Request, state: State) -> Request:
    """The request with the acceptance that the user gave before."""
    if request.accept_license or request.engine == BUILT_IN or request.engine not in state.licences():
        return request
    service = dict(request.service) | {_ENVIRONMENT: "true"}
    return replace(request, accept_license=True, service=tuple(sorted(service.items())))


def settle(request: Request, state: State, ask: Ask) -> tuple[Request, tuple[Finding, ...]]:
    """Ask where nobody accepted yet; the request as it stands afterwards, and what is to be said about it.

    Called under the lock of the stack, because a yes is remembered.
    """
    request = remembered(request, state)
    if request.engine == BUILT_IN:
        return request, ()
    wanted = terms(request)
    if not request.accept_license:
        if not wanted.licences:  # nobody said yes, so no yes is remembered: another lock may ask for one
            return request, ()
        if not ask(wanted):
            return request, (refused(wanted, request.name, request.target),)
    if request.engine not in state.licences():
        state.accept_licence(request.engine)
    return remembered(request, state), ()


def refused(wanted: Terms, name: str, target: str) -> Finding:
    """That the weights are not fetched, because nobody accepted their licences."""
    names = ", ".join(licence.name for licence in wanted.licences)
    urls = ", ".join(licence.url or " ".join(licence.repositories) for licence in wanted.licences)
    commands = ((*again(wanted.engine, name, target), "--accept-license"),)
    return Finding.of("CACHE-LICENCE", Severity.WARNING, names, commands=commands, url=urls)


def again(engine: str, name: str, target: str) -> tuple[str, ...]:
    """The command that brings this very stack up with an engine."""
    usual = {str(row["key"]): row["default"] for row in table("settings")}
    given = {"name": name, "target": target}
    flags = (word for key, value in given.items() if value != usual[key] for word in (f"--{key}", value))
    return ("deploykit", "up", "--engine", engine, *flags)
