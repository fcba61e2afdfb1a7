"""The pools of a cluster as a table: what is in them, and whether this engine can use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy_kit.cli.output.host.fit import wrapped
from deploy_kit.cli.output.text import columns, size, width
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.cluster.verdict import ClusterVerdict, Pool

_COLUMNS = ("pool", "nodes", "card", "free", "capability", "driver", "use")
_NOTHING = "–"


def lines(verdict: ClusterVerdict, words: Catalogue, room: int | None) -> list[str]:
    """The table; a block a pool where the terminal is too narrow for it."""
    head = tuple(words(f"cli.cluster.pool.{name}") for name in _COLUMNS)
    cells = [_cells(pool, verdict.chosen, words) for pool in verdict.pools]
    table = columns([head, *cells])
    if room is None or max(map(width, table)) <= room:
        return table
    return _blocks(head, cells, room)


def _blocks(head: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[str]:
    """Under the name of each pool what is to be said of it."""
    found: list[str] = []
    for name, *rest in cells:
        found += wrapped(name, room, "  ")
        for label, cell in zip(head[1:], rest):
            if cell != _NOTHING:
                found += wrapped(f"{label}: {cell}", room, "    ", "      ")
    return found


def _cells(pool: Pool, chosen: Sequence[str], words: Catalogue) -> tuple[str, ...]:
    free = f"{pool.free}/{pool.total} {pool.resource}".rstrip() if pool.total else _NOTHING
    return (
        pool.name,
        str(len(pool.nodes)),
        card(pool, words),
        free,
        pool.capability or _NOTHING,
        pool.driver or _NOTHING,
        _use(pool, chosen, words),
    )


def card(pool: Pool, words: Catalogue) -> str:
    """Its card with what is special about it."""
    if not pool.product and not pool.resource:
        return _NOTHING
    sharing = words(f"cli.cluster.sharing.{pool.sharing}") if pool.sharing != "none" else ""
    memory = size(pool.memory) if pool.memory else ""
    return ", ".join(filter(None, (pool.product or "?", memory, sharing)))


def _use(pool: Pool, chosen: Sequence[str], words: Catalogue) -> str:
    """Taken, not to be used and why, usable and not needed, or without cards."""
    if pool.name in chosen:
        return f"✓ {pool.variant or words('cli.cluster.pool.taken')}"
    if pool.reason:
        return f"✗ {pool.reason}"
    return f"· {pool.variant}" if pool.variant else _NOTHING
