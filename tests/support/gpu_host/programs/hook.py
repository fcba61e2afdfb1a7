"""What NVIDIA's container runtime hook does: before a container begins, the cards it may have are put into it.

Called by runc with the container's state on standard input. Enters the container's mounts, as libnvidia-container
does, and binds libraries and device nodes into its root. Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

SETTINGS = Path("/etc/nvidia-container-runtime/stub.json")
_CLONE_NEWNS, _MS_BIND = 0x20000, 4096
_HIDDEN = ("", "void", "none")


def main() -> None:
    state = json.load(sys.stdin)
    spec = json.loads((Path(state["bundle"]) / "config.json").read_bytes())
    environment = dict(entry.partition("=")[::2] for entry in spec["process"]["env"])
    wanted = environment.get("NVIDIA_VISIBLE_DEVICES", "")
    if wanted in _HIDDEN:
        return
    settings = json.loads(SETTINGS.read_bytes())
    if settings["refuses"]:
        sys.exit(settings["refuses"])
    _enter(state["pid"])
    root = Path(state["bundle"]) / spec["root"]["path"]
    for source, target in _mounts(settings, wanted):
        _bind(source, Path(f"{root}{target}"))


def _mounts(settings: dict[str, Any], wanted: str) -> list[tuple[str, str]]:
    """Path on the host, path in the container."""
    uuids: list[str] = settings["cards"]
    names = [str(number) for number in range(len(uuids))] if wanted == "all" else wanted.split(",")
    numbers = []
    for name in names:
        number = uuids.index(name) if name in uuids else int(name) if name.isdecimal() else len(uuids)
        if number >= len(uuids):
            sys.exit(f"nvidia-container-cli: device error: {name}: unknown device: unknown")
        numbers.append(number)
    nodes = ("nvidiactl", "nvidia-uvm", *(f"nvidia{number}" for number in numbers)) if settings["nodes"] else ()
    return [*((f"/dev/{name}", f"/dev/{name}") for name in nodes), *map(tuple, settings["files"])]


def _enter(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/mnt").open("rb") as namespace:
        if libc.setns(namespace.fileno(), _CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "setns")


def _bind(source: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND, None):
        raise OSError(ctypes.get_errno(), f"{source} on {target}")


if __name__ == "__main__":
    main()
