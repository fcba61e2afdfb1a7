"""Kubernetes' quantities as whole numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

_FORM = re.compile(r"([+-]?[0-9.]{1,40})(?:([eE][+-]?[0-9]{1,3})|(m|u|n|[kMGTPE]i?|Ki)?)")
_SUFFIXES = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)}
_SUFFIXES |= {letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)}
_SUFFIXES |= {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_LARGEST = 2**63 - 1
_CPU = ("cpu", "requests.cpu", "limits.cpu")


def number(text: str | float, *, scale: int = 1) -> int:
    """``16Gi``, ``100m``, ``1e3`` … as a whole number of ``1/scale``, rounded up as Kubernetes does.

    Raises:
        ValueError: It is no quantity.
    """
    found = _FORM.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is no quantity")
    try:
        plain = Decimal(found[1]) * (Decimal(f"1{found[2]}") if found[2] else _SUFFIXES[found[3] or ""])
        whole = int((plain * scale).to_integral_value(ROUND_CEILING))
    except (InvalidOperation, OverflowError):
        raise ValueError(f"{text!r} is no quantity") from None
    return max(-_LARGEST, min(_LARGEST, whole))


def amounts(found: Mapping[str, Any] | None) -> dict[str, int]:
    """A list of resources, by name: thousandths of a core for processors, bytes or pieces for everything else. What is
    no quantity is left out."""
    counted = {name: _counted(name, text) for name, text in (found or {}).items()}
    return {name: count for name, count in counted.items() if count is not None}


def _counted(name: str, text: str | float) -> int | None:
    try:
        return number(text, scale=1000 if name in _CPU else 1)
    except ValueError:
        return None
