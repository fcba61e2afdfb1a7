"""Architectures as torch lists them."""

from __future__ import annotations

from collections.abc import Iterable


def of_torch(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Compiled and intermediate ones: ``sm_86`` and ``8.6`` are compiled, ``compute_120`` is intermediate (PTX)."""
    compiled: list[str] = []
    intermediate: list[str] = []
    for name in names:
        if "." in name:
            compiled.append(name)
            continue
        kind, _, digits = name.partition("_")
        number = digits.rstrip("af")
        if number.isdecimal():
            (compiled if kind == "sm" else intermediate).append(f"{number[:-1]}.{number[-1]}")
    return compiled, intermediate
