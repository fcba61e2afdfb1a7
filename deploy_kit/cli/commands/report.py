"""``report``: a file for whoever helps: what this host is, what was wanted, and what happened, without secrets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from deploy_kit.cli.output import streams
from deploy_kit.cli.session import Session
from deploy_kit.errors import Failure, fail
from deploy_kit.lifecycle import report


def run(session: Session) -> int:
    """Collect, show what was collected, write it; ``-`` is standard output, and the list goes beside it."""
    target: str | None = session.options.output_file
    if target == "-":
        _refuse_stdout(session)
    trouble = _trouble(session)
    request = session.readable_request() if trouble else session.request
    origins = {} if trouble else session.loaded().origins
    bundle = report.collect(request, session.words, origins=origins, trouble=trouble)
    file = Path(target or report.file_name(request))
    if not session.json:
        print(
            "\n".join(_page(session, bundle, trouble, request.name)), file=sys.stderr if target == "-" else sys.stdout
        )
    if not session.options.dry_run:
        _write(bundle, file)
    if session.json:
        session.emit(_document(session, bundle, file))
    elif not session.options.dry_run and target != "-":
        session.say("\n" + session.words("report.written", file=file))
    return 0


def _refuse_stdout(session: Session) -> None:
    if session.json:
        raise fail("USAGE-TWO-OUTPUTS", "-")
    if sys.stdout.isatty() and not session.options.dry_run:
        raise fail("USAGE-TERMINAL", "-", commands=(("deploykit", "report"),))


def _trouble(session: Session) -> Failure | None:
    """Why the settings cannot be read; a report is made nevertheless."""
    try:
        session.loaded()
    except Failure as failure:
        return failure
    return None


def _write(bundle: report.Bundle, file: Path) -> None:
    if str(file) == "-":
        streams.pour(bundle.packed("report"))
        return
    try:
        report.write(bundle, file)
    except OSError as error:
        raise fail("USAGE-WRITE", str(file), reason=error.strerror or str(error)) from None


def _page(session: Session, bundle: report.Bundle, trouble: Failure | None, name: str) -> Iterator[str]:
    from deploy_kit.cli.output import findings
    from deploy_kit.cli.output.text import rows, size

    words = session.words
    if trouble is not None:
        yield words("report.trouble", name=name)
        for finding in (trouble.finding, *trouble.more):
            yield f"  {finding.code}  {findings.sentence(finding.sentence('what'), words)}"
        yield ""
    yield words("report.contents")
    yield from rows((name, size(len(text.encode("utf-8", "replace")))) for name, text in bundle.texts.items())
    if bundle.missing:
        yield ""
        yield words("report.missing")
        yield from rows(bundle.missing.items())
    yield ""
    yield words("report.promise")


def _document(session: Session, bundle: report.Bundle, file: Path) -> dict[str, object]:
    contents = {name: len(text.encode("utf-8", "replace")) for name, text in bundle.texts.items()}
    place = None if session.options.dry_run else str(file)
    return {"file": place, "contents": contents, "missing": dict(bundle.missing)}
