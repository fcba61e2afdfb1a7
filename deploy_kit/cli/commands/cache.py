"""``cache``: fetch, look at, carry and delete the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy_kit.cli.output import text
from deploy_kit.cli.session import Session
from deploy_kit.errors import fail
from deploy_kit.lifecycle import cache
from deploy_kit.units import size

_WITH_PATH = ("import", "export")


def run(session: Session) -> int:
    """Do one thing with the cache, and tell what came of it."""
    options = session.options
    ask = cache.Ask(options.action, _path(session), voices=options.voices, dry_run=options.dry_run)
    request = cache.settled(session.request, target_given="target" in session.flags_given())
    with session.reporting() as report:
        told = cache.run(ask, request, report, session.consent, session.accept)
    if session.json:
        session.emit(told | {"event": "outcome", "action": options.action, "told": told["event"]})
    else:
        session.say("\n".join(_lines(session, options.action, told)))
    return 0


def _path(session: Session) -> Path | None:
    options = session.options
    wanted = options.action in _WITH_PATH
    if wanted != (options.path is not None):
        problem = session.words("cache.path-needed" if wanted else "cache.path-extra", action=options.action)
        usage = f"deploykit cache {options.action}" + (" PATH" if wanted else "")
        raise fail("USAGE-ARGUMENTS", "deploykit cache", problem=problem, usage=usage)
    return Path(options.path).expanduser() if wanted else None


def _lines(session: Session, action: str, told: dict[str, Any]) -> list[str]:
    words, shown = session.words, {name: size(value) for name, value in told.items() if name.endswith("_bytes")}
    if action == "list":
        return _listed(session, told)
    if told["event"] in ("deleted", "would-delete", "kept"):
        places = told.get("places", []) if told["event"] == "would-delete" else []
        end = words(f"cache.event-{told['event']}", files=told["files"], freed_bytes=shown["freed_bytes"])
        return [*(f"  {place}" for place in places), end]
    return [words(f"cache.done-{action}", files=told["files"], **shown)]


def _listed(session: Session, told: dict[str, Any]) -> list[str]:
    words = session.words
    table = [_row(session, row) for row in told["files"]]
    lines = text.columns(table, indent="")
    for one in told["licences"]:
        own = f"cache.licence-{one['id']}"
        terms = words(own) if words.has(own) else words("cache.licence-unknown", name=one["name"])
        lines += ["", f"{one['name']} ({', '.join(one['repositories'])})", f"  {terms}"]
    missing = sum(row["state"] != "held" for row in told["files"])
    total = {"have": size(told["have_bytes"]), "need": size(told["need_bytes"])}
    return [*lines, "", words("cache.list-total", missing=missing, files=len(told["files"]), **total)]


def _row(session: Session, row: dict[str, Any]) -> tuple[str, str, str]:
    shown = "" if row["bytes"] is None else size(row["bytes"])
    return session.words(f"cache.state-{row['state']}"), shown, f"{row['repository']}/{row['path']}"
