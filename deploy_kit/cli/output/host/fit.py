"""Text that fits a terminal, however narrow; wide letters count as two columns."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from typing import TextIO

from deploy_kit.cli.output.text import pad, width

_NARROWEST = 24
_SIDE_BY_SIDE = 56
"""From this many columns on a value stands beside its label, below it on narrower terminals."""

_PIECE = re.compile(r"\s+|[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
_NEVER_FIRST = frozenset("，。；：、）」』！？,;:)")
"""May stand two columns beyond the room, so that no line begins with them."""


def columns_of(stream: TextIO) -> int | None:
    """The columns of the terminal behind a stream; None for a file or a pipe, whose lines are never broken."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if stream.isatty() else None


def wrapped(text: str, columns: int | None, indent: str = "", hanging: str | None = None) -> list[str]:
    """A text in lines of at most so many columns.

    Args:
        columns: None leaves lines as they are.
        indent: Before the first line; before the others as well unless ``hanging`` is given.
    """
    more = indent if hanging is None else hanging
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lead = indent if not lines else more
        if columns is None or width(lead + line) <= columns:
            lines.append((lead + line).rstrip())
            continue
        room = max(8, columns - max(width(indent), width(more)) - 2)
        for part in _broken(line, room):
            lines.append((more if lines else indent) + part)
    return lines


def _broken(line: str, room: int) -> Iterator[str]:
    """A line in parts; words too long for any line are cut."""
    current = ""
    for piece in _pieces(line, room):
        sticks = piece in _NEVER_FIRST and width(current) <= room
        if current and width(current + piece.rstrip()) > room and not sticks:
            yield current.rstrip()
            current = ""
        current += piece if current else piece.lstrip()
    if current.strip():
        yield current.rstrip()


def _pieces(line: str, room: int) -> Iterator[str]:
    for piece in _PIECE.findall(line):
        rest = piece
        while width(rest) > room:
            cut = next(index for index in range(len(rest), 0, -1) if width(rest[:index]) <= room)
            yield rest[:cut]
            rest = rest[cut:]
        if rest:
            yield rest


def rows(pairs: Iterable[tuple[str, str]], columns: int | None) -> list[str]:
    """Label and value a line, aligned; on a narrow terminal the value stands below its label."""
    known = list(pairs)
    label_width = max((width(label) for label, _ in known), default=0) + 2
    beside = columns is None or columns >= max(_SIDE_BY_SIDE, label_width + 24)
    lines: list[str] = []
    for label, value in known:
        if beside:
            hanging = " " * (2 + label_width)
            lines += wrapped(value, columns, f"  {pad(label, label_width)}", hanging)
        else:
            lines += [*wrapped(label, columns, "  "), *wrapped(value, columns, "    ")]
    return lines
