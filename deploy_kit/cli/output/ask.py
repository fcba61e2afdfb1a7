"""Asking before the host is changed."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from typing import TYPE_CHECKING

from deploy_kit.findings import Message

if TYPE_CHECKING:
    from deploy_kit.cli.session import Session


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
    if answered or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return answered
    print(words("cli.ask"), end=" ", file=sys.stderr, flush=True)
    reply = ""
    with contextlib.suppress(EOFError):
        reply = input()
    return reply.strip().lower() in ("y", "yes", "是", "好")
