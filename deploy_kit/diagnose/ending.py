"""What is told without a log: exit codes, and the events of Kubernetes."""

from __future__ import annotations

from deploy_kit.diagnose import text
from deploy_kit.diagnose.book import rows
from deploy_kit.diagnose.order import ordered
from deploy_kit.diagnose.scan import Scan
from deploy_kit.diagnose.values import Match, Source
from deploy_kit.findings import arguments

_SIGNALS = 128


def exit_code(code: int, oom_killed: bool = False, *, own: bool = True, family: str = "") -> Match | None:
    """What the end of a container or process means; None for 0 and for codes that say nothing by themselves.

    Args:
        code: As a shell tells it; a negative one is a signal, as Python tells it.
        oom_killed: Whether the kernel ended it for want of memory.
        own: Whether the program was our service, whose own codes are known.
        family: The family of distributions that commands are wanted for.
    """
    code = _SIGNALS - code if code < 0 else code
    for row in rows().values():
        if code in row.exits and row.oom in (None, oom_killed) and (own or not row.own):
            args = arguments({"exit": code})
            commands = row.remedy(family)
            return Match(row.id, row.finding, row.severity, "", 0, 1, args, "", row.fallback, commands)
    return None


def event(reason: str, message: str, *, family: str = "") -> Match | None:
    """What an event or a status of Kubernetes means: ``FailedScheduling`` and its message, say."""
    said = text.pieces_of_lines([f"{reason}: {message}".replace("\n", " ")])
    found = ordered(Scan(Source.EVENT, family).take(said))
    return found[0] if found else None
