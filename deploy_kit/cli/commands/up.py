"""``up``: the whole way to a spoken sentence."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from deploy_kit.cli.output import findings, planned, program
from deploy_kit.cli.session import Session
from deploy_kit.config.table import settings
from deploy_kit.lifecycle.settled import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_kit.lifecycle.offer import Offer
    from deploy_kit.lifecycle.outcome import Outcome


def run(session: Session) -> int:
    """Bring the service up, or show what that would take."""
    request, facts = session.request, session.facts()
    if session.options.dry_run or facts is not None:  # another host's facts can only be planned with
        from deploy_kit.lifecycle import up

        return planned.show(session, up.prepare(request, facts=facts))
    outcome = (None if session.options.wait_for_model else settled(request)) or _bring_up(session)
    if session.json:
        from deploy_kit import codec

        plain = codec.to_plain(outcome)
        plain["findings"] = [findings.document(finding, session.words) for finding in outcome.findings]
        if outcome.offer is not None:
            plain["offer"]["command"] = list(program.complete(outcome.offer.command))
        session.emit({"event": "outcome"} | plain)
    else:
        session.say("\n".join(_summary(session, outcome)))
    return 0


def _bring_up(session: Session) -> Outcome:
    from deploy_kit.lifecycle import up

    with session.reporting() as report:
        return up.carry_out(
            up.prepare(session.request),
            session.request,
            report,
            session.consent,
            ask=session.accept,
            wait_for_model=session.options.wait_for_model,
        )


def _summary(session: Session, outcome: Outcome) -> Iterator[str]:
    from deploy_kit.cli.output import text

    words = session.words
    yield words("cli.up_changed" if outcome.changed else "cli.up_unchanged", url=outcome.url)
    yield ""
    yield from text.rows(_rows(session, outcome))
    if outcome.model is not None:
        yield ""
        yield from _model(session, outcome)
    for finding in findings.ordered(outcome.findings):
        yield ""
        yield findings.text(finding, words)
    if outcome.key is not None:
        yield ""
        yield words("cli.up_key", key=outcome.key)
    if outcome.firewall:
        yield ""
        yield words("cli.up_firewall_local" if outcome.target == "local" else "cli.up_firewall")
        yield from (f"    {shlex.join(command)}" for command in outcome.firewall)
    if outcome.offer is not None and session.options.progress != "quiet":
        yield ""
        yield from _offer(session, outcome.offer)
    yield ""
    tail = "".join(f" {shlex.quote(word)}" for word in _stack(session))
    yield words("cli.up_next", program=program.name(), name=tail)


def _stack(session: Session) -> tuple[str, ...]:
    """The flags with which another command means this very stack."""
    name = session.request.name
    named = () if name == settings()["name"].default else ("--name", name)
    return program.complete(("deploykit", "status", *named))[2:]


def _model(session: Session, outcome: Outcome) -> Iterator[str]:
    """What the engine beside the built-in voice is doing."""
    from deploy_kit.lifecycle import model

    said = outcome.model
    assert said is not None
    yield findings.sentence(model.sentence(said), session.words)
    if said.fallback is not None:
        yield session.words("cli.up_fallback", code=said.fallback_code, reason=said.fallback)
    if not said.ready and said.state not in model.ENDED:
        status = shlex.join((program.name(), "status", "--watch", *_stack(session)))
        yield session.words("cli.up_meanwhile", status=status)


def _offer(session: Session, offer: Offer) -> Iterator[str]:
    """How IndexTTS would come here, and what that costs."""
    from deploy_kit.cli.output import text

    words = session.words
    yield words(
        f"cli.up_offer_{offer.device}",
        engine=offer.engine,
        fetch=text.size(offer.fetch_bytes),
        disk=text.size(offer.disk_bytes),
        memory=text.size(offer.memory_bytes),
        factor=f"{offer.real_time_factor:g}",
    )
    yield f"    {program.shown(offer.command)}"
    for finding in offer.obstacles:
        yield "  " + words("cli.up_offer_obstacle", reason=findings.sentence(finding.sentence("what"), words))


def _rows(session: Session, outcome: Outcome) -> Iterator[tuple[str, str]]:
    from deploy_kit.cli.output import text

    words = session.words
    yield words("cli.label.url"), outcome.url
    for name in ("target", "variant", "device", "engine"):
        yield words(f"cli.label.{name}"), str(getattr(outcome, name))
    size = "" if outcome.image_bytes is None else f" ({text.size(outcome.image_bytes)})"
    if outcome.target != "local":
        yield words("cli.label.image"), outcome.image + size
    if outcome.proof is not None:
        proof = outcome.proof
        values = {
            "answered_by": proof.answered_by,
            "seconds": f"{proof.seconds:.1f}",
            "rate": proof.rate,
            "first": text.seconds(proof.first_byte_seconds),
        }
        yield words("cli.label.proof"), words.text("cli.proof", values)
    if outcome.timings:
        table = [(planned.step_name(step, words), text.seconds(spent)) for step, spent in outcome.timings]
        yield words("cli.label.timings"), "\n".join(text.columns(table, indent=""))
