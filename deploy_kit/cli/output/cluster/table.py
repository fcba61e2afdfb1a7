"""Several clusters at a glance: a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_kit.cli.output.cluster.verdict import mark
from deploy_kit.cli.output.host.fit import wrapped
from deploy_kit.cli.output.text import columns, width
from deploy_kit.findings import Severity
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.cluster.facts import ClusterFacts
    from deploy_kit.cluster.verdict import ClusterVerdict

_COLUMNS = ("cluster", "platform", "version", "nodes", "card", "verdict", "codes")


@dataclass(frozen=True, slots=True)
class Judged:
    """A cluster with its name, its facts and what they allow."""

    name: str
    facts: ClusterFacts
    verdict: ClusterVerdict


def lines(clusters: Sequence[Judged], words: Catalogue, room: int | None = None) -> list[str]:
    """The table; on a terminal that is too narrow for it, a block a cluster."""
    head = tuple(words(f"cli.clusters.{name}") for name in _COLUMNS)
    cells = [_cells(cluster, words) for cluster in clusters]
    table = columns([head, *cells], indent="")
    if room is None or max(map(width, table)) <= room:
        return table
    blocks: list[str] = []
    for name, *rest in cells:
        blocks += wrapped(name, room)
        for label, cell in zip(head[1:], rest):
            blocks += wrapped(f"{label}: {cell}", room, "  ", "    ")
    return blocks


def documents(clusters: Sequence[Judged]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "name": cluster.name,
            "preset": cluster.verdict.preset if cluster.facts.version.known else None,
            "version": cluster.facts.version.value,
            "nodes": None if cluster.facts.nodes.value is None else len(cluster.facts.nodes.value),
            "cards": _cards(cluster),
            "runs": not cluster.verdict.blockers,
            "variant": cluster.verdict.variant,
            "device": cluster.verdict.device,
            "codes": _codes(cluster),
        }
        for cluster in clusters
    ]


def _cells(cluster: Judged, words: Catalogue) -> tuple[str, ...]:
    verdict, nodes = cluster.verdict, cluster.facts.nodes.value
    place = words("cli.hosts.refused") if verdict.blockers else f"{verdict.variant}/{verdict.device}"
    return (
        cluster.name,
        verdict.preset if cluster.facts.version.known else "–",
        cluster.facts.version.value or "–",
        "–" if nodes is None else f"{sum(one.ready for one in nodes)}/{len(nodes)}",
        ", ".join(f"{count} × {name}" for name, count in _cards(cluster).items()) or "–",
        f"{mark(verdict)[0]} {place}",
        " ".join(_codes(cluster)) or "–",
    )


def _cards(cluster: Judged) -> dict[str, int]:
    """How many of each card there are in all."""
    found: dict[str, int] = {}
    for pool in cluster.verdict.pools:
        if pool.product or pool.resource:
            name = pool.product or pool.resource
            found[name] = found.get(name, 0) + pool.total
    return found


def _codes(cluster: Judged) -> list[str]:
    """What blocks or warns, blockers first."""
    order = (Severity.BLOCKER, Severity.WARNING)
    found = [one.code for severity in order for one in cluster.verdict.findings if one.severity is severity]
    return list(dict.fromkeys(found))
