"""Room on the file system of a path that need not exist yet."""

from __future__ import annotations

import contextlib
from pathlib import Path

from deploy_kit.detect.machine import mounts
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import DiskFacts, Fact, known, unknown


def observe(context: Context, purpose: str, path: str) -> DiskFacts:
    """Free and total bytes where ``path`` is or would be made; never raises, but waits for a file server that is away
    as long as the system does."""
    nearest = _nearest(context.path(path))
    seen = f"/{nearest.relative_to(context.root).as_posix()}".removesuffix(".")
    source = f"statvfs {seen}"
    try:
        free, total = context.kernel.space(nearest)
        inodes = context.kernel.inodes(nearest)
    except OSError as error:
        return lost(context, purpose, path, error.strerror or str(error))
    why = "" if inodes is not None else "this file system does not count them"
    return DiskFacts(
        purpose, path, known(free, source), known(total, source), known(inodes, source, why), kind(context, seen)
    )


def lost(context: Context, purpose: str, path: str, reason: str) -> DiskFacts:
    """A place that cannot be measured; what is mounted there is known without asking it."""
    missing: Fact[int] = unknown(f"statvfs {path}", reason)
    entries: Fact[int | None] = unknown(f"statvfs {path}", reason)
    return DiskFacts(purpose, path, missing, missing, entries, kind(context, path))


def kind(context: Context, path: str) -> Fact[str]:
    """The name of the file system on which a path lies."""
    mount = mounts.of(context, path)
    return known(mount.kind, f"{mounts.OURS} {mount.place}") if mount else unknown(mounts.OURS, "no mount fits")


def _nearest(path: Path) -> Path:
    """The path or its nearest parent that can be seen to exist."""
    for candidate in (path, *path.parents):
        with contextlib.suppress(PermissionError):
            if candidate.exists():
                return candidate
    return path
