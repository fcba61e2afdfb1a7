"""``build``: the image of the stack, without starting it."""

from __future__ import annotations

from pathlib import Path

from deploy_kit import files
from deploy_kit.cli.output import findings, planned
from deploy_kit.cli.session import Session
from deploy_kit.errors import fail
from deploy_kit.lifecycle import build, up
from deploy_kit.plan.steps import Operation


def run(session: Session) -> int:
    """Build base and image, or show what that would take."""
    request = session.request
    prepared = up.prepare(request)
    if session.options.dry_run:
        return planned.show(session, prepared, only=(Operation.GET_BASE, Operation.BUILD_IMAGE))
    with session.reporting() as report:
        image = build.alone(prepared, request, report, session.consent)
    if session.options.sbom is not None:
        _write(Path(session.options.sbom), build.describe(prepared.stack.image.reference))
    if session.json:
        session.emit({"event": "outcome", "image": prepared.stack.image.reference, "id": image.id, "bytes": image.size})
        return 0
    from deploy_kit.cli.output import text

    session.say(session.words("cli.built", image=prepared.stack.image.reference, size=text.size(image.size)))
    for finding in findings.ordered(prepared.verdict.findings):
        session.say(findings.text(finding, session.words))
    return 0


def _write(file: Path, text: str) -> None:
    try:
        files.write_whole(file, text)
    except OSError as error:
        raise fail("USAGE-WRITE", str(file), reason=error.strerror or str(error)) from None
