"""Which files of an engine's source are taken, and the digest over them: equal whatever mirror they came from.

Standard library only: the build of an image runs this very file, beside the scripts in ``images/tools``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def files(folder: Path, rule: Mapping[str, Any]) -> dict[str, Path]:
    """Path in the source to file: the package's modules and the licences. Links are not followed.

    Args:
        folder: The root of the source.
        rule: The table ``engine_source``: ``package``, ``suffixes``, ``skip`` (names of folders) and ``licences``.
    """
    found = {name: folder / name for name in rule["licences"] if (folder / name).is_file()}
    package = folder / rule["package"]
    for path in package.rglob("*") if package.is_dir() else ():
        parts = path.relative_to(folder).parts
        if path.suffix in rule["suffixes"] and not set(parts) & set(rule["skip"]) and path.is_file():
            found["/".join(parts)] = path
    return dict(sorted(found.items()))


def digest(taken: Mapping[str, Path]) -> str:
    """sha256 over the sorted paths and the sha256 of each file."""
    total = hashlib.sha256()
    for name, path in sorted(taken.items()):
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def stands_in(folder: Path, rule: Mapping[str, Any]) -> bool:
    """Whether this is the stand-in of the tests, which says so itself."""
    init = folder / rule["package"] / "__init__.py"
    marked = init.is_file() and "STAND_IN = True" in init.read_text(encoding="utf-8", errors="replace")
    return marked or (folder / "STAND-IN").exists()
