"""Tables: what is known and may change stands here as data, never in code."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@cache
def table(name: str) -> Any:
    """The content of ``<name>.json`` in this folder. Treat it as read-only."""
    with open(_FOLDER / f"{name}.json", encoding="utf-8") as file:
        return json.load(file)
