"""``logs``: what the service wrote, or what that means."""

from __future__ import annotations

import sys

from deploy_kit.cli.session import Session
from deploy_kit.errors import fail
from deploy_kit.lifecycle import logs

_LINES = 100


def run(session: Session) -> int:
    """Become the program that shows the log; with ``--diagnose`` find failures in it, with the exit codes of that."""
    options = session.options
    if options.diagnose:
        return _diagnose(session)
    request = session.request
    sys.stdout.flush()
    logs.follow(request, follow=options.follow, tail=_LINES if options.tail is None else options.tail)
    return 0


def _diagnose(session: Session) -> int:
    from deploy_kit.cli.output import causes
    from deploy_kit.lifecycle import explain

    if session.options.follow:
        raise fail("USAGE-LOGS-FOLLOW", "--follow")
    lines = explain.LINES if session.options.tail is None else session.options.tail
    return causes.show(session, logs.diagnosed(session.request, lines=lines))
