"""What a probe may look at: a file tree, an environment, a runner, and the few questions only a kernel answers.

Everything is passed in, so any host can be replayed from a folder of its files and a recording.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy_kit import http10, proc


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
            return Uname("Windows", os.environ.get("PROCESSOR_ARCHITECTURE", ""), "", bits)
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
