"""The standard streams as they really are: closed, full, or of an encoding that lacks a character.

Whoever cannot be told must not change how a command ends.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_MODES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def prepare() -> None:
    """Put ``/dev/null`` in the place of closed streams, and let no character be one too many."""
    for number, (name, mode) in enumerate(_MODES):
        if getattr(sys, name) is None:
            _reserve(number)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # lives as long as we do
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


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


def broken(stream: TextIO) -> OSError | None:
    """Why what was printed cannot be written, None when it is. What failed once stays pending, so it fails again."""
    try:
        stream.flush()
    except OSError as error:
        return error
    return None


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
        if broken(stream) is not None:
            silence(stream)
