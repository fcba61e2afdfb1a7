"""The one place that runs processes.

Commands are argument lists, never shell text; every call has a deadline; an interrupted or late child
is asked to stop, then killed, with its whole process group, before the caller hears of it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_GRACE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Completed:
    """What a finished command left behind; texts are decoded as UTF-8 with replacement."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.returncode == 0


class CommandError(Exception):
    """A command that did not do what was asked; the subclass says in which way."""

    def __init__(self, argv: Sequence[str], text: str) -> None:
        super().__init__(f"{argv[0]}: {text}")
        self.argv = tuple(argv)


class CommandMissing(CommandError):
    """The program is not on PATH."""


class CommandTimeout(CommandError):
    """The deadline passed (or, for a stream, nothing was printed for too long); the child was killed."""


class CommandFailed(CommandError):
    """The command ended with another code than 0."""

    def __init__(self, result: Completed) -> None:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        super().__init__(result.argv, f"exit {result.returncode}: {lines[-1] if lines else 'no output'}")
        self.result = result


class Runner(Protocol):
    """Anything that runs a command to its end: `run` itself, or a recording of it in tests."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        input: str | None = None,
        env: Mapping[str, str | None] | None = None,
        check: bool = True,
    ) -> Completed: ...


def which(program: str) -> str | None:
    """The path of a program on PATH, or None."""
    return shutil.which(program)


def environment(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """The environment of this process with changes; None removes a name."""
    merged = dict(os.environ)
    for name, value in (changes or {}).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    input: str | None = None,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
    check: bool = True,
) -> Completed:
    """Run a command to its end and capture what it prints.

    Args:
        argv: Program and arguments; the program is looked up on PATH.
        timeout: Seconds until the child is stopped.
        input: Text for standard input; without it the child reads an empty one.
        env: Changes to the environment (None removes a name).
        cwd: Working directory.
        check: Raise when the exit code is not 0.

    Raises:
        CommandMissing: The program is not on PATH.
        CommandTimeout: It ran past its deadline.
        CommandFailed: It failed and ``check`` is set.
    """
    start = time.monotonic()
    with _started(argv, env, cwd, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL) as child:
        try:
            out, err = child.communicate(None if input is None else input.encode(), timeout=timeout)
        except subprocess.TimeoutExpired:
            raise CommandTimeout(argv, f"no end after {timeout:g} s") from None
    result = Completed(
        tuple(argv),
        child.returncode,
        out.decode(errors="replace"),
        err.decode(errors="replace"),
        time.monotonic() - start,
    )
    if check and not result.ok:
        raise CommandFailed(result)
    return result


def stream(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    timeout: float,
    silence: float | None = None,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    terminal: bool = False,
) -> Completed:
    """Run a command and hand over each line (both streams, in order of arrival) as it comes.

    Args:
        on_line: Called with each line, without its end.
        timeout: Seconds for the whole run.
        silence: Seconds without any output after which the child counts as hung.
        terminal: Leave the controlling terminal to the child, which may ask for a password there (see `foreground`).

    Raises:
        CommandMissing, CommandTimeout, CommandFailed: as `run`; the result's ``stdout`` holds the last 200 lines.
    """
    start = last = time.monotonic()
    tail: list[str] = []
    quiet = subprocess.DEVNULL
    with (
        _started(argv, env, cwd, stdin=quiet, merge=True, session=not terminal) as child,
        selectors.DefaultSelector() as selector,
    ):
        assert child.stdout is not None
        selector.register(child.stdout, selectors.EVENT_READ)
        pending = b""
        while True:
            now = time.monotonic()
            if now - start > timeout:
                raise CommandTimeout(argv, f"no end after {timeout:g} s")
            if silence is not None and now - last > silence:
                raise CommandTimeout(argv, f"no output for {silence:g} s")
            if not selector.select(0.2):
                continue
            chunk = os.read(child.stdout.fileno(), 65536)
            last = time.monotonic()
            *lines, pending = (pending + chunk).replace(b"\r", b"\n").split(b"\n")
            if not chunk and pending:
                lines.append(pending)
            for line in lines:
                text = line.decode(errors="replace")
                tail.append(text)
                on_line(text)
            del tail[:-200]
            if not chunk:
                break
        child.wait(timeout=max(1.0, timeout - (time.monotonic() - start)))
    result = Completed(tuple(argv), child.returncode, "\n".join(tail), "", time.monotonic() - start)
    if check and not result.ok:
        raise CommandFailed(result)
    return result


def foreground(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    timeout: float,
    silence: float | None = None,
    check: bool = True,
) -> Completed:
    """As `stream`, but the child stays in our session, so that ``sudo`` can ask for a password on the terminal.

    Ctrl-C then reaches the child from the terminal itself. A child of another user cannot be killed by us when it is
    late; it is left to end by itself.
    """
    return stream(argv, on_line, timeout=timeout, silence=silence, check=check, terminal=True)


def spawn(
    argv: Sequence[str], *, log: Path, env: Mapping[str, str | None] | None = None, cwd: Path | None = None
) -> int:
    """Start a daemon in a session of its own, its output appended to ``log``; returns its process id.

    The child survives this process and its terminal.

    Raises:
        CommandMissing: The program is not on PATH.
    """
    with log.open("ab") as sink:
        try:
            child = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environment(env),
                cwd=cwd,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise CommandMissing(argv, "not found on PATH") from None
    child.returncode = 0  # the daemon is not ours to wait for; keeps Popen from warning
    return child.pid


def replace(argv: Sequence[str], *, env: Mapping[str, str | None] | None = None) -> None:
    """Become the command: output, signals and exit code are then its own. Does not return.

    Raises:
        CommandMissing: The program is not on PATH.
    """
    try:
        os.execvpe(argv[0], list(argv), environment(env))
    except FileNotFoundError:
        raise CommandMissing(argv, "not found on PATH") from None


@contextlib.contextmanager
def _started(
    argv: Sequence[str],
    env: Mapping[str, str | None] | None,
    cwd: Path | None,
    *,
    stdin: int,
    merge: bool = False,
    session: bool = True,
) -> Iterator[subprocess.Popen[bytes]]:
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            env=environment(env),
            cwd=cwd,
            start_new_session=session,
        )
    except FileNotFoundError:
        raise CommandMissing(argv, "not found on PATH") from None
    except PermissionError as error:
        raise CommandMissing(argv, str(error)) from None
    try:
        yield child
    finally:
        if child.poll() is None:
            _stop(child, group=session)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


def _stop(child: subprocess.Popen[bytes], *, group: bool) -> None:
    send = os.killpg if group else os.kill
    for signum, wait in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, _GRACE_SECONDS)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(child.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=wait)
            return
