"""How long work tells what it does: events, handed to a reporter. Who prints them is not known here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from deploy_kit.findings import Message


class EventKind(str, Enum):
    """``step`` begins a step, ``line`` passes on raw tool output, ``progress`` has a fraction or an amount,
    ``note`` is a sentence for the user, ``done`` and ``failed`` end the step."""

    STEP = "step"
    LINE = "line"
    PROGRESS = "progress"
    NOTE = "note"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``step`` is the operation's value, ``subject`` what it works on, ``message`` the cause
    (step) or the sentence (note, progress), ``text`` a raw line, ``fraction`` 0 to 1 or None, ``seconds`` the duration
    (done).
    """

    kind: EventKind
    step: str = ""
    subject: str = ""
    message: Message | None = None
    text: str = ""
    fraction: float | None = None
    seconds: float | None = None


Reporter = Callable[[Event], None]


def line(step: str, text: str) -> Event:
    return Event(EventKind.LINE, step, text=text)


def note(step: str, key: str, /, **args: object) -> Event:
    return Event(EventKind.NOTE, step, message=Message.of(key, **args))
