"""The nodes as a whole: whether there are any, and which do not take pods."""

from __future__ import annotations

from collections.abc import Iterator

from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import NodeFacts
from deploy_kit.cluster.pools import listed
from deploy_kit.findings import Evidence, Finding, Severity

_SHOWN = 5


def judge(case: Case, *, told: frozenset[str]) -> Iterator[Finding]:
    """The findings about nodes that are missing, not ready, or short of something.

    Args:
        told: Codes that a pool has been refused for already.
    """
    fact = case.facts.nodes
    if fact.value is None:
        return
    if not fact.value:
        severity = Severity.WARNING if case.scales else Severity.BLOCKER
        yield Finding.of("CLUSTER-NO-NODES", severity, "nodes", evidence=(Evidence(fact.source, "0"),))
        return
    everyone = len(fact.value)
    away = tuple(one for one in fact.value if not (one.ready and one.schedulable))
    short = tuple(one for one in fact.value if one.pressure and one not in away)
    if away and "CLUSTER-NOT-READY" not in told:
        yield _of(case, "CLUSTER-NOT-READY", away, everyone, _state(away[0]))
    if short and "CLUSTER-EVICTION" not in told:
        yield _of(case, "CLUSTER-EVICTION", short, everyone, listed(word for one in short for word in one.pressure))


def _of(case: Case, code: str, found: tuple[NodeFacts, ...], everyone: int, detail: str) -> Finding:
    severity = Severity.BLOCKER if len(found) == everyone else Severity.WARNING
    proof = tuple(Evidence(case.facts.nodes.source, f"{one.name}: {_state(one)}") for one in found[:_SHOWN])
    commands = (("kubectl", "describe", "node", found[0].name),)
    subject = listed(one.name for one in found)
    return Finding.of(code, severity, subject, evidence=proof, commands=commands, detail=detail,
                      count=len(found), total=everyone, meanwhile="-")  # fmt: skip


def _state(node: NodeFacts) -> str:
    words = ([] if node.ready else ["not ready"]) + ([] if node.schedulable else ["cordoned"])
    return ", ".join([*words, *node.pressure])
