"""Asking before the host is changed."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from typing import TYPE_CHECKING

from deploy_kit.findings import Message
from deploy_kit.units import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_kit.cli.session import Session
    from deploy_kit.lifecycle.licence import Terms


def licence(session: Session, terms: Terms) -> bool:
    """Show the licences of the weights and ask. ``--yes`` is no answer to this: a licence is accepted in so many words.

    Without a terminal, with ``--yes`` and for JSON the answer is no.
    """
    if session.json or not _person() or getattr(session.options, "yes", False):
        return False
    print("\n".join(licence_lines(session, terms)), file=sys.stderr)
    return _answer(session.words("cli.ask_licence"))


def licence_lines(session: Session, terms: Terms) -> Iterator[str]:
    """What there is to accept: name, terms in a sentence, address."""
    words = session.words
    yield words("cli.licence_intro", engine=terms.engine, size=size(terms.fetch_bytes))
    for one in terms.licences:
        own = f"cache.licence-{one.ident}"
        yield f"  {one.name} ({', '.join(one.repositories)})"
        yield f"    {words(own) if words.has(own) else words('cache.licence-unknown', name=one.name)}"
        if one.url:
            yield f"    {one.url}"


def consent(session: Session, message: Message, commands: tuple[tuple[str, ...], ...]) -> bool:
    """Show message and commands, then return the answer: ``--yes``, or what the terminal says, or no."""
    words = session.words
    answered = bool(getattr(session.options, "yes", False))
    if session.json:
        shown = {"event": "consent", "message": session.text(message), "commands": commands, "given": answered}
        print(json.dumps(shown, ensure_ascii=False, sort_keys=True), flush=True)
        return answered
    print(session.text(message), file=sys.stderr)
    for command in commands:
        print(f"    {shlex.join(command)}", file=sys.stderr)
    return answered or (_person() and _answer(words("cli.ask")))


def _person() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _answer(question: str) -> bool:
    print(question, end=" ", file=sys.stderr, flush=True)
    reply = ""
    with contextlib.suppress(EOFError):
        reply = input()
    return reply.strip().lower() in ("y", "yes", "是", "好")
