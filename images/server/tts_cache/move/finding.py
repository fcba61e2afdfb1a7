"""Recognising files wherever they lie: by size and sha256; those without a hash by the place that hubs and tools give
them."""

from __future__ import annotations

from collections.abc import Iterator

from tts_cache.lock import Item, Lock
from tts_cache.move.boxes import Box, Entry


def by_hash(box: Box, items: list[Item]) -> Iterator[tuple[Entry, list[Item]]]:
    """Files whose size is that of an item with a hash, each with the items that it could be."""
    sizes: dict[int, list[Item]] = {}
    for item in items:
        if item.sha256 is not None and item.bytes is not None:
            sizes.setdefault(item.bytes, []).append(item)
    for entry in box.entries:
        if entry.size in sizes and not entry.again:
            yield entry, sizes[entry.size]


def by_name(box: Box, item: Item, lock: Lock) -> Entry | None:
    """The file that an item without a hash is, by its place and, where it is known, its size."""
    for place in _places(item, lock):
        for entry in box.entries:
            if entry.path == place and item.bytes in (None, entry.size):
                return entry
        for entry in box.entries:
            if entry.path.endswith(f"/{place}") and item.bytes in (None, entry.size):
                return entry
    return None


def _places(item: Item, lock: Lock) -> Iterator[str]:
    """Where our own export, the caches of both hubs, and upstream's directory have a file; the surest first."""
    yield item.place
    yield f"models--{item.repository.replace('/', '--')}/snapshots/{item.revision}/{item.path}"
    twin = lock.repository(item.repository).modelscope
    for name in (item.repository, *((twin.name,) if twin else ())):
        yield f"{name}/{item.path}"
        yield f"{name.replace('.', '___')}/{item.path}"  # how ModelScope's own cache writes a dot
    yield item.view
