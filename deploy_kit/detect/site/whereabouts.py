"""Whether the engine sees our files: it may run on another machine, in a virtual one, or around our container."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import endpoint
from deploy_kit.facts import Fact

_PRODUCTS = ("Docker Desktop", "OrbStack")
_SOCKETS = re.compile(r"/\.(?:docker/desktop|colima|lima|orbstack|rd|finch)/")
_MARKS = ("/.dockerenv", "/run/.containerenv")


def away(context: Context, address: Fact[str], info: Mapping[str, Any]) -> str:
    """Why this host's files and programs are not the engine's; empty where they are, as far as anything tells.

    Args:
        info: The engine's ``/info``, empty when it does not answer.
    """
    path = endpoint.socket_path(address)
    if path is None:
        return "the engine does not run on this file system"
    uname = context.kernel.uname()
    if info.get("OperatingSystem") in _PRODUCTS or _SOCKETS.search(path) or uname.system != "Linux":
        return "the engine runs in a virtual machine of its own"
    kernel = info.get("KernelVersion")
    if kernel and uname.release and kernel != uname.release:
        return f"the engine runs under another kernel ({kernel})"
    return "the engine runs outside of this container" if outside(context, info) else ""


def private(context: Context, address: Fact[str]) -> bool:
    """Whether the socket is one of this user alone, as rootless engines have."""
    path = endpoint.socket_path(address) or ""
    own = context.env.get("XDG_RUNTIME_DIR")
    return path.startswith("/run/user/") or bool(own and path.startswith(f"{own}/"))


def outside(context: Context, info: Mapping[str, Any]) -> bool:
    """Whether we are in a container whose socket leads out: what the engine stores is not to be seen here."""
    root = info.get("DockerRootDir")
    return bool(root) and contained(context) and not context.path(str(root)).exists()


def contained(context: Context) -> bool:
    """Whether a container engine left its mark on this file system."""
    return any(context.path(mark).exists() for mark in _MARKS)
