"""The verdict on a cluster in a sentence: whether the engine runs there, on which cards, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy_kit.cli.output.findings import sentence
from deploy_kit.compat import needs
from deploy_kit.findings import Finding, Severity
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.cluster.facts import ClusterFacts
    from deploy_kit.cluster.verdict import ClusterVerdict
    from deploy_kit.config.request import Request


_UNSEEN = frozenset({"CLUSTER-NO-GPU-NODES", "CLUSTER-NODES-UNSEEN"})
"""Why no card computes, where no pool can be the reason."""


def mark(verdict: ClusterVerdict) -> tuple[str, str]:
    """A sign and its colour: runs, runs otherwise than hoped, does not run."""
    if verdict.blockers:
        return "✗", "31"
    return ("!", "33") if any(one.severity is Severity.WARNING for one in verdict.findings) else ("✓", "32")


def text(facts: ClusterFacts, verdict: ClusterVerdict, request: Request, words: Catalogue) -> str:
    """One sentence. Of a cluster that did not answer nothing is said but that."""
    engine = request.engine
    if verdict.blockers:
        key = "blocked" if facts.version.known else "unknown"
        return words(f"cli.cluster.verdict.{key}", engine=engine, reason=_reason(verdict.blockers[0], words))
    place = words("cli.verdict.image", variant=verdict.variant)
    if engine == needs.BUILT_IN:
        return words("cli.cluster.verdict.built_in", place=place)
    if verdict.device == "cuda":
        return words("cli.cluster.verdict.cuda", engine=engine, place=place, cards=cards(verdict, words))
    why = about_device(verdict)
    if why is None:
        return words("cli.cluster.verdict.cpu", engine=engine, place=place)
    return words("cli.cluster.verdict.instead", engine=engine, place=place, reason=_reason(why, words))


def more(verdict: ClusterVerdict, request: Request, words: Catalogue) -> Iterator[str]:
    """How fast it would be, and what this version does about clusters."""
    if not verdict.blockers and request.engine != needs.BUILT_IN and verdict.device == "cpu":
        factor = f"{needs.real_time_factor(request.engine, 'cpu'):g}"
        yield words("cli.verdict.meanwhile_cpu", engine=request.engine, factor=factor)
    yield words("cli.cluster.verdict.only_looks")


def cards(verdict: ClusterVerdict, words: Catalogue) -> str:
    """The cards of the chosen pools, with how many are free: ``NVIDIA-L4 (3 of 4 free)``."""
    found: dict[str, tuple[int, int]] = {}
    for pool in verdict.pools:
        if pool.name in verdict.chosen and pool.total:
            free, total = found.get(pool.product or pool.resource, (0, 0))
            found[pool.product or pool.resource] = (free + pool.free, total + pool.total)
    said = [words("cli.cluster.free", name=name, free=free, total=total) for name, (free, total) in found.items()]
    return ", ".join(said) or "GPU"


def about_device(verdict: ClusterVerdict) -> Finding | None:
    """The finding that says why no card computes: the first that keeps a pool from being used."""
    reasons = {pool.reason for pool in verdict.pools} | _UNSEEN
    if any(pool.total for pool in verdict.pools):
        reasons |= {"BUILD-TORCH-INSTEAD"}
    return next((one for one in verdict.findings if one.code in reasons), None)


def _reason(finding: Finding, words: Catalogue) -> str:
    return sentence(finding.sentence("what"), words)
