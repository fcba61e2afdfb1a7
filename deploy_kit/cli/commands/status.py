"""``status``: what runs, where, and how it is."""

from __future__ import annotations

from deploy_kit.cli.session import Session
from deploy_kit.lifecycle import status


def run(session: Session) -> int:
    """Show the state of the stack."""
    found = status.status(session.request)
    if session.json:
        from deploy_kit import codec

        session.emit(codec.to_plain(found))
        return 0
    from deploy_kit.cli.output.text import rows

    session.say("\n".join(rows(_rows(session, found), indent="")))
    if found.state == "absent":
        session.say("\n" + session.words("cli.status_absent"))
    return 0


def _rows(session: Session, found: status.Status) -> list[tuple[str, str]]:
    words = session.words
    state_key = f"cli.state.{found.state}"
    shown = {
        "name": found.name,
        "state": words(state_key) if words.has(state_key) else found.state,
        "url": found.url if found.state != "absent" else None,
        "target": found.target,
        "variant": found.variant,
        "device": found.device,
        "engine": found.engine,
        "health": words("cli.health.ready" if found.ready else "cli.health.not_ready")
        if found.state == "running"
        else None,
        "since": found.since,
        "image": found.image,
    }
    return [(words(f"cli.label.{name}"), value) for name, value in shown.items() if value]
