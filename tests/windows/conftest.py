"""A Windows to run ``deploykit.cmd`` on: wine with a registry of its own, and a stand-in for ``wsl.exe``."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy_kit import assets

SOURCE = assets.root() / "tests/support/windows/wsl.c"
COMPILER = "x86_64-w64-mingw32-gcc"
CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_SECONDS = 120.0
_STARTING = 120.0
_STEERING = re.compile(r"\x1b\[[?\d;]*[A-Za-z]|\x1b\][^\x07]*\x07")


@dataclass(frozen=True)
class Answer:
    """How a run ended: its exit code, and what stood on the screen."""

    code: int
    shown: str


@dataclass(frozen=True)
class Windows:
    """One installation. ``calls`` is where the stand-in for ``wsl.exe`` writes down how it was called."""

    prefix: Path
    launcher: Path

    @property
    def calls(self) -> list[tuple[str, ...]]:
        """The arguments of each call; the last says what ``WSLENV`` was."""
        try:
            text = (self.prefix / "calls").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [tuple(line.split("\0")) for line in text.splitlines()]

    @property
    def wsl(self) -> Path:
        return self.prefix / "drive_c/windows/system32/wsl.exe"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        own = {
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=d",
            "FAKE_WSL_LOG": _seen(self.prefix / "calls"),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
        }
        return kept | own | more

    def registry(self, *words: str) -> None:
        """Run ``reg`` with these words."""
        answer = self.program("wine", "reg", *words, "/f")
        assert answer.code == 0, answer.shown

    def run(self, typed: str, piped: str = "", **environment: str) -> Answer:
        """Type a command at the prompt: ``deploykit.cmd`` and these words, exactly so. Its output goes into a file."""
        script = self.prefix.parent / "typed.cmd"
        script.write_bytes(f'@"{_seen(self.launcher).replace("%", "%%")}" {typed}\r\n'.encode())
        return self.program("wine", "cmd", "/c", _seen(script), piped=piped, **environment)

    def in_folder(self, name: str) -> Windows:
        """The same Windows, with the launcher in a folder of this name."""
        folder = self.prefix.parent / name
        folder.mkdir(exist_ok=True)
        return replace(self, launcher=Path(shutil.copy(self.launcher, folder)))

    def program(self, *command: str, seconds: float = _SECONDS, piped: str = "", **environment: str) -> Answer:
        """Run a program. Its output goes into a file: services that it may start keep a pipe open for ever."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write(piped.encode())
            given.seek(0)
            done = subprocess.run(
                command,
                env=self.environment(**environment),
                stdin=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
            output.seek(0)
            return Answer(done.returncode, output.read().decode(errors="replace").replace("\r\n", "\n"))

    def on_screen(self, *words: str, **environment: str) -> Answer:
        """Run it on a terminal, which alone has a code page here.

        Wine reads batch files in the system's code page whatever ``chcp`` says; that is undone here, so that what is
        left is what Windows shows.
        """
        main, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 240, 0, 0))
        command = ("wine", "cmd", "/c", _seen(self.launcher), *words)
        child = subprocess.Popen(
            command, env=self.environment(**environment), stdin=screen, stdout=screen, stderr=screen, close_fds=True
        )
        os.close(screen)
        try:
            shown = _everything(main, child)
            return Answer(child.wait(_SECONDS), _as_windows_reads_it(_STEERING.sub("", shown)))
        finally:
            child.kill()
            child.wait()
            os.close(main)


def _everything(terminal: int, child: subprocess.Popen[bytes]) -> str:
    """What is written to a terminal until the child has ended."""
    shown, end = b"", time.monotonic() + _SECONDS
    while time.monotonic() < end:
        ended = child.poll() is not None
        if not select.select([terminal], [], [], 0.3)[0]:
            if ended:
                break
            continue
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            break
    return shown.decode("utf-8", "replace").replace("\r", "")


def _as_windows_reads_it(text: str) -> str:
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(text: str) -> str:
    try:
        return text.encode("cp437").decode("utf-8")
    except UnicodeError:
        return text


def _seen(path: Path) -> str:
    """A path of ours as wine's programs see it."""
    return "Z:" + str(path).replace("/", "\\")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A Windows 11, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("windows")
    home = folder / "deploy kit"
    home.mkdir()
    launcher = Path(shutil.copy(assets.root() / "deploykit.cmd", home))
    windows = Windows(folder / "prefix", launcher)
    try:
        booted = windows.program("wineboot", "--init", seconds=240)
        assert booted.code == 0, booted.shown
        compiled = (COMPILER, "-municode", "-O1", "-s", "-o", str(windows.wsl), str(SOURCE))
        subprocess.run(compiled, check=True, timeout=_SECONDS)
        with _running(windows):
            yield windows
    finally:
        windows.program("wineboot", "--kill")
        shutil.rmtree(windows.prefix, ignore_errors=True)  # 700 MB


@contextlib.contextmanager
def _running(windows: Windows) -> Iterator[None]:
    """A program that stays, so that Windows does not start anew for each of the others."""
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    command = ("wine", "cmd")
    with subprocess.Popen(command, env=windows.environment(), stdin=pipe, stdout=quiet, stderr=quiet) as child:
        try:
            _until_it_answers(windows)
            yield
        finally:
            child.kill()


def _until_it_answers(windows: Windows) -> None:
    """Wait for Windows: programs that are started while it still starts fail ("ShellExecuteEx failed").

    Raises:
        AssertionError: It does not come up; with what it said last.
    """
    end = time.monotonic() + _STARTING
    while (answer := windows.program("wine", "cmd", "/c", "exit 7")).code != 7:
        assert time.monotonic() < end, answer.shown
        time.sleep(1.0)


@pytest.fixture
def windows(installed: Windows) -> Iterator[Windows]:
    """That Windows as it was installed: later tests see nothing of this one."""
    installed.registry("add", VERSION, "/v", "ProductName", "/d", "Windows 10 Pro")
    installed.registry("add", VERSION, "/v", "CurrentMajorVersionNumber", "/t", "REG_DWORD", "/d", "10")
    installed.registry("add", VERSION, "/v", "CurrentBuildNumber", "/d", "22631")
    (installed.prefix / "calls").unlink(missing_ok=True)
    yield installed
    hidden = installed.wsl.with_suffix(".away")
    if hidden.exists():
        hidden.rename(installed.wsl)
