"""The machine a cluster lives in: another one inside this, with an address, and processes that are watched."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.gpu_host.machine import Machine

HOME = "/run/cluster"
"""Where a cluster keeps what it writes, on its own machine."""

ADDRESS = "192.0.2.10"
_STEP_SECONDS = 0.05


def environment() -> dict[str, str]:
    """This process's environment without a proxy, which would be asked for a network that it cannot see."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


class Room:
    """A machine with an address of its own.

    Args:
        folder: Where the output of its processes is kept, and its containers are.
        programs: The folder of programs that comes first on its PATH.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.programs = programs
        containers = folder / "containers"
        containers.mkdir(parents=True)
        self.machine = Machine(containers, "/var/lib/containerd")
        self.machine.path(HOME).mkdir()
        for command in (
            ("ip", "link", "add", "uplink", "type", "bridge"),
            ("ip", "address", "add", f"{ADDRESS}/24", "dev", "uplink"),
            ("ip", "link", "set", "uplink", "up"),
            ("ip", "route", "add", "default", "via", "192.0.2.1"),
        ):
            self.machine.run(*command)

    def write(self, name: str, text: str) -> str:
        """Write a file into the cluster's folder; the path that it has there."""
        file = self.machine.path(f"{HOME}/{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}")
        partial.write_text(text, encoding="utf-8")
        partial.rename(file)
        return f"{HOME}/{name}"

    def start(self, name: str, program: str, *args: str) -> None:
        """Start a program that stays; its output goes into a file by this name."""
        own = self.programs / program
        command = self.machine.inside(str(own) if own.exists() else program, *args)
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment()
            )

    def until(self, name: str, ready: Callable[[], object], seconds: float = 60) -> None:
        """Wait until something is so that a program brings about; it must live meanwhile."""
        end = time.monotonic() + seconds
        while not ready():
            words = self.log(name).read_text(errors="replace")[-3000:]
            assert self._running[name].poll() is None, f"{name} ended\n{words}"
            assert time.monotonic() < end, f"{name}: not so after {seconds:g} s\n{words}"
            time.sleep(_STEP_SECONDS)

    def log(self, name: str) -> Path:
        """Where the output of a program is."""
        return self._folder / f"{name}.log"

    def stop(self, name: str) -> None:
        """End one program with no time to say good-bye."""
        self.machine.run("pkill", "--signal", "KILL", "--exact", "--full", f".*/{name} .*", check=False)
        self._running.pop(name).wait(timeout=10)

    def close(self) -> None:
        """End everything at once."""
        self.machine.close()
        for child in self._running.values():
            child.wait(timeout=60)
