"""Which platform a cluster is of, and what the chart takes for granted there."""

from __future__ import annotations

import re
from typing import Any

from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.cluster.values import at, over
from deploy_kit.cluster.verdict import Wish
from deploy_kit.data import table
from deploy_kit.findings import Evidence

GENERIC = "generic"


def recognise(facts: ClusterFacts, wish: Wish) -> tuple[str, tuple[Evidence, ...]]:
    """The preset and what it was known by: what the user named, the server's version, or the labels of the nodes.

    The scheme of a node's provider id decides nothing: clusters that somebody built on a cloud's machines have it too.
    """
    book = table("kubernetes")
    asked = at(wish.values, "platform")
    if asked in book["presets"]:
        return str(asked), (Evidence("values", f"platform: {asked}"),)
    return _by_version(facts) or _by_labels(facts) or (GENERIC, ())


def title(preset: str) -> str:
    """The platform as people call it."""
    return str(table("kubernetes")["presets"][preset]["name"])


def defaults(preset: str) -> dict[str, Any]:
    """What holds without a word from the user: the chart's own values with the preset's over them."""
    book = table("kubernetes")
    return over(book["chart"]["values"], {"platform": preset, **book["presets"][preset]["values"]})


def _by_version(facts: ClusterFacts) -> tuple[str, tuple[Evidence, ...]] | None:
    book, version = table("kubernetes"), facts.version.value or ""
    for name in book["preset_order"]:
        pattern = book["presets"][name]["version"]
        if pattern and re.search(pattern, version):
            return name, (Evidence(facts.version.source, version),)
    return None


def _by_labels(facts: ClusterFacts) -> tuple[str, tuple[Evidence, ...]] | None:
    book, nodes = table("kubernetes"), facts.nodes.value or ()
    for name in book["preset_order"]:
        prefixes = tuple(book["presets"][name]["labels"])
        for node in nodes:
            label = next((key for key in sorted(node.labels) if key.startswith(prefixes)), None)
            if label is not None:
                return name, (Evidence(facts.nodes.source, f"{node.name}: {label}={node.labels[label]}"),)
    return None
