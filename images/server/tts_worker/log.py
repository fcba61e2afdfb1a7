"""A worker's own lines, and silence for everybody else in its process.

Speech engines print the text that they speak, and libraries below them print what they like. Both streams of the
process are therefore closed to them: whatever is not said through `say` is lost.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import TextIO

_ours: TextIO = sys.stderr


def say(line: str) -> None:
    """One line on the standard error that the process was started with. Never with a user's text."""
    print(f"worker {os.getpid()}: {line}", file=_ours, flush=True)


def stream() -> TextIO:
    """Where `say` writes; for the interpreter's own crash reports."""
    return _ours


def hush() -> None:
    """From now on nothing but `say` leaves this process: file descriptors 1 and 2 end nowhere, for C code as well."""
    global _ours  # noqa: PLW0603 - the process has one standard error
    if _ours is not sys.stderr:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    _ours = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    faulthandler.enable(file=_ours)  # names of files and functions, never values
