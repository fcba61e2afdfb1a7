"""Comparing version texts as people mean them: by their leading numbers."""

from __future__ import annotations

import re


def numbers(text: str) -> tuple[int, ...]:
    """The leading dotted numbers of a version, past any prefix such as ``v``: ``v2.26.1-4`` gives (2, 26, 1)."""
    match = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def at_least(version: str, floor: str) -> bool:
    """Whether ``version`` is ``floor`` or newer; a text without numbers is older than everything."""
    have, need = numbers(version), numbers(floor)
    width = max(len(have), len(need))
    return bool(have) and have + (0,) * (width - len(have)) >= need + (0,) * (width - len(need))
