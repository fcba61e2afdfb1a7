"""The control groups over this process, of version 2 and version 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from deploy_kit.detect.machine.context import Context

OWN = "/proc/self/cgroup"
_DIGITS = 20


def files(context: Context, controller: str, second: str, first: str) -> Iterator[str]:
    """The files of our group and its ancestors that hold a limit; in a container the path named may not be mounted.

    Args:
        controller: The controller's name in version 1 (``memory``).
        second, first: The file's name in version 2 and in version 1.
    """
    for line in (context.read(OWN) or "").splitlines():
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not controllers:
            yield from (f"/sys/fs/cgroup{level}/{second}" for level in _levels(path))
        elif controller in controllers.split(","):
            yield from (f"/sys/fs/cgroup/{controller}{level}/{first}" for level in _levels(path))


def number(text: str | None) -> int | None:
    """The figure in a limit's file; None for ``max`` and whatever else is no figure."""
    text = (text or "").strip()
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _levels(path: str) -> Iterator[str]:
    pure = PurePosixPath(path or "/")
    for level in (pure, *pure.parents):
        yield "" if str(level) == "/" else str(level)
