"""The whole judgement of a cluster: gates in the order in which an installation would fail at them."""

from __future__ import annotations

from deploy_kit.cluster import access, nodes, notes, placement, policy, presets, proposal, storage
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.cluster.pools import groups
from deploy_kit.cluster.verdict import ClusterVerdict, Wish
from deploy_kit.compat import cards, needs
from deploy_kit.compat.cards import Matrix
from deploy_kit.findings import Finding, Severity


def judge(facts: ClusterFacts, wish: Wish, *, matrix: Matrix | None = None) -> ClusterVerdict:
    """What a cluster allows of a wish. Pure: the same facts give the same verdict.

    Without a program, a kubeconfig or an answer there is nothing else to judge; otherwise everything is judged to the
    end, so that a user sees all obstacles at once. Facts that are unknown or were not asked stand in nobody's way.

    Args:
        facts: The cluster as observed.
        wish: What is to run there.
        matrix: What is known of variants and cards, where it is not the product's own tables.
    """
    refused = access.way(facts)
    if refused:
        preset, _ = presets.recognise(facts, wish)
        programs = tuple(access.programs(facts))
        return ClusterVerdict(preset, _plain(wish), "cpu", findings=(*refused, *programs))
    case = Case.of(facts, wish, matrix or cards.usual())
    placed = placement.place(case, groups(facts, case.selector))
    stored = storage.judge(case, placed.chosen)
    told = frozenset(one.code for one in placed.findings)
    findings = (
        *access.programs(facts),
        *access.version(case),
        *access.rights(case),
        *policy.namespace(case),
        *policy.release(case),
        *placed.findings,
        *nodes.judge(case, told=told),
        *notes.of(case, placed),
        *policy.runtime_class(case, placed),
        *stored.findings,
        *policy.quotas(case, placed),
        *policy.limits(case, placed),
        *policy.groups(case),
        *notes.expectation(case, placed),
        notes.platform(case),
    )
    refused_card = any(one.severity is Severity.BLOCKER for one in placed.findings) and wish.device == "cuda"
    values = {} if refused_card and placed.device == "cpu" else proposal.propose(case, placed, stored)
    order = list(Severity)
    return ClusterVerdict(
        case.preset,
        placed.variant,
        placed.device,
        placed.pools,
        tuple(one.name for one in placed.chosen),
        values,
        _once(tuple(sorted(findings, key=lambda one: order.index(one.severity)))),
    )


def _once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Each finding once, at its gravest."""
    found: dict[tuple[str, str], Finding] = {}
    for one in findings:
        found.setdefault((one.code, one.subject), one)
    return tuple(found.values())


def _plain(wish: Wish) -> str:
    if wish.variant != "auto":
        return wish.variant
    return "core" if wish.engine == needs.BUILT_IN else "cpu"
