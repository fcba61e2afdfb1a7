"""The rows of the book, read from ``data/book.json``, and the words by which a line is chosen for a closer look.

A signature is a regular expression in small letters, tried on the text in small letters. It holds one run of plain
characters outside of any group: its *needle*, which every text that matches must contain. That a signature has one,
that its repeats are bounded and that no repeat stands in a repeat is tested; so a text is read in linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from deploy_kit.data import table
from deploy_kit.diagnose.values import Fallback, Source
from deploy_kit.findings import Severity

_SPECIAL = frozenset("^$.|?*+()[]{}\\")
_QUANTIFIERS = frozenset("?*{+")
_WORD = re.compile(r"[a-z]{3,}")
_FREQUENT = frozenset(
    (
        *(
            "error",
            "errors",
            "failed",
            "failure",
            "cannot",
            "could",
            "not",
            "unable",
            "warning",
            "info",
            "true",
            "false",
        ),
        *(
            "with",
            "from",
            "this",
            "that",
            "the",
            "and",
            "for",
            "was",
            "has",
            "does",
            "have",
            "your",
            "you",
            "are",
            "while",
        ),
        *("container", "docker", "device", "devices", "driver", "nvidia", "cuda", "torch", "python"),
        *("file", "files", "such", "directory", "found", "available"),
    )
)
"""Words that stand in so many logs that they choose nothing."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One expression of a row. ``gate`` is a whole word of the needle, empty where it has none of its own."""

    row: Row
    pattern: str
    needle: str
    gate: str

    @classmethod
    def of(cls, row: Row, pattern: str) -> Signature:
        needle = needle_of(pattern)
        return cls(row, pattern, needle, _gate(needle))

    def compiled(self) -> re.Pattern[str]:
        return _compiled(self.pattern)


@dataclass(frozen=True, slots=True)
class Row:
    """One failure.

    ``build`` is the code it has while an image is built; ``explains`` the rows that merely follow from it; ``late``
    puts it behind the other families; ``each`` names the group by whose value it is counted, ``capitals`` whether that
    value is written in capitals, ``lookup`` the table that knows these values; ``exits`` are the exit codes that mean
    it, ``oom`` whether the kernel's killing must (not) have been seen, ``own`` whether only our service means it so.
    """

    id: str
    severity: Severity
    sources: frozenset[Source]
    fallback: Fallback
    patterns: tuple[str, ...] = ()
    finding: str = ""
    build: str = ""
    explains: frozenset[str] = frozenset()
    late: bool = False
    each: str = ""
    capitals: bool = False
    exits: tuple[int, ...] = ()
    oom: bool | None = None
    own: bool = False
    lookup: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    commands_on: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    def remedy(self, family: str) -> tuple[tuple[str, ...], ...]:
        """The commands for a family of distributions (``debian``, ``fedora`` …)."""
        return self.commands_on.get(family, self.commands)


@cache
def rows() -> dict[str, Row]:
    """Every row by its id."""
    return {row["id"]: _row(row) for row in table("book")["rows"]}


@cache
def families() -> dict[str, int]:
    """The rank of each family (the first letter of an id): the lower, the nearer to the root."""
    return {letter: rank for rank, letter in enumerate(table("book")["order"])}


@cache
def signatures(source: Source | None) -> tuple[Signature, ...]:
    """Every signature that is looked for in texts of a source; all of them without one."""
    wanted = (row for row in rows().values() if source is None or source in row.sources)
    return tuple(Signature.of(row, pattern) for row in wanted for pattern in row.patterns)


def _row(row: dict[str, Any]) -> Row:
    commands = row.get("commands", [])
    on = commands if isinstance(commands, dict) else {"": commands}
    by_family = {family: tuple(tuple(command) for command in some) for family, some in on.items()}
    return Row(
        id=row["id"],
        severity=Severity(row["severity"]),
        sources=frozenset(map(Source, row["sources"])),
        fallback=Fallback(row["fallback"]),
        patterns=tuple(row.get("patterns", ())),
        finding=row.get("finding", ""),
        build=row.get("build", ""),
        explains=frozenset(row.get("explains", ())),
        late=row.get("late", False),
        each=row.get("each", ""),
        capitals=row.get("capitals", False),
        exits=tuple(row.get("exits", ())),
        oom=row.get("oom"),
        own=row.get("own", False),
        lookup=row.get("lookup", ""),
        commands=by_family.pop("", ()),
        commands_on=by_family,
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def needle_of(pattern: str) -> str:
    """The longest run of plain characters of an expression that stands outside of groups and is never optional."""
    runs, run, depth, at = [], "", 0, 0
    while at < len(pattern):
        letter, at = pattern[at], at + 1
        plain = letter if letter not in _SPECIAL else ""
        if letter == "\\":
            letter, at = pattern[at], at + 1
            plain = "" if letter.isalnum() else letter
        elif letter == "[":
            at = _after_class(pattern, at)
        elif letter == "{":
            at = pattern.index("}", at) + 1
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        optional = pattern[at : at + 1] in _QUANTIFIERS and pattern[at : at + 1] != ""
        if plain and depth == 0 and not optional:
            run += plain
            continue
        runs.append(run)
        run = ""
    return max((*runs, run), key=len)


def _after_class(pattern: str, at: int) -> int:
    """The place behind a character class whose bracket stands before ``at``."""
    at += pattern[at] == "^"
    at += 1  # a bracket right at the start is one of the characters
    while pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _gate(needle: str) -> str:
    """A word of the needle that stands whole in every text with it: the longest that is not in every log."""
    inner = [word[0] for word in _WORD.finditer(needle) if word.start() > 0 and word.end() < len(needle)]
    return max((word for word in inner if word not in _FREQUENT), key=len, default="")
