"""Facts as evidence, and numbers as people read them."""

from __future__ import annotations

from typing import Any

from deploy_kit.facts import Fact
from deploy_kit.findings import Evidence


def seen(*facts: Fact[Any]) -> tuple[Evidence, ...]:
    """The evidence of facts: where each was seen, and its value or the reason for having none."""
    return tuple(Evidence(fact.source, _text(fact)) for fact in facts)


def size(count: int) -> str:
    """Bytes in decimal gigabytes, or megabytes below one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _text(fact: Fact[Any]) -> str:
    if fact.value is None or fact.value == ():
        return fact.reason or "none"
    value = getattr(fact.value, "value", fact.value)
    value = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{value} ({fact.reason})" if fact.reason else value
