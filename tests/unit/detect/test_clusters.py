"""Every recorded cluster is seen as its file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit import codec
from deploy_kit.cluster.facts import ClusterFacts
from tests.support.broken_clusters import BROKEN
from tests.support.cluster_recorder import Recording
from tests.support.recorded_clusters import RECORDED

FACTS = Path(__file__).parents[2] / "clusters"
CLUSTERS: dict[str, Recording] = {name: made() for name, made in RECORDED.items()} | BROKEN


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_cluster_is_seen_as_recorded(name: str, request: pytest.FixtureRequest) -> None:
    file = FACTS / f"{name}.json"
    seen = CLUSTERS[name].facts()
    if request.config.getoption("--update-golden"):
        file.write_text(codec.dumps(seen, indent=1) + "\n", encoding="utf-8")

    assert codec.loads(ClusterFacts, file.read_bytes()) == seen


def test_every_file_is_one_of_them() -> None:
    assert {path.stem for path in FACTS.glob("*.json")} == {*CLUSTERS}
