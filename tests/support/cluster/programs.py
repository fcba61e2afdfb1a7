"""The programs that a cluster is made of, and where they lie."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from deploy_kit.cli.testing import go_tools
from tests.support.command import ROOT

_BUILT = ("kube", "pause", "helm", "kubectl")
_SYSTEM = ("etcd", "containerd", "runc", "ctr", "iptables", "conntrack", "openssl")
_NAMESPACES = ("unshare", "nsenter", "ip", "mount")
_PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))


def folder() -> Path:
    """Where the programs lie that are built from Go."""
    return go_tools.place(ROOT)


def plugins() -> Path:
    """Where the plugins lie that give pods their network."""
    return next(place for place in _PLUGINS if (place / "bridge").is_file())


def lacking() -> str:
    """What this machine lacks for a cluster; empty when nothing."""
    if os.getuid() != 0:
        return "root"
    names = [name for name in (*_NAMESPACES, *_SYSTEM) if shutil.which(name) is None]
    names += [name for name in _BUILT if not (folder() / name).is_file()]
    if not any((place / "bridge").is_file() for place in _PLUGINS):
        names.append("containernetworking-plugins")
    return ", ".join(names)


