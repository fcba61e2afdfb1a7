"""``say``: a sentence into a sound file."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from deploy_kit.cli.session import Session
from deploy_kit.errors import fail


def run(session: Session) -> int:
    """Speak the text into ``--out``; ``-`` is standard output (and, as text, standard input)."""
    options = session.options
    target: str = options.out or "speech.wav"
    if target == "-" and sys.stdout.isatty():
        raise fail("USAGE-TERMINAL", "-", commands=(("deploykit", "say", options.text, "-o", "speech.wav"),))
    if target == "-" and session.json:
        raise fail("USAGE-TWO-OUTPUTS", "-")
    text = _stdin() if options.text == "-" else options.text
    from deploy_kit.lifecycle import speak

    start = time.monotonic()
    sound = speak.say(
        session.request,
        text,
        lang=options.lang,
        voice=options.voice,
        speed=options.speed,
        explicit=session.flags_given(),
    )
    if target == "-":
        sys.stdout.buffer.write(sound)
        sys.stdout.buffer.flush()
        return 0
    _write(Path(target), sound)
    _tell(session, target, len(sound), time.monotonic() - start)
    return 0


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise fail("USAGE-TEXT", "-", position=error.start) from None


def _write(path: Path, sound: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    if path.exists() and not path.is_file():  # a pipe or a device takes the bytes as they are
        partial = path
    try:
        partial.write_bytes(sound)
        if partial is not path:
            partial.replace(path)
    except OSError as error:
        if partial is not path:
            partial.unlink(missing_ok=True)
        raise fail("USAGE-WRITE", str(path), reason=error.strerror or str(error)) from None


def _tell(session: Session, target: str, size: int, seconds: float) -> None:
    if session.json:
        session.emit({"file": target, "bytes": size, "seconds": round(seconds, 3)})
        return
    from deploy_kit.cli.output import text

    session.say(session.words("cli.said", file=target, size=text.size(size), seconds=text.seconds(seconds)))
