"""Bytes for people."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit.units import size

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_940, "999.9 kB"),
        (999_960, "1.0 MB"),
        (3_259_599_833, "3.3 GB"),
        (16 * 1024**3, "17.2 GB"),
        (10**15, "1000.0 TB"),
    ],
)
def test_sizes_are_counted_by_thousands(count: int, shown: str) -> None:
    assert size(count) == shown


@given(st.integers(0, 10**15 - 10**11))
def test_no_size_has_four_digits_before_the_point(count: int) -> None:
    number, unit = size(count).split(" ")
    assert float(number) < 1000
    factor = 1000 ** ("B", "kB", "MB", "GB", "TB").index(unit)
    assert abs(float(number) * factor - count) <= factor / 20 + 1e-6 * factor


def _code() -> list[Path]:
    return sorted(
        path
        for folder in ("deploy_kit", "images/server")
        for path in (ROOT / folder).rglob("*.py")
        if "suite" not in path.parts and path.name not in ("units.py", "values.py")
    )


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in _code()])
def test_nobody_else_writes_units(path: Path) -> None:
    """A number and its unit come from one function; `config.values` writes limits as a user does."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = ["".join(map(_part, node.values)) for node in tree if isinstance(node, ast.JoinedStr)]
    assert [text for text in texts if re.search(r"\{\} ?[kKMGT]i?B\b", text)] == []


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"
