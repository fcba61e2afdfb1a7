"""Memory of this container: what it may use, and what it does, from the cgroup's files of either version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy_kit.detect.machine import memory
from deploy_kit.detect.machine.context import Context, here

_STAT = re.compile(r"^(\w+) (\d+)$", re.MULTILINE)
_NAMES = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. ``limit_bytes`` is the machine's size where no cgroup sets one; ``free_bytes`` what can still be had."""

    limit_bytes: int
    used_bytes: int
    free_bytes: int


def look(context: Context | None = None) -> Memory:
    """The figures of this moment. Pages of files that the kernel can drop count as free."""
    context = context or here()
    facts = memory.observe(context)
    total, available = facts.total.value or 0, facts.available.value or 0
    limit = facts.limit.value
    if limit is None:
        return Memory(total, total - available, available)
    used = _used(context, facts.limit.source)
    return Memory(limit, used, max(0, min(limit - used, available)))


def _used(context: Context, limit_file: str) -> int:
    """What stands against the limit, without what the kernel gives back when it is asked to."""
    folder, _, name = limit_file.rpartition("/")
    used = (context.read(f"{folder}/{_NAMES.get(name, name)}") or "").strip()
    told: dict[str, str] = dict(_STAT.findall(context.read(f"{folder}/memory.stat") or ""))
    cached = sum(int(told.get(f"total_{name}") or told.get(name) or 0) for name in ("inactive_file", "active_file"))
    return max(0, (int(used) if used.isdigit() else 0) - cached)
