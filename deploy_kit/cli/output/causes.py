"""What the book of failures found, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from deploy_kit.cli.output import findings, program
from deploy_kit.cli.session import Session
from deploy_kit.diagnose import Cause, Match, roots
from deploy_kit.errors import ExitCode


def show(session: Session, matches: Sequence[Match]) -> int:
    """Show ordered matches and return the exit code: 4 when something asks for an action, else 0."""
    causes = roots(matches)
    if session.json:
        session.emit({"matches": [document(match, session) for match in matches], "causes": len(causes)})
    else:
        session.say("\n".join(_page(session, matches, causes)))
    return int(ExitCode.HOST) if causes else int(ExitCode.DONE)


def document(match: Match, session: Session) -> dict[str, Any]:
    """A match for programs."""
    cause = Cause.of_match(match)
    return {
        "row": match.row,
        "code": match.code or None,
        "severity": match.severity.value,
        "means": findings.sentence(match.sentence("means"), session.words),
        "remedy": findings.sentence(match.sentence("remedy"), session.words),
        "commands": [list(program.complete(command)) for command in cause.commands],
        "fallback": match.fallback.value,
        "follows": match.follows or None,
        "source": match.source.value if match.source is not None else None,
        "line": match.line or None,
        "line_number": match.line_number or None,
        "count": match.count,
        "args": dict(match.args),
    }


def _page(session: Session, matches: Sequence[Match], causes: Sequence[Match]) -> Iterator[str]:
    words, colour = session.words, findings.colours(sys.stdout)
    if not causes:
        yield words("cli.diagnose_harmless" if matches else "cli.diagnose_nothing")
    for number, match in enumerate(causes):
        if number:
            yield ""
        yield findings.text(Cause.of_match(match), words, colour=colour)
    following = [match for match in matches if match.follows and not match.harmless]
    for key, others in (("follows", following), ("notes", [match for match in matches if match.harmless])):
        if others:
            yield ""
            yield words(f"cli.diagnose_{key}")
            yield from (_short(session, match) for match in others)


def _short(session: Session, match: Match) -> str:
    after = f" ← {match.follows}" if match.follows else ""
    return f"  · {match.row}{after}  {findings.sentence(match.sentence('means'), session.words)}"
