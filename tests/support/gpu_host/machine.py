"""Namespaces with one process that holds them, and the ways into them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_FURNISH = Path(__file__).with_name("furnish.py")
_KINDS = ("--mount", "--net", "--pid", "--uts", "--ipc")
_CLONE_NEWNET = 0x40000000
PROGRAMS = ("unshare", "nsenter", "ip", "mount", "dockerd", "docker", "runc", "gcc")


def lacking() -> str:
    """What this machine lacks for another one inside it; empty when nothing."""
    if os.getuid() != 0:
        return "root"
    return ", ".join(name for name in PROGRAMS if shutil.which(name) is None)


class Machine:
    """Another machine inside this one. ``folder`` is where the images of its engine lie, ``place`` there."""

    def __init__(self, folder: Path, place: str = "/var/lib/docker") -> None:
        command = ("unshare", *_KINDS, "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
        self._holder = subprocess.Popen(
            (*command, sys.executable, "-I", "-S", str(_FURNISH), str(folder), place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,  # an interrupt at the terminal ends the tests first, and they end this
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            _, words = self._holder.communicate(timeout=10)
            raise RuntimeError(f"no machine inside this one: {words.strip()}")
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text(encoding="ascii")
        self.pid = int(children.split()[0])
        self._home = Path(f"/proc/{os.getpid()}/ns/net").open("rb")  # noqa: SIM115 - as long as this object
        self._net = Path(f"/proc/{self.pid}/ns/net").open("rb")  # noqa: SIM115

    def path(self, path: str) -> Path:
        """A path of that machine, as it is reached from here; links in it must not be absolute."""
        return Path(f"/proc/{self.pid}/root") / path.lstrip("/")

    def inside(self, *command: str) -> tuple[str, ...]:
        """A command that runs another one on that machine."""
        return ("nsenter", f"--target={self.pid}", *_KINDS, "--wd=/", "--", *command)

    def run(self, *command: str, check: bool = True, timeout: float = 120, **more: object) -> str:
        """Run there; returns what was printed."""
        done = subprocess.run(
            self.inside(*command), capture_output=True, text=True, timeout=timeout, check=False, **more
        )  # type: ignore[call-overload]
        assert not check or done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return str(done.stdout).strip()

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Sockets that this thread opens meanwhile are that machine's; so are those of threads that it starts."""
        _enter(self._net.fileno())
        try:
            yield
        finally:
            _enter(self._home.fileno())

    def close(self) -> None:
        """End every process of that machine; its mounts and its network go with the last one."""
        with contextlib.suppress(OSError, ValueError):
            self._holder.communicate(timeout=10)
        if self._holder.poll() is None:
            self._holder.kill()
            self._holder.wait()
        self._home.close()
        self._net.close()


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
