"""The first process of the simulated host: mounts what makes it another machine, then waits for the end.

Run by ``unshare`` with the folder for the engine's images and the place where it shall be found. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

_OWN = Path("/run/.machine")
_OVERLAID = ("usr", "etc", "var")
_NODES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans that end here leave no trace
    _mount("-t", "tmpfs", "tmpfs", "/run")
    images = _OWN / "images"
    images.mkdir(parents=True)
    _mount("--bind", sys.argv[1], str(images))  # before an overlay lies over its path
    for name in _OVERLAID:
        _overlay(name)
    _devices()
    _mount("-t", "tmpfs", "tmpfs", "/proc/driver")
    _mount("-t", "tmpfs", "tmpfs", "/sys/bus/pci/devices")
    shutil.rmtree("/var/lib/deploykit", ignore_errors=True)
    place = Path(sys.argv[2])
    place.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(images), str(place))
    _call("ip", "link", "set", "lo", "up")
    print("ready", flush=True)
    sys.stdin.read()


def _overlay(name: str) -> None:
    upper, work = _OWN / name / "upper", _OWN / name / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    _mount("-t", "overlay", "-o", f"lowerdir=/{name},upperdir={upper},workdir={work}", "overlay", f"/{name}")


def _devices() -> None:
    """A ``/dev`` of its own: nodes that are made in it show nowhere else."""
    place = _OWN / "dev"
    place.mkdir()
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(place))
    for name, minor in _NODES.items():
        os.mknod(place / name, stat.S_IFCHR, os.makedev(1, minor))
        (place / name).chmod(0o666)
    os.mknod(place / "tty", stat.S_IFCHR, os.makedev(5, 0))
    for name, target in _LINKS.items():
        (place / name).symlink_to(f"/proc/self/fd{target}")
    for name in ("pts", "shm", "mqueue"):
        (place / name).mkdir()
    (place / "ptmx").symlink_to("pts/ptmx")
    _mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", str(place / "pts"))
    _mount("-t", "tmpfs", "tmpfs", str(place / "shm"))
    _mount("--rbind", str(place), "/dev")


def _mount(*args: str) -> None:
    _call("mount", *args)


def _call(*command: str) -> None:
    # Not by subprocess.run: with SIGCHLD ignored there is no exit status, so that what was wanted is looked at instead.
    done = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    _, words = done.communicate()
    if words:
        sys.exit(f"{command}: {words.decode().strip()}")


if __name__ == "__main__":
    main()
