"""Facts as evidence."""

from __future__ import annotations

from typing import Any

from deploy_kit.facts import Fact
from deploy_kit.findings import Evidence
from deploy_kit.units import size

__all__ = ["seen", "size"]


def seen(*facts: Fact[Any]) -> tuple[Evidence, ...]:
    """The evidence of facts: where each was seen, and its value or the reason for having none."""
    return tuple(Evidence(fact.source, _text(fact)) for fact in facts)


def _text(fact: Fact[Any]) -> str:
    if fact.value is None or fact.value == ():
        return fact.reason or "none"
    value = getattr(fact.value, "value", fact.value)
    value = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{value} ({fact.reason})" if fact.reason else value
