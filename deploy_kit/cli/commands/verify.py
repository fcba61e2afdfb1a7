"""``verify``: the suite of checks on the built image and the running container."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_kit import verify
from deploy_kit.cli.output import findings, text
from deploy_kit.cli.session import Session
from deploy_kit.errors import ExitCode, Failure, fail
from deploy_kit.lifecycle import up
from deploy_kit.lifecycle.site import running
from deploy_kit.tools import docker

if TYPE_CHECKING:
    from deploy_kit.config.request import Request

_MARKS = {verify.Outcome.PASSED: ("✓", "32"), verify.Outcome.FAILED: ("✗", "31"), verify.Outcome.NOT_ASKED: ("·", "36")}


def run(session: Session) -> int:
    """Check image and container; exit 8 when a check failed."""
    request = session.request
    prepared = up.prepare(request)
    reference = prepared.stack.image.reference
    if prepared.stack.target.value == "local":
        raise fail("VERIFY-NO-IMAGE", "local")
    _require(prepared)
    container = running(prepared.state).container
    name = container.name if container is not None and container.status == "running" else None
    with session.reporting() as report:
        result = verify.run(
            reference, name, report, markers=_secrets(request, prepared.key.value if prepared.key else None)
        )
    if session.json:
        from deploy_kit import codec

        shown = [findings.document(finding, session.words) for finding in result.findings]
        session.emit({"event": "outcome", "passed": result.passed, "findings": shown} | codec.to_plain(result))
    else:
        session.say(_table(session, result))
    return 0 if result.passed else int(ExitCode.VERIFY)


def _require(prepared: up.Prepared) -> None:
    """There must be an engine that answers, and an image in it: without them every check would fail."""
    blockers = [finding for finding in prepared.verdict.blockers if finding.code.startswith("ENGINE-")]
    if blockers:
        raise Failure(*blockers)
    if not prepared.observed.engine_up:
        raise fail("ENGINE-NOT-READY", "verify", commands=(("deploykit", "up"),))
    if docker.image(prepared.stack.image.reference) is None:
        raise fail("USAGE-NOT-BUILT", prepared.stack.image.reference, commands=(("deploykit", "build"),))


def _secrets(request: Request, key: str | None) -> tuple[str, ...]:
    """What must not be found in the image: the API key, and the password of the package index."""
    index = request.build.package_index or ""
    credentials = index.partition("://")[2].partition("/")[0].rpartition("@")[0]
    password = credentials.partition(":")[2]
    own = Path(request.build.ca_bundle).name if request.build.ca_bundle else ""
    return tuple(secret for secret in (key or "", password, own) if len(secret) >= 8)


def _table(session: Session, result: verify.Report) -> str:
    colour = findings.colours(sys.stdout)
    lines = []
    for check in result.checks:
        mark, code = _MARKS[check.outcome]
        line = f"{findings.paint(mark, code, colour)} {findings.sentence(check.message, session.words)}"
        lines.append(f"{line}  {text.seconds(check.seconds)}")
        if check.outcome is verify.Outcome.FAILED:
            lines += [f"    {part}" for part in check.detail.splitlines()]
    failed = sum(check.outcome is verify.Outcome.FAILED for check in result.checks)
    passed = sum(check.outcome is verify.Outcome.PASSED for check in result.checks)
    summary = session.words("cli.verify_summary", passed=passed, failed=failed, image=result.image)
    return "\n".join([*lines, "", summary])
