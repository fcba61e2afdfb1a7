"""The result of ``doctor`` for programs. Names never change their meaning; new ones may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_kit import codec
from deploy_kit.cli.output import findings
from deploy_kit.cli.output.host import verdict as shown
from deploy_kit.errors import ExitCode
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.compat import Verdict
    from deploy_kit.config.request import Request
    from deploy_kit.facts import HostFacts

SCHEMA = 1


def document(facts: HostFacts, verdict: Verdict, request: Request, words: Catalogue) -> dict[str, Any]:
    """Everything that the page shows, and what it leaves out."""
    gpu, setup = verdict.gpu, verdict.setup
    packages = setup.packages.packages if setup is not None and setup.packages is not None else ()
    return {
        "schema": SCHEMA,
        "facts": codec.to_plain(facts),
        "findings": [findings.document(one, words) for one in findings.ordered(verdict.findings)],
        "variant": verdict.variant,
        "device": verdict.device,
        "verdict": {
            "runs": not verdict.blockers,
            "engine": request.engine,
            "target": request.target,
            "sentence": shown.text(verdict, request, facts, words),
            "more": list(shown.more(verdict, request, words)),
            "cards": shown.cards(verdict, facts) if verdict.device == "cuda" else None,
            "request": None if gpu is None else codec.to_plain(gpu),
            "setup": None if setup is None else {"packages": list(packages), "start": setup.start},
            "memory_bytes": verdict.memory_bytes,
            "pids": verdict.pids,
        },
        "exit_code": int(ExitCode.HOST) if verdict.blockers else 0,
    }
