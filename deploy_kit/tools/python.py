"""Python interpreters on PATH: only one that really runs counts, since a version manager's shim may lead nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from deploy_kit import proc

_ASK = "import sys, venv, ensurepip; print(sys.version_info[:2]); print(sys.executable)"


def find(version: str) -> str | None:
    """The path of an interpreter of this version (``3.11``) with venv and pip, or None; the system's own first."""
    wanted = tuple(int(part) for part in version.split("."))
    for candidate in _candidates(version):
        try:
            said = proc.run((candidate, "-I", "-c", _ASK), timeout=10).stdout.split("\n")
        except proc.CommandError:
            continue
        if said[0] == str(wanted):
            return said[1]
    return None


def _candidates(version: str) -> Iterator[str]:
    places = ["/usr/bin", *os.environ.get("PATH", "").split(os.pathsep)]
    for name in (f"python{version}", "python3"):
        for place in dict.fromkeys(places):
            path = Path(place) / name
            if path.is_file() and os.access(path, os.X_OK):
                yield str(path)
