"""Memory of the machine, and the cgroup's limit over us (version 2 and version 1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, MemoryFacts, known, unknown

_NO_LIMIT = 1 << 60
"""cgroup v1 writes a number near 2^63 where there is no limit."""


def observe(context: Context) -> MemoryFacts:
    """Bytes of memory; never raises."""
    text = context.read("/proc/meminfo") or ""
    return MemoryFacts(_entry(text, "MemTotal"), _entry(text, "MemAvailable"), limit(context))


def _entry(text: str, name: str) -> Fact[int]:
    match = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    if match is None:
        return unknown("/proc/meminfo", f"no {name}")
    return known(int(match[1]) * 1024, f"/proc/meminfo {name}")


def limit(context: Context) -> Fact[int | None]:
    """The smallest limit on the way from our cgroup to the root, None when there is none."""
    own = context.read("/proc/self/cgroup")
    found = [(value, place) for place in _places(own or "") if (value := _value(context.read(place))) is not None]
    if found:
        value, place = min(found)
        return known(value, place)
    if own is None:
        return unknown("/proc/self/cgroup", "cannot be read")
    return known(None, "/proc/self/cgroup", "no cgroup on the way sets a limit")


def _places(own: str) -> Iterator[str]:
    """The limit files of our cgroup and its ancestors; in a container the path named may not be mounted."""
    for line in own.splitlines():
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not controllers:
            yield from (f"/sys/fs/cgroup{level}/memory.max" for level in _levels(path))
        elif "memory" in controllers.split(","):
            yield from (f"/sys/fs/cgroup/memory{level}/memory.limit_in_bytes" for level in _levels(path))


def _levels(path: str) -> Iterator[str]:
    pure = PurePosixPath(path or "/")
    for level in (pure, *pure.parents):
        yield "" if str(level) == "/" else str(level)


def _value(text: str | None) -> int | None:
    if text is None or not text.strip().isdigit():
        return None
    value = int(text)
    return value if value < _NO_LIMIT else None
