"""``test``: the project's own tests, with everything they need installed first."""

from __future__ import annotations

import sys

from deploy_kit import assets
from deploy_kit.cli.session import Session
from deploy_kit.cli.table import TIERS
from deploy_kit.cli.testing import lint, pytest_run
from deploy_kit.cli.testing.provision import Provision
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Finding, Severity


def run(session: Session) -> int:
    """Run the tiers asked for; exit 8 when one fails or, with ``--strict``, could not run."""
    root = assets.root()
    if not (root / "tests/requirements.txt").is_file():
        raise fail("USAGE-CHECKOUT", "test")
    asked = _tiers(session)
    with session.reporting() as report:
        provision = Provision(session, root, report)
        provision.prepare(asked)
    results = [lint.run(root, provision)] if "lint" in asked else []
    tiers = [tier for tier in asked if tier != "lint" and not provision.missing(tier)]
    if tiers:
        results += pytest_run.run(
            root,
            tiers,
            provision,
            keyword=session.options.keyword,
            passed=session.options.passed,
            words=session.words,
            lint=results,
        )
    if session.json:
        session.emit({"event": "outcome", "tiers": {result.tier: result.counts for result in results}})
    _judge(session, asked, results, provision)
    return 0


def _tiers(session: Session) -> list[str]:
    asked = session.options.tier or TIERS
    return [tier for tier in TIERS if tier in asked]


def _judge(session: Session, asked: list[str], results: list[pytest_run.Result], provision: Provision) -> None:
    strict = session.options.strict or session.environment.get("CI", "").lower() in ("true", "1")
    findings = [Finding.of("VERIFY-TESTS", Severity.BLOCKER, result.tier) for result in results if not result.passed]
    severity = Severity.BLOCKER if strict else Severity.WARNING
    lost = [
        Finding.of("VERIFY-NOT-RUN", severity, tier, reason=provision.missing(tier))
        for tier in asked
        if provision.missing(tier)
    ]
    skipped = session.words("cli.test_skipped")
    lost += [
        Finding.of("VERIFY-NOT-RUN", severity, result.tier, reason=f"{skipped}: {result.counts['skipped']}")
        for result in results
        if result.counts.get("skipped")
    ]
    if strict:
        findings += lost
    elif lost:
        from deploy_kit.cli.output import findings as shown

        for finding in lost:
            print(shown.text(finding, session.words), file=sys.stderr)
    if findings:
        raise Failure(*findings)
