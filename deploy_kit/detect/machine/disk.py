"""Room on the file system of a path that need not exist yet."""

from __future__ import annotations

import contextlib
from pathlib import Path

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import DiskFacts, Fact, known, unknown


def observe(context: Context, purpose: str, path: str) -> DiskFacts:
    """Free and total bytes where ``path`` is or would be made; never raises."""
    nearest = _nearest(context.path(path))
    try:
        free, total = context.kernel.space(nearest)
    except OSError as error:
        lost: Fact[int] = unknown(f"statvfs {path}", error.strerror or str(error))
        return DiskFacts(purpose, path, lost, lost)
    seen = nearest.relative_to(context.root).as_posix()
    source = f"statvfs /{seen}".removesuffix(".")
    return DiskFacts(purpose, path, known(free, source), known(total, source))


def _nearest(path: Path) -> Path:
    """The path or its nearest parent that can be seen to exist."""
    for candidate in (path, *path.parents):
        with contextlib.suppress(PermissionError):
            if candidate.exists():
                return candidate
    return path
