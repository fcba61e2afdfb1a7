"""``say``: a sentence into a sound file."""

from __future__ import annotations

import errno
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_kit import files
from deploy_kit.cli.output import streams
from deploy_kit.cli.session import Session
from deploy_kit.errors import fail

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from deploy_kit.lifecycle.speak import Manner


def run(session: Session) -> int:
    """Speak the text into ``--out``; ``-`` is standard output (and, as text, standard input)."""
    options = session.options
    target: str = options.out or "speech.wav"
    if target == "-" and sys.stdout.isatty():
        raise fail("USAGE-TERMINAL", "-", commands=(("deploykit", "say", options.text, "-o", "speech.wav"),))
    if target == "-" and session.json:
        raise fail("USAGE-TWO-OUTPUTS", "-")
    _refuse_unwritable(target)
    text = _stdin() if options.text == "-" else options.text
    if not text.strip():
        raise fail("USAGE-NO-TEXT", "say", commands=(("deploykit", "say", "Hello"),))
    from deploy_kit.lifecycle import speak

    start = time.monotonic()
    sound, notes = speak.say(
        session.request,
        text,
        lang=options.lang,
        voice=options.voice,
        speed=options.speed,
        manner=_manner(options),
        explicit=session.flags_given(),
    )
    if target == "-":
        streams.pour(sound)
    else:
        _write(Path(target), sound)
        _tell(session, target, len(sound), time.monotonic() - start, notes)
    for note in () if session.json else notes:  # beside the result: with ``-o -`` that is nothing but sound
        print(_remark(session, note), file=sys.stderr)
    return 0


def _manner(options: argparse.Namespace) -> Manner:
    from deploy_kit.lifecycle.speak import Manner

    return Manner(
        model=options.model,
        emotion=tuple(_emotion(options.emotion)),
        emotion_text=options.emotion_text,
        reference=Path(options.reference) if options.reference else None,
        duration=options.duration,
        seed=options.seed,
    )


def _emotion(text: str | None) -> Iterator[tuple[str, float]]:
    """``happy=0.5,calm=0.2`` as weights by name, each once."""
    seen: set[str] = set()
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name, equals, weight = part.partition("=")
        try:
            value = float(weight)
        except ValueError:
            value = math.nan
        if not equals or not math.isfinite(value):
            raise fail("USAGE-EMOTION-FORM", part.strip())
        name = name.strip().lower()
        if name in seen:
            raise fail("USAGE-EMOTION-TWICE", name)
        seen.add(name)
        yield name, value


def _refuse_unwritable(target: str) -> None:
    """Before anything is spoken: minutes of sound must not be made for nothing."""
    if target == "-":
        reason = os.strerror(errno.EBADF) if streams.closed(sys.stdout) else None
    else:
        reason = files.obstacle(Path(target))
    if reason is not None:
        raise fail("USAGE-WRITE", "stdout" if target == "-" else target, reason=reason)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise fail("USAGE-TEXT", "-", position=error.start) from None
    except OSError as error:
        raise fail("USAGE-READ", "-", reason=error.strerror or str(error)) from None


def _write(path: Path, sound: bytes) -> None:
    try:
        files.write_whole(path, sound)
    except OSError as error:
        raise fail("USAGE-WRITE", str(path), reason=error.strerror or str(error)) from None


def _remark(session: Session, note: str) -> str:
    """What the engine remarked, as a sentence; the code itself where this version knows none."""
    key = f"server.note.{note}"
    return session.words(key) if session.words.has(key) else note


def _tell(session: Session, target: str, size: int, seconds: float, notes: tuple[str, ...]) -> None:
    if session.json:
        remarks = [{"code": note, "message": _remark(session, note)} for note in notes]
        session.emit({"file": target, "bytes": size, "seconds": round(seconds, 3), "notes": remarks})
        return
    from deploy_kit.cli.output import text

    session.say(session.words("cli.said", file=target, size=text.size(size), seconds=text.seconds(seconds)))
