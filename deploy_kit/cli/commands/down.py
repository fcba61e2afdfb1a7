"""``down``: stop the service, keep what it stored."""

from __future__ import annotations

from deploy_kit.cli.session import Session


def run(session: Session) -> int:
    """Stop the stack, or say what would be stopped."""
    request = session.request
    if session.options.dry_run:
        from deploy_kit.lifecycle.status import status

        return _tell(session, status(request).state != "absent", "cli.down_would")
    from deploy_kit.lifecycle.down import down

    with session.reporting() as report:
        stopped = down(request, report)
    return _tell(session, stopped, "cli.down_done")


def _tell(session: Session, stopped: bool, key: str) -> int:
    name = session.request.name
    if session.json:
        session.emit({"event": "outcome", "name": name, "changed": stopped, "dry_run": session.options.dry_run})
    else:
        session.say(session.words(key if stopped else "cli.down_nothing", name=name))
    return 0
