"""``status``: what runs, where, and how it is; once, or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from deploy_kit.cli.session import Session
from deploy_kit.errors import ExitCode
from deploy_kit.lifecycle import status

_EVERY_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[2J"


def run(session: Session) -> int:
    """Show the state of the stack; with ``--watch`` until the user has seen enough."""
    if session.options.watch:
        try:
            _watch(session)
        except KeyboardInterrupt:  # the way out of it: nothing is left undone that would have to be told
            return int(ExitCode.INTERRUPTED)
    found = status.status(session.request)
    if session.json:
        _emit(session, found)
        return 0
    session.say("\n".join(_page(session, found)))
    return 0


def _watch(session: Session) -> NoReturn:
    """A page that is drawn anew on a terminal, a line each time anywhere else."""
    request, terminal = session.request, sys.stdout.isatty()
    while True:
        found = status.status(request)
        if session.json:
            _emit(session, found)
        elif terminal:
            session.say(_CLEAR + "\n".join(_page(session, found)))
        else:
            session.say(_line(session, found))
        sys.stdout.flush()
        time.sleep(_EVERY_SECONDS)


def _emit(session: Session, found: status.Status) -> None:
    from deploy_kit import codec

    session.emit(codec.to_plain(found))


def _page(session: Session, found: status.Status) -> Iterator[str]:
    from deploy_kit.cli.output.text import rows

    yield from rows(_rows(session, found), indent="")
    if found.state == "absent":
        yield "\n" + session.words("cli.status_absent")


def _rows(session: Session, found: status.Status) -> list[tuple[str, str]]:
    words = session.words
    health = words("cli.health.ready" if found.ready else "cli.health.not_ready") if found.state == "running" else None
    shown = {
        "name": found.name,
        "state": _state(session, found),
        "url": found.url if found.state != "absent" else None,
        "target": found.target,
        "variant": found.variant,
        "device": found.device,
        "fallback": _fallback(found),
        "engine": found.engine,
        "health": health,
        "engines": "\n".join(_engines(session, found)),
        "cards": "\n".join(_cards(session, found)),
        "memory": _memory(session, found),
        "queue": str(found.detail["queue"]) if isinstance(found.detail.get("queue"), int) else None,
        "since": found.since,
        "image": found.image,
    }
    return [(words(f"cli.label.{name}"), value) for name, value in shown.items() if value]


def _state(session: Session, found: status.Status) -> str:
    key = f"cli.state.{found.state}"
    return session.words(key) if session.words.has(key) else found.state


def _fallback(found: status.Status) -> str | None:
    told = _part(found.detail, "fallback")
    return f"{told.get('code')}: {told.get('reason')}" if told else None


def _engines(session: Session, found: status.Status) -> Iterator[str]:
    """A line an engine: the sentence about it, its queue."""
    from deploy_kit.cli.output import findings
    from deploy_kit.lifecycle import model

    for name in _part(found.detail, "engines"):
        said = model.read(found.detail, name)
        if said is not None:
            yield findings.sentence(model.sentence(said), session.words)


def _cards(session: Session, found: status.Status) -> Iterator[str]:
    from deploy_kit.cli.output.text import size

    cards = found.detail.get("gpus")
    for card in cards if isinstance(cards, list) else ():
        if isinstance(card, dict):
            used, total, ours = (size(float(card.get(f"{name}_bytes") or 0)) for name in ("used", "total", "ours"))
            yield session.words("cli.card", name=card.get("name", "?"), used=used, total=total, ours=ours)


def _memory(session: Session, found: status.Status) -> str | None:
    from deploy_kit.cli.output.text import size

    told = _part(found.detail, "memory")
    if not told.get("used_bytes"):
        return None
    used = size(float(told["used_bytes"]))
    limit = told.get("limit_bytes")
    return session.words("cli.memory", used=used, limit=size(float(limit))) if limit else used


def _line(session: Session, found: status.Status) -> str:
    """Everything that moves, in one line."""
    parts = [time.strftime("%H:%M:%S"), _state(session, found), *_engines(session, found), *_cards(session, found)]
    queue = found.detail.get("queue")
    if isinstance(queue, int):
        parts.append(f"{session.words('cli.label.queue')} {queue}")
    if memory := _memory(session, found):
        parts.append(memory)
    return " · ".join(parts)


def _part(document: dict[str, object], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
