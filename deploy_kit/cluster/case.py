"""What every gate looks at: the facts, the wish, and what follows from both at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy_kit.cluster import presets
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.cluster.values import at, over
from deploy_kit.cluster.verdict import Wish
from deploy_kit.compat import needs
from deploy_kit.compat.cards import Matrix
from deploy_kit.data import table
from deploy_kit.findings import Evidence

_DEPLOYED = ("deployed", "superseded")


@dataclass(frozen=True, slots=True)
class Case:
    """One judgement. ``preset`` with the evidence for it; ``values`` that hold before anything is proposed: the
    chart's, the preset's over them, and the user's over both."""

    facts: ClusterFacts
    wish: Wish
    matrix: Matrix
    preset: str
    why: tuple[Evidence, ...]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, facts: ClusterFacts, wish: Wish, matrix: Matrix) -> Case:
        preset, why = presets.recognise(facts, wish)
        return cls(facts, wish, matrix, preset, why, over(presets.defaults(preset), wish.values))

    def value(self, path: str) -> Any:
        return at(self.values, path)

    def given(self, path: str) -> Any:
        """The user's own value; None when there is none."""
        return at(self.wish.values, path)

    @property
    def selector(self) -> Mapping[str, Any]:
        """The labels that the user's pods ask for."""
        selector = self.given("nodeSelector")
        return selector if isinstance(selector, Mapping) else {}

    @property
    def built_in(self) -> bool:
        return self.wish.engine == needs.BUILT_IN

    @property
    def count(self) -> int:
        """Cards for each pod."""
        count = self.value("gpu.count")
        return count if isinstance(count, int) and count > 0 else 1

    @property
    def ours(self) -> bool:
        """Whether our own release runs there: what is in use may be its own."""
        release = self.facts.release.value
        return release is not None and release.status in _DEPLOYED

    @property
    def scales(self) -> bool:
        """Whether something makes new nodes when pods wait for one."""
        roles = {one.role for one in self.facts.daemons.value or ()}
        groups = self.facts.groups.value or ()
        return bool(roles & {"autoscaler", "karpenter"}) or any(one.startswith("karpenter.") for one in groups)

    def served(self, group: str) -> bool | None:
        """Whether the API server knows a group and version; None when that is not known."""
        return None if self.facts.groups.value is None else group in self.facts.groups.value

    def dra(self) -> str:
        """The newest version of the device API that is served and that the chart writes, empty for none."""
        versions = table("kubernetes")["dra"]["versions"]
        return next((str(one) for one in versions if self.served(one)), "")

    def device_class(self) -> str:
        """The device class of whole cards, empty where there is none."""
        usual, found = str(table("kubernetes")["dra"]["class"]), self.facts.device_classes.value or ()
        return usual if usual in found else next((one for one in found if "gpu" in one and "nvidia" in one), "")

    def memory(self, device: str) -> int:
        """The least memory that a pod asks a node for, bytes."""
        return self.wish.memory_bytes or needs.memory_load(self.wish.engine, device)
