"""``plan``: what ``up`` would do and why."""

from __future__ import annotations

from deploy_kit.cli.output import planned
from deploy_kit.cli.session import Session
from deploy_kit.lifecycle import up


def run(session: Session) -> int:
    """Show the steps; change nothing."""
    return planned.show(session, up.prepare(session.request, facts=session.facts()))
