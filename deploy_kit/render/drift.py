"""What differs between the files that should be and the files that are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from deploy_kit.files import is_file


def drift(expected: Mapping[str, str], folder: Path) -> str:
    """A unified diff from what is in ``folder`` to what should be there; empty when equal.

    Raises:
        OSError: A file is there and cannot be read.
    """
    parts = []
    for name in sorted(expected):
        path = folder / name
        there = is_file(path)
        found = path.read_bytes().decode(errors="backslashreplace") if there else ""
        if found != expected[name]:
            parts.append(_diff(name, found, expected[name], missing=not there))
    return "".join(parts)


def _diff(name: str, found: str, expected: str, *, missing: bool) -> str:
    lines = difflib.unified_diff(
        found.splitlines(keepends=True),
        expected.splitlines(keepends=True),
        fromfile="/dev/null" if missing else f"a/{name}",
        tofile=f"b/{name}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
