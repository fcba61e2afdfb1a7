"""``report``: a file for whoever helps: what this host is, what was wanted, and what happened, without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy_kit.cli.session import Session
from deploy_kit.errors import Failure, fail
from deploy_kit.lifecycle import report


def run(session: Session) -> int:
    """Collect, show what was collected, write it."""
    bundle, name = _collected(session)
    file = Path(session.options.output_file or name)
    if not session.json:
        session.say("\n".join(_page(session, bundle)))
    if not session.options.dry_run:
        try:
            report.write(bundle, file)
        except OSError as error:
            raise fail("USAGE-WRITE", str(file), reason=error.strerror or str(error)) from None
    if session.json:
        session.emit(_document(session, bundle, file))
    elif not session.options.dry_run:
        session.say("\n" + session.words("report.written", file=file))
    return 0


def _collected(session: Session) -> tuple[report.Bundle, str]:
    """The bundle and a name for it; settings that cannot be read are told in it, and the defaults taken."""
    try:
        loaded = session.loaded()
    except Failure as failure:
        from deploy_kit.config.load import load

        request = load({}, {}, None).request
        return report.collect(request, session.words, trouble=failure), report.file_name(request)
    made = report.collect(loaded.request, session.words, origins=loaded.origins)
    return made, report.file_name(loaded.request)


def _page(session: Session, bundle: report.Bundle) -> Iterator[str]:
    from deploy_kit.cli.output.text import rows, size

    words = session.words
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
