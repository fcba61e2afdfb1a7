"""Tables of labels and values that stay aligned in Chinese as well, sizes and durations."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from deploy_kit.units import size

__all__ = ["columns", "pad", "rows", "seconds", "size", "width"]


def width(text: str) -> int:
    """Columns that a text takes on a terminal: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pad(text: str, columns: int) -> str:
    """``text`` filled with spaces to a number of columns."""
    return text + " " * max(0, columns - width(text))


def rows(pairs: Iterable[tuple[str, str]], indent: str = "  ") -> list[str]:
    """Label and value a line, values under one another; further lines of a value are aligned with its first."""
    known = list(pairs)
    column = max((width(label) for label, _ in known), default=0) + 2
    lines = []
    for label, value in known:
        first, *more = value.splitlines() or [""]
        lines.append(f"{indent}{pad(label, column)}{first}".rstrip())
        lines += [f"{indent}{' ' * column}{line}" for line in more]
    return lines


def columns(table: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """A table whose columns are as wide as their widest cell."""
    widths = [max(width(row[index]) for row in table) for index in range(len(table[0]))] if table else []
    return [(indent + "  ".join(pad(cell, size) for cell, size in zip(row, widths))).rstrip() for row in table]


def seconds(duration: float) -> str:
    """A duration for people: ``0.24 s``, ``12 s``, ``3 min 5 s``."""
    if duration < 10:
        return f"{duration:.2f} s"
    whole = round(duration)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
