"""Folders that the user named: whether they can be made and used, seen before anything is done."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from deploy_kit import files
from deploy_kit.config.request import Request
from deploy_kit.findings import Finding, Severity

_KERNELS_OWN = (Path("/proc"), Path("/sys"))


def findings(request: Request) -> tuple[Finding, ...]:
    """What stands in the way of the model cache in ``cache.path``; nothing for a volume."""
    if request.cache_path is None:
        return ()
    reason = obstacle(Path(request.cache_path))
    if reason is None:
        return ()
    return (Finding.of("HOST-FOLDER-UNWRITABLE", Severity.BLOCKER, request.cache_path, reason=reason),)


def obstacle(folder: Path) -> str | None:
    """Why a folder neither is there nor can be made, in the system's words; None when nothing is seen.

    A folder that is there is left to the service's own look: the right to write in it may come from the engine.
    """
    if files.is_folder(folder):
        return None
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not files.is_folder(nearest):
        return os.strerror(errno.ENOENT if nearest.is_symlink() else errno.ENOTDIR)
    if any(nearest.is_relative_to(place) for place in _KERNELS_OWN):
        return os.strerror(errno.EPERM)
    return None if os.access(nearest, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
