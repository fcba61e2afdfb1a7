"""Which of several failures is the root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from deploy_kit.diagnose.book import families, rows
from deploy_kit.diagnose.values import Match
from deploy_kit.findings import Severity

_SEVERITIES = list(Severity)


def ordered(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Matches with the root first: what merely follows from another row found comes after it, what is harmless last.

    Among equals the lower layer goes first (the kernel before the container engine before the program), then the
    graver, then the earlier line.
    """
    found = sorted(matches, key=_key)
    return tuple(sorted((_marked(match, found) for match in found), key=_key))


def roots(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Those of ordered matches that ask for something and follow from none of the others."""
    return tuple(match for match in matches if not match.follows and not match.harmless)


def _marked(match: Match, found: list[Match]) -> Match:
    causes = (one for one in found if match.row in rows()[one.row].explains and not one.harmless)
    return replace(match, follows=next((cause.row for cause in causes), ""))


def _key(match: Match) -> tuple[bool, bool, bool, int, int, int]:
    row = rows()[match.row]
    family = families()[match.row[0]]
    return match.harmless, bool(match.follows), row.late, family, _SEVERITIES.index(match.severity), match.line_number
