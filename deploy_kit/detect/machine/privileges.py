"""What this user and this kernel allow."""

from __future__ import annotations

import re

from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.machine.surroundings import GVISOR
from deploy_kit.facts import Fact, PrivilegeFacts, known, not_asked, unknown

_STATUS = "/proc/self/status"
_SYS_ADMIN = 1 << 21
_ADMIN_GROUPS = ("sudo", "wheel", "admin")


def observe(context: Context) -> PrivilegeFacts:
    """Rights of this process; never raises."""
    status = dict(re.findall(r"^(\w+):\s*(.*)$", context.read(_STATUS) or "", re.MULTILINE))
    if "Uid" not in status:
        why = "cannot be read"
        return PrivilegeFacts(unknown(_STATUS, why), unknown(_STATUS, why), unknown(_STATUS, why))
    uid = int(status["Uid"].split()[1])
    return PrivilegeFacts(
        known(uid, f"{_STATUS} Uid"),
        _sudo(context, uid, status),
        _capable(context, uid, status),
        _user(context, uid),
    )


def _sudo(context: Context, uid: int, status: dict[str, str]) -> Fact[bool]:
    """Never tried: that writes a complaint into the system's log. Membership of the usual groups tells most of it."""
    if uid == 0:
        return not_asked("already root")
    path = context.which("sudo")
    if path is None:
        return known(False, "PATH", "no sudo program")
    if status.get("NoNewPrivs") == "1":
        return known(False, f"{_STATUS} NoNewPrivs", "this process may not gain rights")
    groups = _groups(context, status)
    if admin := next((name for name in _ADMIN_GROUPS if name in groups), None):
        return known(True, "/etc/group", f"member of {admin}")
    return unknown(path, "in no administrators' group; a rule of its own may exist")


def _groups(context: Context, status: dict[str, str]) -> set[str]:
    ours = set(status.get("Groups", "").split())
    rows = (line.split(":") for line in (context.read("/etc/group") or "").splitlines())
    return {row[0] for row in rows if len(row) >= 3 and row[2] in ours}


def _capable(context: Context, uid: int, status: dict[str, str]) -> Fact[bool]:
    """A container engine needs CAP_SYS_ADMIN over the machine itself: ours, or what root here could have."""
    field = "CapEff" if uid == 0 else "CapBnd"
    source = f"{_STATUS} {field}"
    if GVISOR in (context.read("/proc/version") or ""):
        return known(False, "/proc/version", "gVisor's kernel has no namespaces to give")
    if not int(status.get(field, "0"), 16) & _SYS_ADMIN:
        return known(False, source, "no CAP_SYS_ADMIN: an unprivileged container")
    if (context.read("/proc/self/uid_map") or "0 0 4294967295").split() != ["0", "0", "4294967295"]:
        return known(False, "/proc/self/uid_map", "root of a user namespace only")
    return known(True, source)


def _user(context: Context, uid: int) -> Fact[str]:
    for line in (context.read("/etc/passwd") or "").splitlines():
        row = line.split(":")
        if len(row) >= 3 and row[2] == str(uid):
            return known(row[0], "/etc/passwd")
    name = context.env.get("USER") or context.env.get("LOGNAME")
    return known(name, "USER") if name else unknown("/etc/passwd", f"no user {uid}")
