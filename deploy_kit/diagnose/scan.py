"""Finding the rows of the book in a text, in one pass.

Three sieves stand before an expression: a whole word of its needle must occur in the piece, then the needle itself,
and only the lines with the needle are looked at, in a window around it. The result is that of trying every expression
on every line; a test holds both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from deploy_kit.data import table
from deploy_kit.diagnose import text
from deploy_kit.diagnose.book import Row, Signature, signatures
from deploy_kit.diagnose.values import MANY, Match, Source
from deploy_kit.findings import Severity, arguments

REACH = 400
"""Characters that a signature can span at most; tested."""

_WORDS = re.compile(r"[a-z]{3,}")
_LONGEST_VALUE = 80
_KINDS = 32
"""How many values of one group (`Row.each`) are told apart."""
_CLASSES = {
    "hardware": Severity.BLOCKER,
    "driver": Severity.BLOCKER,
    "application": Severity.WARNING,
    "follow-on": Severity.INFO,
    "info": Severity.INFO,
}


@dataclass(slots=True)
class _Seen:
    """One row, as far as it has been seen: its first line (as a place in a piece), and in how many."""

    row: Row
    piece: int
    start: int
    line_number: int
    line: str
    args: tuple[tuple[str, str], ...]
    count: int = 1


@dataclass(slots=True)
class _Piece:
    """A piece of text, the same in small letters, and those of its lines that were looked at."""

    number: int
    lines_before: int
    text: str
    small: str
    bodies: dict[int, tuple[str, str]] = field(default_factory=dict)
    counted: set[tuple[str, str, int]] = field(default_factory=set)

    def bounds(self, at: int) -> tuple[int, int]:
        """Start and end of the line that holds a place."""
        end = self.small.find("\n", at)
        return self.small.rfind("\n", 0, at) + 1, len(self.small) if end < 0 else end

    def body(self, start: int, end: int) -> tuple[str, str]:
        """A line without its head, and the same in small letters."""
        if (found := self.bodies.get(start)) is None:
            body = text.body(self.text[start:end])
            found = self.bodies[start] = (body, text.small(body))
        return found


class Scan:
    """The matches of a text that comes piece by piece."""

    def __init__(self, source: Source | None, family: str) -> None:
        self._family = family
        self._gated, self._always = _gates(source)
        self._found: dict[tuple[str, str], _Seen] = {}
        self._source = source

    def take(self, pieces: Iterable[str]) -> tuple[Match, ...]:
        """Read a text to its end; the matches in no order."""
        before = 0
        for number, raw in enumerate(pieces):
            plain = text.plain(raw)
            self._piece(_Piece(number, before, plain, text.small(plain)))
            before += plain.count("\n")
        return tuple(_match(seen, self._source, self._family) for seen in self._found.values())

    def _piece(self, piece: _Piece) -> None:
        words = set(_WORDS.findall(piece.small))
        for signature in self._always:
            self._look(signature, piece)
        for word in self._gated.keys() & words:
            for signature in self._gated[word]:
                self._look(signature, piece)

    def _look(self, signature: Signature, piece: _Piece) -> None:
        """Look at every line of a piece that has the needle, until the row was seen often enough."""
        at = piece.small.find(signature.needle)
        while at >= 0:
            start, end = piece.bounds(at)
            body, small = piece.body(start, end)
            if (found := search(signature, small)) is not None and not self._note(
                signature.row, piece, start, body, found
            ):
                return
            at = piece.small.find(signature.needle, end)

    def _note(self, row: Row, piece: _Piece, start: int, body: str, found: re.Match[str]) -> bool:
        """Remember a match; False when this row needs no more of them."""
        args = _values(found, body)
        if row.capitals and not args[row.each].isupper():
            return True
        kind = args.get(row.each, "").lower()
        key, place = (row.id, kind), (row.id, kind, start)
        seen = self._found.get(key)
        if seen is None and row.each and sum(name == row.id for name, _ in self._found) >= _KINDS:
            return False
        if place in piece.counted:
            return True
        piece.counted.add(place)
        if seen is None or (seen.piece == piece.number and start < seen.start):
            count = 1 if seen is None else seen.count + 1
            number = piece.lines_before + piece.small.count("\n", 0, start) + 1
            shown = text.around(body, *found.span())
            self._found[key] = _Seen(row, piece.number, start, number, shown, arguments(args), count)
            return True
        seen.count = min(seen.count + 1, MANY)
        return seen.count < MANY or bool(row.each)


def search(signature: Signature, small: str) -> re.Match[str] | None:
    """As the expression's own search, but only around the needle."""
    pattern = signature.compiled()
    if len(small) <= 2 * REACH:
        return pattern.search(small)
    at = small.find(signature.needle)
    while at >= 0:
        if found := pattern.search(small, max(0, at - REACH), at + 2 * REACH + 1):
            return found
        at = small.find(signature.needle, at + REACH)
    return None


def _values(found: re.Match[str], body: str) -> dict[str, str]:
    """What the named groups hold, in the letters of the line."""
    spans = ((name, found.span(name)) for name in found.re.groupindex)
    return {name: body[start:end][:_LONGEST_VALUE] for name, (start, end) in spans if start >= 0}


def _match(seen: _Seen, source: Source | None, family: str) -> Match:
    row = seen.row
    args, code, severity, variant = dict(seen.args), row.finding, row.severity, ""
    if source is Source.BUILD and row.build:
        code = row.build
    if row.lookup:
        entry = table(row.lookup)["codes"].get(args[row.each], {})
        args["name"], variant = entry.get("name", "?"), entry.get("action", "unknown")
        severity = _CLASSES.get(entry.get("class", ""), Severity.WARNING)
    elif row.each == "code":
        code = args["code"].upper()
    return Match(
        row=row.id,
        code=code,
        severity=severity,
        line=seen.line,
        line_number=seen.line_number,
        count=seen.count,
        args=arguments(args),
        variant=variant,
        fallback=row.fallback,
        commands=row.remedy(family),
        source=source,
    )


@cache
def _gates(source: Source | None) -> tuple[dict[str, list[Signature]], list[Signature]]:
    """Signatures by the word that lets them in, and those without one."""
    gated: dict[str, list[Signature]] = {}
    always: list[Signature] = []
    for signature in signatures(source):
        (gated.setdefault(signature.gate, []) if signature.gate else always).append(signature)
    return gated, always
