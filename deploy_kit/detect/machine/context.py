"""What a probe may look at: a file tree, an environment, a runner, and the few questions only a kernel answers.

Everything is passed in, so any host can be replayed from a folder of its files and a recording.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy_kit import http10, proc

_LINKS = 40
_RECORD_BYTES = 8192
_LOG_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Uname:
    """``system`` is ``Linux``, ``Darwin`` or ``Windows``; ``bits`` those of this process's pointers."""

    system: str
    machine: str
    release: str
    bits: int


class Kernel(Protocol):
    """The questions that no file answers."""

    def uname(self) -> Uname: ...

    def libc(self) -> str:
        """``glibc 2.36``, or an empty text where the C library does not say."""
        ...

    def space(self, path: Path) -> tuple[int, int]:
        """Free bytes for ordinary users and total bytes of an existing path's file system; raises OSError."""
        ...

    def inodes(self, path: Path) -> int | None:
        """Free entries for files of an existing path's file system, None where it counts none; raises OSError."""
        ...

    def cores(self) -> int:
        """The processors that this process may run on."""
        ...

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def log(self, path: Path) -> str:
        """The records of the kernel's log as its device gives them, oldest first; raises OSError."""
        ...

    def bind(self, host: str, port: int) -> None:
        """Bind and release a TCP address; raises OSError."""
        ...

    def ask(self, path: Path, request: str, seconds: float) -> Reply:
        """GET over HTTP on a UNIX socket; raises OSError, TimeoutError when it stays silent."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class RealKernel:
    """The kernel we run on."""

    def uname(self) -> Uname:
        bits = 64 if sys.maxsize > 2**32 else 32
        if sys.platform == "win32":
            version = sys.getwindowsversion()
            release = f"{version.major}.{version.minor}.{version.build}"
            return Uname("Windows", os.environ.get("PROCESSOR_ARCHITECTURE", ""), release, bits)
        this = os.uname()
        return Uname(this.sysname, this.machine, this.release, bits)

    def libc(self) -> str:
        try:
            return os.confstr("CS_GNU_LIBC_VERSION") or ""
        except (AttributeError, ValueError, OSError):
            return ""

    def space(self, path: Path) -> tuple[int, int]:
        stat = os.statvfs(path)
        return stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize

    def inodes(self, path: Path) -> int | None:
        stat = os.statvfs(path)
        return stat.f_favail if stat.f_files else None

    def cores(self) -> int:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # only Linux has it
            return os.cpu_count() or 1

    def now(self) -> float:
        return time.time()

    def log(self, path: Path) -> str:
        """Each read gives one record; one that was overwritten meanwhile is an error, and the next is not."""
        records, size = [], 0
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            while size < _LOG_BYTES:
                with contextlib.suppress(BrokenPipeError):
                    records.append(os.read(descriptor, _RECORD_BYTES))
                    size += len(records[-1])
                    if not records[-1]:
                        break
        except BlockingIOError:
            pass  # no more for now
        finally:
            os.close(descriptor)
        return b"".join(records).decode(errors="replace")

    def bind(self, host: str, port: int) -> None:
        """SO_REUSEADDR lets old connections in TIME_WAIT pass, yet Linux still refuses where somebody listens."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            probe.listen(1)

    def ask(self, path: Path, request: str, seconds: float) -> Reply:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(seconds)
            line.connect(str(path))
            return Reply(*http10.get(line, request))


@dataclass(frozen=True, slots=True)
class Context:
    """A host to look at.

    Attributes:
        root: Its file tree, ``/`` for this host.
        env: The environment variables of the user.
        run: Runs a command and returns what it printed.
        kernel: Answers what no file does.
        memo: A file that remembers slow answers between runs; None remembers nothing.
    """

    root: Path
    env: Mapping[str, str]
    run: proc.Runner
    kernel: Kernel = field(default_factory=RealKernel)
    memo: Path | None = None

    def path(self, absolute: str) -> Path:
        """A path of the host as a path of ours."""
        return self.root / absolute.lstrip("/")

    def read(self, absolute: str) -> str | None:
        """The text of a file of the host, None when it cannot be read."""
        try:
            return self.path(absolute).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def read_bytes(self, absolute: str, limit: int = 1 << 20) -> bytes | None:
        """The first ``limit`` bytes of a file of the host, None when it cannot be read."""
        try:
            with self.path(absolute).open("rb") as file:
                return file.read(limit)
        except OSError:
            return None

    def names(self, absolute: str) -> tuple[str, ...]:
        """What lies in a folder of the host, sorted; nothing where it cannot be looked into."""
        try:
            return tuple(sorted(os.listdir(self.path(absolute))))  # noqa: PTH208  # names are all that is asked
        except OSError:
            return ()

    def resolve(self, absolute: str) -> str:
        """The path with every link in it followed, each within the host's own tree; it need not exist. One that leads
        round in circles stays as it is."""
        todo, done, links = [part for part in reversed(absolute.split("/")) if part], "/", 0
        while todo and links < _LINKS:
            step = posixpath.normpath(posixpath.join(done, todo.pop()))
            try:
                goal = os.readlink(self.path(step))  # noqa: PTH115  # pathlib would tidy it up
            except (OSError, ValueError):
                done = step
                continue
            links += 1
            done = "/" if goal.startswith("/") else done
            todo += [part for part in reversed(goal.split("/")) if part]
        return absolute if todo else done

    def exists(self, absolute: str) -> bool:
        """Whether there is something of the host at a path; False where the way to it is barred."""
        return os.path.exists(self.path(self.resolve(absolute)))  # noqa: PTH110  # pathlib raises there

    def is_file(self, absolute: str) -> bool:
        """Whether a file of the host can be seen; False where the way to it is barred."""
        return os.path.isfile(self.path(absolute))  # noqa: PTH113  # pathlib raises where a parent may not be searched

    def which(self, program: str) -> str | None:
        """The host's path of a program: on the user's PATH, else where daemons lie."""
        for folder in (*self.env.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"):
            candidate = f"{folder.rstrip('/')}/{program}"
            if folder.startswith("/") and os.access(self.path(candidate), os.X_OK) and self.path(candidate).is_file():
                return candidate
        return None

    @property
    def home(self) -> str:
        return self.env.get("HOME", "/root")


def here() -> Context:
    """The context of this host and this user."""
    env = dict(os.environ)
    cache = Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or "/", ".cache"))
    return Context(Path("/"), env, proc.run, memo=cache / "deploykit" / "probes.json")
