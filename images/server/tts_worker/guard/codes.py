"""From what CUDA says, by number or in words, to a code of the catalogue."""

from __future__ import annotations

import re
from functools import cache

from deploy_kit.data import table


def of_number(number: int) -> str:
    """The code of a CUDA error number; one that the table does not know is ``GPU-DRIVER-ERROR``."""
    row = table("guard")["numbers"].get(str(number))
    return str(row["code"]) if row else "GPU-DRIVER-ERROR"


def name_of(number: int) -> str:
    """CUDA's name of an error number; empty when the table does not know it."""
    row = table("guard")["numbers"].get(str(number))
    return str(row["name"]) if row else ""


def of_text(text: str) -> str | None:
    """The code of a message of torch or of the CUDA libraries; None when it says nothing about a GPU."""
    return next((code for pattern, code in _patterns() if pattern.search(text)), None)


def of_error(error: BaseException) -> str | None:
    """The code of an exception, by its type and its words; None when it is no fault of a GPU."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryError" in names:
        return "GPU-OOM"
    return of_text(str(error)) or ("GPU-CONTEXT" if "AcceleratorError" in names else None)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(row["match"]), row["code"]) for row in table("guard")["texts"])
