"""A match of the book as a finding: it is shown wherever findings are."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.diagnose.values import Match
from deploy_kit.findings import Finding, Message, arguments


@dataclass(frozen=True, slots=True)
class Cause(Finding):
    """A finding with the sentences of a row: ``code`` is the row's id, ``subject`` our own code for it, ``named`` the
    prefix of its sentences, ``seen`` the sentence about where it was seen."""

    named: str = ""
    seen: str = ""

    @classmethod
    def of_match(cls, match: Match, *, above: bool = False) -> Cause:
        """A match as a finding; ``above``: its line was just shown, and is not repeated."""
        where = match.source.value if match.source is not None else "text"
        told = {"subject": match.code, "line": match.line_number, "count": match.count, "shown": match.line}
        args = arguments(told | dict(match.args))
        named = match.sentence("").key.rstrip(".")
        seen = "book.seen.above" if above else f"book.seen.{where if match.line else 'exit'}"
        return cls(match.row, match.severity, match.code, args, (), match.commands, named, seen)

    def sentence(self, part: str) -> Message:
        """``what`` it means, where it was seen (``why``), and its ``remedy``."""
        if part == "why":
            return Message(self.seen, self.args)
        return Message(f"{self.named}.{'means' if part == 'what' else part}", self.args)
