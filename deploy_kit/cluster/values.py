"""The chart's values as a tree: what holds at a path, and what differs from what holds anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def at(values: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """The value at a dotted path (``gpu.dra.enabled``); ``default`` where there is none."""
    found: Any = values
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return default
        found = found[name]
    return found


def tree(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted paths as a tree."""
    grown: dict[str, Any] = {}
    for path, value in flat.items():
        *names, last = path.split(".")
        place = grown
        for name in names:
            place = place.setdefault(name, {})
        place[last] = value
    return grown


def over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` laid over it, as Helm does: maps are merged, everything else is replaced."""
    merged = dict(base)
    for name, value in changes.items():
        below = merged.get(name)
        merged[name] = over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
