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
    """What stands in the way of the model cache in ``cache.path``, and of what the user brings for an engine."""
    return (*_cache(request), *(_brought(request) if request.engine != BUILT_IN else ()))


def _cache(request: Request) -> tuple[Finding, ...]:
    reason = None if request.cache_path is None else obstacle(Path(request.cache_path))
    if reason is None:
        return ()
    return (Finding.of("HOST-FOLDER-UNWRITABLE", Severity.BLOCKER, str(request.cache_path), reason=reason),)


def _brought(request: Request) -> tuple[Finding, ...]:
    """What the user brings must be there: an engine would make an empty folder in its place, or refuse to start."""
    source = request.build.engine_source
    brought = (
        ("CACHE-SOURCE", request.weights.path, True),
        ("CACHE-LOCK", request.weights.lock, False),
        ("BUILD-ENGINE-SOURCE", source if source.startswith("/") else None, True),
    )
    return tuple(
        Finding.of(code, Severity.BLOCKER, path, reason=reason)
        for code, path, folder in brought
        if path is not None and (reason := _missing(Path(path), folder=folder)) is not None
    )


def _missing(path: Path, *, folder: bool) -> str | None:
    """Why nothing can be read there, in the system's words. ``folder`` says that a folder will do as well."""
    if files.is_file(path):
        return None
    if files.is_folder(path):
        return None if folder else os.strerror(errno.EISDIR)
    try:
        path.stat()
    except OSError as error:
        return error.strerror
    return "not a regular file"


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
