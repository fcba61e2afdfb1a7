"""What the facts of a cluster allow: the platform, its pools, the values of the chart, and the findings on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deploy_kit.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to run: engine, ``device`` (auto | cuda | cpu), ``variant`` (auto or a name), how many GPU pods, how many
    bytes the cache takes (0: no weights), the memory of a pod in bytes (0: what the engine needs), the access mode that
    several pods on several nodes need, and values that the user gave already (the chart's keys). ``unlocked`` are the
    variants that cannot be made, because nobody has locked their PyTorch, each with the command to change it."""

    engine: str
    device: str = "auto"
    variant: str = "auto"
    replicas: int = 1
    cache_bytes: int = 0
    memory_bytes: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    unlocked: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """Nodes that are alike: same platform pool, same card, same taints.

    ``resource`` is the name pods ask for (``nvidia.com/gpu``, ``nvidia.com/mig-1g.10gb``), empty for nodes without
    cards and for cards that only claims give (DRA); ``total`` and ``free`` count that resource, or such cards;
    ``capability`` is ``8.9`` or empty when no label tells it; ``driver`` is ``570.133.20`` or empty; ``memory`` the
    card's bytes or 0; ``sharing`` ``none``, ``time-slicing``, ``mps``; ``reason`` is the code of the finding why this
    wish cannot use it, empty when it can.
    """

    name: str
    nodes: tuple[str, ...]
    product: str = ""
    resource: str = ""
    total: int = 0
    free: int = 0
    capability: str = ""
    driver: str = ""
    memory: int = 0
    sharing: str = "none"
    variant: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClusterVerdict:
    """``preset`` and why it was taken; ``variant`` and ``device`` that GPU pods would run; ``values`` for the chart:
    only what differs from the preset's and the chart's own defaults."""

    preset: str
    variant: str
    device: str
    pools: tuple[Pool, ...] = ()
    chosen: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)
