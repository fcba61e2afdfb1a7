"""``diagnose``: what a log says is wrong, from a file or a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import BinaryIO

from deploy_kit import diagnose
from deploy_kit.cli.output import causes
from deploy_kit.cli.session import Session
from deploy_kit.errors import fail
from deploy_kit.lifecycle import explain

_SOURCES = {source.value: source for source in diagnose.Source}


def run(session: Session) -> int:
    """Read the text to its end and show causes; exit 4 when something asks for an action, else 0."""
    source = _SOURCES.get(session.options.source)
    with _opened(session.options.file) as stream:
        matches = diagnose.read_stream(stream, source=source, family=explain.family_here())
    return causes.show(session, explain.clean(matches))


@contextlib.contextmanager
def _opened(file: str | None) -> Iterator[BinaryIO]:
    """The file, or standard input.

    Raises:
        Failure: USAGE-NO-LOG on a terminal, USAGE-READ.
    """
    if file in (None, "-"):
        if file is None and sys.stdin.isatty():
            raise fail("USAGE-NO-LOG", "diagnose")
        yield sys.stdin.buffer
        return
    try:
        with open(str(file), "rb") as stream:
            yield stream
    except OSError as error:
        raise fail("USAGE-READ", str(file), reason=error.strerror or str(error)) from None
