"""``logs``: what the service wrote."""

from __future__ import annotations

import sys

from deploy_kit.cli.session import Session
from deploy_kit.lifecycle import logs


def run(session: Session) -> int:
    """Become the program that shows the log."""
    request = session.request
    sys.stdout.flush()
    logs.follow(request, follow=session.options.follow, tail=session.options.tail)
    return 0
