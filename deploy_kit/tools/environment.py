"""Python environments that equal a hashed lock: made beside their place, then renamed, so none is ever half there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import proc
from deploy_kit.errors import Failure, fail
from deploy_kit.redact import redact

LOCK = "deploykit.lock"
"""Inside an environment: a copy of the lock it was made from."""
PYTHON = "deploykit.python"
"""Inside an environment: the interpreter it was made with."""

_VENV_SECONDS = 180
_INSTALL_SECONDS = 7200
_SILENT_SECONDS = 300
_OFFLINE = re.compile(
    r"Connection|Temporary failure|Name or service|Network is unreachable|timed out|SSLError|CERTIFICATE|ProxyError"
    r"|Could not fetch URL|No matching distribution|Could not find a version|40[0-9] Client Error|50[0-9] Server Error"
)
_CLEAN = {
    "PYTHONDONTWRITEBYTECODE": None,
    "PYTHONHOME": None,
    "PYTHONPATH": None,
    "PIP_USER": None,
    "PIP_TARGET": None,
    "PIP_PREFIX": None,
    "PIP_REQUIRE_VIRTUALENV": None,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
}
"""Changes to the caller's environment: what would put packages elsewhere, or keep them from being compiled."""


def current(folder: Path, lock: Path, python: str) -> bool:
    """Whether the environment in ``folder`` exists and was made from this lock with this interpreter."""
    try:
        same = (folder / LOCK).read_bytes() == lock.read_bytes() and (folder / PYTHON).read_text().strip() == python
    except OSError:
        return False
    return same and os.access(folder / "bin/python", os.X_OK)


def ensure(
    folder: Path,
    lock: Path,
    python: str,
    *,
    path: Path | None = None,
    first: Path | None = None,
    options: tuple[str, ...] = (),
    finish: Callable[[Path], None] = lambda fresh: None,  # noqa: ARG005
    begin: Callable[[], None] = lambda: None,
    line: Callable[[str], None] = lambda text: None,  # noqa: ARG005
    settings: Mapping[str, str | None] | None = None,
) -> bool:
    """Make the environment unless it is current; whether it was made.

    Two at once are safe: the second waits, then finds it made. Interrupted, the old one stays.

    Args:
        folder: Where it shall be; its parent is made.
        lock: Requirements with hashes.
        python: The interpreter to base it on.
        path: A folder that its interpreter finds modules in, besides the installed ones.
        first: Requirements with hashes that are installed before the others: what builds them.
        options: Further arguments of pip's.
        finish: Called with the new environment before it takes its place; what it raises leaves the old one.
        begin: Called before something is done.
        line: Called with each line of pip's output.
        settings: Changes to pip's environment; it is how an index URL with a password stays out of process lists.

    Raises:
        Failure: ENGINE-PYTHON-OFFLINE, -HASH or -FAILED.
    """
    if current(folder, lock, python):
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            if current(folder, lock, python):
                return False
            begin()
            recipe = _Recipe(lock, python, path, first, options, finish)
            _replace(folder, recipe, line, {**_CLEAN, **(settings or {})})
    except OSError as error:
        raise fail("ENGINE-PYTHON-FAILED", str(folder), reason=str(error)) from None
    return True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder itself as a lock: no file is left behind."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What an environment is made from, see `ensure`."""

    lock: Path
    python: str
    path: Path | None
    first: Path | None
    options: tuple[str, ...]
    finish: Callable[[Path], None]


def _replace(folder: Path, recipe: _Recipe, line: Callable[[str], None], settings: Mapping[str, str | None]) -> None:
    for leftover in folder.parent.glob(f"{folder.name}-new-*"):  # of a run that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = folder.with_name(f"{folder.name}-new-{os.getpid()}")
    old = folder.with_name(f"{folder.name}-old-{os.getpid()}")
    try:
        _make(fresh, recipe, line, settings)
        if recipe.path is not None:
            _point(fresh, folder, recipe.path)
        recipe.finish(fresh)
        (fresh / PYTHON).write_text(f"{recipe.python}\n")
        shutil.copyfile(recipe.lock, fresh / LOCK)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(old)
        fresh.rename(folder)
    finally:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _make(fresh: Path, recipe: _Recipe, line: Callable[[str], None], settings: Mapping[str, str | None]) -> None:
    lock = recipe.lock
    try:
        proc.stream((recipe.python, "-I", "-m", "venv", str(fresh)), line, timeout=_VENV_SECONDS, env=settings)
    except proc.CommandFailed as error:
        raise fail("ENGINE-PYTHON-FAILED", str(lock), reason=error.result.stdout[-2000:].strip()) from None
    except proc.CommandError as error:
        raise fail("ENGINE-PYTHON-FAILED", str(lock), reason=str(error)) from None
    if recipe.first is not None:
        _install(fresh, recipe.first, (), line, settings)
    _install(fresh, lock, recipe.options, line, settings)


def _install(
    fresh: Path,
    lock: Path,
    options: tuple[str, ...],
    line: Callable[[str], None],
    settings: Mapping[str, str | None],
) -> None:
    pip = (str(fresh / "bin/python"), "-m", "pip", "install", "--require-hashes", "--no-deps")
    command = (*pip, *options, "-r", str(lock))
    try:
        proc.stream(command, line, timeout=_INSTALL_SECONDS, silence=_SILENT_SECONDS, env=settings)
    except proc.CommandFailed as error:
        raise _refusal(lock, error.result.stdout) from None
    except proc.CommandError as error:
        raise fail("ENGINE-PYTHON-OFFLINE", str(lock), reason=str(error)) from None


def _refusal(lock: Path, output: str) -> Failure:
    told = [text for text in output.splitlines() if text.startswith(("ERROR", "WARNING"))] or output.splitlines()
    reason = redact("\n".join(told[-4:]))  # an index URL may hold a password
    if "DO NOT MATCH THE HASHES" in output:
        return fail("ENGINE-PYTHON-HASH", str(lock), reason=reason)
    code = "ENGINE-PYTHON-OFFLINE" if _OFFLINE.search(output) else "ENGINE-PYTHON-FAILED"
    return fail(code, str(lock), reason=reason)


def _point(fresh: Path, folder: Path, path: Path) -> None:
    """Let the environment's interpreter import from ``path``; relative where both move together."""
    (packages,) = fresh.glob("lib/python3*/site-packages")
    final = folder / packages.relative_to(fresh)
    text = os.path.relpath(path, final) if folder.is_relative_to(path) else str(path)
    (packages / "deploykit.pth").write_text(f"{text}\n")
