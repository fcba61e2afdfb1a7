"""Folders that the user named: whether they can be made and used, seen before anything is done."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from deploy_kit import files
from deploy_kit.compat.needs import BUILT_IN
from deploy_kit.config.request import Request
from deploy_kit.findings import Finding, Severity

_KERNELS_OWN = (Path("/proc"), Path("/sys"))


def findings(request: Request) -> tuple[Finding, ...]:
    """What stands in the way of the model cache in ``cache.path``, and of the places that weights come from."""
    return (*_cache(request), *(_brought(request) if request.engine != BUILT_IN else ()))


def _cache(request: Request) -> tuple[Finding, ...]:
    reason = None if request.cache_path is None else obstacle(Path(request.cache_path))
    if reason is None:
        return ()
    return (Finding.of("HOST-FOLDER-UNWRITABLE", Severity.BLOCKER, str(request.cache_path), reason=reason),)


def _brought(request: Request) -> tuple[Finding, ...]:
    """What the user brings must be there: an engine would make an empty folder in its place, or refuse to start."""
    brought = (("CACHE-SOURCE", request.weights.path), ("CACHE-LOCK", request.weights.lock))
    return tuple(
        Finding.of(code, Severity.BLOCKER, path, reason=os.strerror(errno.ENOENT))
        for code, path in brought
        if path is not None and not os.path.exists(path)  # noqa: PTH110 - False where the way is barred
    )


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
