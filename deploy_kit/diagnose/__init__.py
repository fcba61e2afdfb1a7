"""The book of failures: a log line, an exit code or an event becomes a cause and a remedy.

Pure: texts come in, values go out. The rows stand in ``data/book.json``, their sentences in
``messages/<locale>/book.json`` under ``<ID>.means`` and ``<ID>.remedy``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from deploy_kit.diagnose import text
from deploy_kit.diagnose.cause import Cause
from deploy_kit.diagnose.ending import event, exit_code
from deploy_kit.diagnose.order import ordered, roots
from deploy_kit.diagnose.scan import Scan
from deploy_kit.diagnose.values import MANY, Fallback, Match, Source

__all__ = [
    "MANY",
    "Cause",
    "Fallback",
    "Match",
    "Source",
    "event",
    "exit_code",
    "ordered",
    "read",
    "read_stream",
    "roots",
]


def read(lines: Iterable[str], *, source: Source | None = None, family: str = "") -> tuple[Match, ...]:
    """What is in a log, the root cause first.

    Args:
        lines: With or without their ends.
        source: Where they come from; without it every row is looked for.
        family: The family of distributions that commands are wanted for (``debian``, ``fedora``).
    """
    return ordered(Scan(source, family).take(text.pieces_of_lines(lines)))


def read_stream(stream: BinaryIO, *, source: Source | None = None, family: str = "") -> tuple[Match, ...]:
    """As `read`, of a file or a pipe of any length; never more than a few megabytes of it are held."""
    return ordered(Scan(source, family).take(text.pieces_of_stream(stream)))
