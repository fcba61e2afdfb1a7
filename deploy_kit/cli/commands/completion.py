"""``completion``: a script for the shell, made from the table of commands."""

from __future__ import annotations

from deploy_kit.cli import completion
from deploy_kit.cli.session import Session


def run(session: Session) -> int:
    """Print the script."""
    session.say(completion.script(session.options.shell, session.words))
    return 0
