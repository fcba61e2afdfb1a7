"""``diagnose``: what a log says is wrong, from a file or a pipe."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

from deploy_kit import diagnose
from deploy_kit.cli.output import causes
from deploy_kit.cli.session import Session
from deploy_kit.errors import fail
from deploy_kit.lifecycle import explain

_SOURCES = {source.value: source for source in diagnose.Source}
_GZIP = b"\x1f\x8b"


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
        with _read(sys.stdin.buffer, "-") as stream:
            yield stream
        return
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(open(str(file), "rb"))
        except OSError as error:
            raise fail("USAGE-READ", str(file), reason=error.strerror or str(error)) from None
        yield stack.enter_context(_read(opened, str(file)))


@contextlib.contextmanager
def _read(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A stream as text comes from it: an old log may lie there compressed.

    Raises:
        Failure: USAGE-READ.
    """
    try:
        packed = cast("BufferedReader", stream).peek(len(_GZIP)).startswith(_GZIP)
        yield cast("BinaryIO", gzip.GzipFile(fileobj=stream)) if packed else stream
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fail("USAGE-READ", name, reason=reason) from None
