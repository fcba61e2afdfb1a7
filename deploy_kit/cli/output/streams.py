"""The standard streams as they really are: closed, full, or of an encoding that lacks a character.

Whoever cannot be told must not change how a command ends.
"""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

_MODES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


class Unwritable(OSError):
    """Standard output takes nothing more: its disk is full, or worse. (A reader that went away is a broken pipe.)"""


class _Output(io.FileIO):
    """Tells failures of standard output from those of every other file."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unwritable(error.errno, error.strerror) from None


def prepare() -> None:
    """Put ``/dev/null`` in the place of closed streams, and let no character be one too many.

    After this, what cannot be written to standard output raises `Unwritable`.
    """
    for number, (name, mode) in enumerate(_MODES):
        if getattr(sys, name) is None:
            _reserve(number)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8", errors="backslashreplace"))  # noqa: SIM115  # lives as long as we do
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not closed(sys.stdout):
        sys.stdout = _told_apart(sys.stdout)


def pour(data: bytes) -> None:
    """Bytes as they are to standard output.

    Raises:
        Failure: USAGE-WRITE.
        BrokenPipeError: Whoever read us has gone.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from deploy_kit.errors import fail

        raise fail("USAGE-WRITE", "stdout", reason=error.strerror or str(error)) from None


def _told_apart(stream: TextIO) -> TextIO:
    raw = _Output(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=bool(stream.line_buffering),
    )


def _reserve(number: int) -> None:
    """Occupy the closed descriptor, or the next file that is opened would be taken for the stream by children."""
    try:
        os.fstat(number)
    except OSError:
        spare = os.open(os.devnull, os.O_RDWR)
        if spare != number:
            os.dup2(spare, number)
            os.close(spare)
        os.set_inheritable(number, True)


def closed(stream: TextIO) -> bool:
    """Whether `prepare` had to stand in for this stream."""
    return getattr(stream, "name", None) == os.devnull


def silence(stream: TextIO) -> None:
    """Let what is still to be written go nowhere; the interpreter must not complain about it at exit."""
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, stream.fileno())
    except (OSError, ValueError):  # a stream of a test has no descriptor
        return
    finally:
        os.close(sink)


def settle() -> None:
    """Write what is pending, or drop it where that cannot be done."""
    for stream in (sys.stdout, sys.stderr):
        _settle(stream)


def _settle(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        silence(stream)
