"""Shared libraries as the system's loader would find them; none is loaded, and no program is asked."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from deploy_kit.detect.machine.context import Context

FOLDERS = (
    "/usr/lib64",
    "/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib",
    "/lib",
    "/usr/local/lib",
)
_CACHE = "/etc/ld.so.cache"
_CACHE_BYTES = 4 << 20
_MAGIC = b"\x7fELF"
_64_BIT = 2
_HEAD = struct.Struct("<4sBB10xHH")  # magic, class, byte order, type, machine
_MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183, "riscv64": 243}


def find(context: Context, name: str, more: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of a library, links not followed, in the loader's order: the user's folders, its cache, its own folders.

    Args:
        more: Further folders, which the loader may not know.
    """
    seen = set()
    for path in _candidates(context, name, more):
        goal = context.resolve(path)
        if goal not in seen and context.is_file(goal):
            seen.add(goal)
            yield path


def fits(context: Context, path: str) -> bool:
    """Whether a file is a library for this machine: the loader passes by those of another kind."""
    head = context.read_bytes(context.resolve(path), _HEAD.size) or b""
    if len(head) < _HEAD.size:
        return False
    magic, width, _, _, machine = _HEAD.unpack(head)
    ours = _MACHINES.get(context.kernel.uname().machine.lower(), machine)
    return bool(magic == _MAGIC and width == _64_BIT and machine == ours)


def _candidates(context: Context, name: str, more: tuple[str, ...]) -> Iterator[str]:
    for folder in context.env.get("LD_LIBRARY_PATH", "").split(":"):
        if folder.startswith("/"):
            yield f"{folder.rstrip('/')}/{name}"
    cache = context.read_bytes(_CACHE, _CACHE_BYTES) or b""
    for text in cache.split(b"\0"):
        if text.startswith(b"/") and text.endswith(b"/" + name.encode()):
            yield text.decode(errors="replace")
    for folder in (*FOLDERS, *more):
        yield f"{folder}/{name}"
