"""A cluster for programs. Names never change their meaning; new ones may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_kit import codec
from deploy_kit.cli.output import findings
from deploy_kit.cli.output.cluster import verdict as shown
from deploy_kit.errors import ExitCode
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.cluster.facts import ClusterFacts
    from deploy_kit.cluster.verdict import ClusterVerdict
    from deploy_kit.config.request import Request

SCHEMA = 1
TARGET = "kubernetes"


def document(facts: ClusterFacts, verdict: ClusterVerdict, request: Request, words: Catalogue) -> dict[str, Any]:
    """Everything that the page shows, and what it leaves out."""
    return {
        "schema": SCHEMA,
        "facts": codec.to_plain(facts),
        "findings": [findings.document(one, words) for one in findings.ordered(verdict.findings)],
        "preset": verdict.preset,
        "variant": verdict.variant,
        "device": verdict.device,
        "pools": [codec.to_plain(pool) for pool in verdict.pools],
        "chosen": list(verdict.chosen),
        "values": verdict.values,
        "verdict": {
            "runs": not verdict.blockers,
            "engine": request.engine,
            "target": TARGET,
            "sentence": shown.text(facts, verdict, request, words),
            "more": list(shown.more(verdict, request, words)),
            "cards": shown.cards(verdict, words) if verdict.device == "cuda" else None,
        },
        "exit_code": int(ExitCode.HOST) if verdict.blockers else 0,
    }
