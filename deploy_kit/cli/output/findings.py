"""How findings look."""

from __future__ import annotations

import os
from typing import Any, TextIO

from deploy_kit.cli.output.program import complete, shown
from deploy_kit.findings import Finding, Message, Severity
from deploy_kit.messages import Catalogue

_MARKS = {Severity.BLOCKER: ("✗", "31"), Severity.WARNING: ("!", "33"), Severity.INFO: ("·", "36")}


def colours(stream: TextIO) -> bool:
    """Whether to colour what goes to this stream."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text: str, code: str, colour: bool) -> str:
    """``text`` in an ANSI colour, if colours are wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def sentence(message: Message, words: Catalogue) -> str:
    """A message as text. A sentence missing in the catalogue must not hide the finding: its key stands in."""
    try:
        return words.text(message.key, message.args)
    except (KeyError, FileNotFoundError):
        return f"{message.key} {dict(message.args)}" if message.args else message.key


def text(finding: Finding, words: Catalogue, *, colour: bool = False, remedy: bool = True) -> str:
    """A finding for people: what, why, what was seen, what to do."""
    mark, code = _MARKS[finding.severity]
    head = paint(f"{mark} {finding.code}", code, colour)
    lines = [f"{head}  {sentence(finding.sentence('what'), words)}"]
    lines += _indented(sentence(finding.sentence("why"), words))
    for seen in finding.evidence:
        lines += _indented(f"{words('cli.seen')} {seen.source}: {seen.observed}")
    if remedy:
        lines += remedy_lines(finding, words)
    return "\n".join(lines)


def painted(lines: list[str], finding: Finding, *, colour: bool) -> list[str]:
    """Lines that begin with a finding's mark and code, these in the colour of its severity."""
    mark, code = _MARKS[finding.severity]
    head = f"{mark} {finding.code}"
    return [line.replace(head, paint(head, code, colour), 1) for line in lines]


def remedy(finding: Finding, words: Catalogue) -> tuple[str, list[str]]:
    """What to do about a finding: a sentence, and the commands as they are typed."""
    return sentence(finding.sentence("remedy"), words), [shown(command) for command in finding.commands]


def remedy_lines(finding: Finding, words: Catalogue) -> list[str]:
    """What to do about a finding, indented; commands as they are typed."""
    said, commands = remedy(finding, words)
    return _indented(f"→ {said}") + [f"      {command}" for command in commands]


def document(finding: Finding, words: Catalogue) -> dict[str, Any]:
    """A finding for programs, the same in ``doctor``, ``plan`` and ``up``."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "what": sentence(finding.sentence("what"), words),
        "why": sentence(finding.sentence("why"), words),
        "remedy": sentence(finding.sentence("remedy"), words),
        "commands": [list(complete(command)) for command in finding.commands],
        "evidence": [{"source": seen.source, "observed": seen.observed} for seen in finding.evidence],
    }


def ordered(found: tuple[Finding, ...]) -> list[Finding]:
    """Blockers first, then warnings, then the rest; stable within each."""
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _indented(text_: str) -> list[str]:
    return [f"  {line}" for line in text_.splitlines()]
