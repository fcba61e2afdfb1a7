"""Memory of the machine, and the cgroup's limit over us (version 2 and version 1)."""

from __future__ import annotations

import re

from deploy_kit.detect.machine import cgroup
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, MemoryFacts, known, unknown

_NO_LIMIT = 1 << 60
"""cgroup v1 writes a number near 2^63 where there is no limit."""
_SHARED = "/dev/shm"  # noqa: S108  # looked at, not written to


def observe(context: Context) -> MemoryFacts:
    """Bytes of memory; never raises."""
    text = context.read("/proc/meminfo") or ""
    return MemoryFacts(
        _entry(text, "MemTotal"), _entry(text, "MemAvailable"), limit(context), _entry(text, "SwapTotal"),
        _shared(context),
    )  # fmt: skip


def _entry(text: str, name: str) -> Fact[int]:
    match = re.search(rf"^{name}:\s+(\d{{1,15}}) kB$", text, re.MULTILINE)
    if match is None:
        return unknown("/proc/meminfo", f"no {name}")
    return known(int(match[1]) * 1024, f"/proc/meminfo {name}")


def _shared(context: Context) -> Fact[int]:
    source = f"statvfs {_SHARED}"
    if not context.exists(_SHARED):
        return unknown(source, "there is none")
    try:
        return known(context.kernel.space(context.path(_SHARED))[1], source)
    except OSError as error:
        return unknown(source, error.strerror or str(error))


def limit(context: Context) -> Fact[int | None]:
    """The smallest limit on the way from our cgroup to the root, None when there is none."""
    places = cgroup.files(context, "memory", "memory.max", "memory.limit_in_bytes")
    found = [(value, place) for place in places if (value := _value(context.read(place))) is not None]
    if found:
        value, place = min(found)
        return known(value, place)
    if context.read(cgroup.OWN) is None:
        return unknown(cgroup.OWN, "cannot be read")
    return known(None, cgroup.OWN, "no cgroup on the way sets a limit")


def _value(text: str | None) -> int | None:
    value = cgroup.number(text)
    return value if value is not None and value < _NO_LIMIT else None
