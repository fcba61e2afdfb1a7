"""What can go wrong with one file at one source."""

from __future__ import annotations

from enum import Enum


class Kind(str, Enum):
    """The kinds of trouble; which of them pass by themselves, `PASSING` says."""

    CUT = "cut"
    SILENT = "unreachable"
    SERVER = "server"
    SLOW = "slow"
    LIMITED = "limited"
    LOOP = "redirects"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    PAGE = "page"
    WRONG = "wrong"
    STALE = "stale"
    """What lay there did not fit to what came: begin anew, the source may be right."""


PASSING = frozenset({Kind.CUT, Kind.SILENT, Kind.SERVER, Kind.SLOW, Kind.LIMITED})
"""Trying again later can do."""

AGAIN = frozenset({Kind.CUT, Kind.SERVER, Kind.STALE})
"""Trying the same source again at once can do."""


class Trouble(Exception):
    """One attempt failed. ``seconds`` is what the source asks to wait, ``status`` its HTTP status where that matters;
    ``source`` its name; ``spoiled``: what was written so far is worth nothing; ``final``: it will not pass."""

    def __init__(
        self,
        kind: Kind,
        reason: str,
        *,
        seconds: float = 0.0,
        status: int = 0,
        spoiled: bool = False,
        source: str = "",
        final: bool = False,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.seconds = seconds
        self.status = status
        self.spoiled = spoiled
        self.source = source
        self.final = final
