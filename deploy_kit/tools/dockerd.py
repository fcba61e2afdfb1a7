"""Starting the container engine of this host: through its init system, else directly as a daemon that outlives us."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from deploy_kit import proc
from deploy_kit.errors import Failure, fail
from deploy_kit.progress import Reporter, line

Command = tuple[str, ...]

STEP = "start-engine"
LOG = Path("/var/log/deploykit-dockerd.log")
_PIDFILES = (("run/docker.pid", "dockerd"), ("run/docker/containerd/containerd.pid", "containerd"))
_START_SECONDS = 60.0
_ASK_SECONDS = 5.0
_TAIL_LINES = 12


def commands(sudo: bool, *, root: Path = Path("/")) -> tuple[Command, ...]:
    """The command that starts the engine here: by systemd, OpenRC, an init script, or the daemon itself."""
    return (("sudo", *_command(root)) if sudo else _command(root),)


def start(report: Reporter, *, sudo: bool, seconds: float = _START_SECONDS) -> None:
    """Start the engine and return when it answers; nothing happens when it answers already.

    Args:
        seconds: How long it may take.

    Raises:
        Failure: ENGINE-START-FAILED with the daemon's last log lines, ENGINE-START-LATE when it never answers.
    """
    if answers():
        return
    (command,) = commands(sudo)
    deadline = time.monotonic() + seconds
    child = _launch(command, report, sudo)
    while not answers(after_sudo=sudo):
        if child is not None and not _alive(child):
            raise _failed(command, "ENGINE-START-FAILED")
        if time.monotonic() > deadline:
            raise _failed(command, "ENGINE-START-LATE", seconds=round(seconds))
        time.sleep(0.2)


def answers(*, after_sudo: bool = False) -> bool:
    """Whether the engine behind the docker client answers now.

    ``after_sudo``: it was just started with sudo, so that a refusal of this user is an answer too.
    """
    question = ("docker", "version", "--format", "{{.Server.Version}}")
    try:
        result = proc.run(question, timeout=_ASK_SECONDS, check=False)
    except proc.CommandError:
        return False
    return result.ok or (after_sudo and "permission denied" in result.stderr.lower())


def _command(root: Path) -> Command:
    init = _init(root)
    if init == "systemd":
        return ("systemctl", "enable", "--now", "docker")
    if (root / "sbin/openrc-run").exists() and (root / "etc/init.d/docker").exists():
        return ("rc-service", "docker", "start")
    if init == "init" and (root / "etc/init.d/docker").exists():
        return ("service", "docker", "start")
    return ("sh", "-c", f"setsid dockerd </dev/null >>{LOG} 2>&1 & echo $!")


def _init(root: Path) -> str:
    try:
        return (root / "proc/1/comm").read_text().strip()
    except OSError:
        return ""


def _launch(command: Command, report: Reporter, sudo: bool) -> int | None:
    """Run the command; the process id of a daemon that is ours to watch, None when an init system watches it."""
    direct = "dockerd" in command[-1]
    if direct:
        clear_stale(Path("/"))
    runner = proc.foreground if sudo else proc.stream
    try:
        result = runner(command, _passing(report), timeout=_START_SECONDS * 2, check=False)
    except proc.CommandError as error:
        raise fail("ENGINE-START-FAILED", command[0], command=_shown(command), lines=str(error)) from error
    if not result.ok:
        raise _failed(command, "ENGINE-START-FAILED", said=result.stdout)
    words = result.stdout.split()
    return int(words[-1]) if direct and words and words[-1].isdigit() else None


def _passing(report: Reporter) -> Callable[[str], None]:
    """Passes output on, but for the bare process id that our own command prints."""
    return lambda text: report(line(STEP, text)) if text and not text.isdigit() else None


def clear_stale(root: Path) -> None:
    """Remove process id files of daemons that are gone: a reused number would keep a new daemon from starting."""
    for place, program in _PIDFILES:
        path = root / place
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text())
            comm = root / f"proc/{pid}/comm"
            if not comm.exists() or comm.read_text().strip() != program:
                path.unlink()


def _failed(command: Command, code: str, *, said: str = "", seconds: int = 0) -> Failure:
    lines = "\n".join((said.splitlines() + _log_lines())[-_TAIL_LINES:])
    return fail(code, command[0], command=_shown(command), lines=lines, log=LOG, seconds=seconds)


def _shown(command: Command) -> str:
    return "dockerd" if "dockerd" in command[-1] else " ".join(command)


def _log_lines() -> list[str]:
    if _init(Path("/")) == "systemd":
        with contextlib.suppress(proc.CommandError):
            query = ("journalctl", "--unit", "docker", "--no-pager", "--output", "cat", "--lines", str(_TAIL_LINES))
            return proc.run(query, timeout=10, check=False).stdout.splitlines()
    with contextlib.suppress(OSError):
        return LOG.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    return []


def _alive(pid: int) -> bool:
    """Whether a child still runs; a dead one that nobody waited for is a zombie and counts as gone."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False
