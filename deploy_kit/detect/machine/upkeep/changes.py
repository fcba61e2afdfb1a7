"""The latest package runs that touched graphics driver or kernel, from the package managers' own logs."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, PackageChange, known, not_asked, unknown

_DAYS = 14
_ROTATED = 6
_BYTES = 1 << 20
_CHANGES = 20
_PACKAGES = 30
_TOGETHER = timedelta(minutes=10)
"""Entries of one log that lie closer than this are one run."""
_SAME = timedelta(hours=2)
"""Two logs that name a package within this tell of the same run."""
_NAME = re.compile(
    r"nvidia|nouveau|^(?:lib)?cuda|^libnv|^linux-(?:image|modules|headers|generic|lowlatency|aws|azure|gcp|oem|hwe)"
    r"|^linux(?:-lts|-zen|-hardened|-rt)?(?:-headers)?$|^kernel(?:-core|-modules.*|-default.*|-devel|-lt|-ml|-uek.*)?$"
    r"|^(?:dkms|akmod.*|kmod-nv.*)$"
)
_APT_BLOCK = re.compile(r"(?m)^(Start-Date|Commandline|Install|Upgrade|Downgrade|Reinstall|Remove|Purge): *(.*)$")
_APT_ITEM = re.compile(r"([\w.+-]+)(?::\w+)? \(([^)]*)\)")
_UNATTENDED = re.compile(r"(?m)^([\d-]{10} [\d:]{8}),\d+ INFO Packages that will be upgraded:(.*)$")
_DPKG = re.compile(r"(?m)^([\d-]{10} [\d:]{8}) (install|upgrade|remove|purge) ([\w.+-]+)(?::\w+)? (\S+) (\S+)$")
_PACMAN = re.compile(
    r"(?m)^\[([\d-]{10}[T ][\d:]{5,8})[^\]]*\] \[ALPM\] "
    r"(installed|upgraded|downgraded|reinstalled|removed) (\S+) \(([^)]*)\)"
)
_DNF = re.compile(r"(?m)^([\d-]{10}T[\d:]{8})\S* SUBDEBUG (Installed|Upgrade|Downgrade|Erase): (\S+)$")
_ZYPP = re.compile(r"(?m)^([\d-]{10} [\d:]{8})\|(install|remove )\|([^|]+)\|([^|]*)\|")
_RPM = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+?)(?:\.(?:x86_64|aarch64|noarch|i686))?")
_GONE = "removed"


@dataclass(slots=True)
class _Run:
    """One run: when it began and ended, and the version (or that it went) of each package that matters."""

    start: datetime
    end: datetime
    packages: dict[str, str] = field(default_factory=dict)
    unattended: bool = False

    def near(self, other: _Run) -> bool:
        return self.start - _SAME <= other.end and other.start <= self.end + _SAME


_Entry = tuple[str, str, str]
"""When, which package, and its version."""


def read(context: Context) -> Fact[tuple[PackageChange, ...]]:
    """The runs of the last fourteen days, newest first; what a finer log tells again counts once."""
    since = datetime.fromtimestamp(context.kernel.now()) - timedelta(days=_DAYS)  # noqa: DTZ006  # logs keep local time
    runs: list[_Run] = []
    sources, barred = [], []
    for path, runs_of in _LOGS:
        texts = list(_texts(context, path, since))
        if texts:
            sources.append(path)
            runs = _merged(runs, [run for text in texts for run in runs_of(text) if run.end >= since])
        elif context.exists(path):
            barred.append(path)
    if not sources:
        return unknown(barred[0], "cannot be read") if barred else not_asked("no package manager's log that we know")
    runs.sort(key=lambda run: run.start, reverse=True)
    why = "" if runs else f"nothing about drivers or kernels in {_DAYS} days"
    return known(tuple(map(_change, runs[:_CHANGES])), ", ".join(sources), why)


def _change(run: _Run) -> PackageChange:
    names = tuple(f"{name} {version}".strip() for name, version in sorted(run.packages.items()))
    return PackageChange(run.start.isoformat(timespec="seconds"), names[:_PACKAGES], run.unattended)


def _merged(told: list[_Run], more: list[_Run]) -> list[_Run]:
    """What a later log adds to the earlier ones: runs that they lack, and that nobody was there."""
    added = []
    for run in more:
        same = [one for one in told if one.near(run) and one.packages.keys() & run.packages.keys()]
        for one in same:
            one.unattended |= run.unattended
        seen = {name for one in same for name in one.packages}
        rest = {name: version for name, version in run.packages.items() if name not in seen}
        if rest:
            added.append(replace(run, packages=rest))
    return [*told, *added]


def _texts(context: Context, path: str, since: datetime) -> Iterator[str]:
    """The log and its rotated forms, as far back as they were written to since then."""
    if (text := _tail(context, path)) is not None:
        yield text
    for number in range(1, _ROTATED):
        for name in (f"{path}.{number}", f"{path}.{number}.gz"):
            if _written(context, name) < since.timestamp():
                continue
            if (text := _tail(context, name)) is not None:
                yield text


def _written(context: Context, path: str) -> float:
    try:
        return os.stat(context.path(path)).st_mtime  # noqa: PTH116
    except OSError:
        return 0


def _tail(context: Context, path: str) -> str | None:
    """The end of a log, from a whole line on, unpacked where it is packed; None when it cannot be read."""
    try:
        with context.path(path).open("rb") as file:
            if not path.endswith(".gz"):
                file.seek(max(0, os.fstat(file.fileno()).st_size - _BYTES))
            data = _unpacked(gzip.GzipFile(fileobj=file)) if path.endswith(".gz") else file.read(_BYTES)
    except (OSError, EOFError, zlib.error):
        return None
    return data[data.find(b"\n") + 1 if len(data) >= _BYTES else 0 :].decode(errors="replace")


def _unpacked(packed: gzip.GzipFile) -> bytes:
    """The end of what is packed; of a log without measure only the beginning is looked at."""
    data = b""
    for _ in range(16):
        if not (chunk := packed.read(_BYTES)):
            break
        data = (data + chunk)[-_BYTES:]
    return data


def _matters(name: str) -> bool:
    return _NAME.search(name) is not None


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(re.sub(r"\s+", "T", text.strip())[:19])
    except ValueError:
        return None


def _grouped(entries: Iterable[_Entry]) -> list[_Run]:
    """Single lines as runs."""
    runs: list[_Run] = []
    for when, name, version in entries:
        at = _time(when) if _matters(name) else None
        if at is None:
            continue
        if not runs or not timedelta() <= at - runs[-1].end <= _TOGETHER:
            runs.append(_Run(at, at))
        runs[-1].end = at
        runs[-1].packages[name] = version
    return runs


def _apt(text: str) -> list[_Run]:
    runs = []
    for block in text.split("\n\n"):
        fields = dict(_APT_BLOCK.findall(block))
        at = _time(fields.get("Start-Date", ""))
        if at is None:
            continue
        packages = {
            name: _GONE if action in ("Remove", "Purge") else _new(versions)
            for action in ("Remove", "Purge", "Install", "Reinstall", "Upgrade", "Downgrade")
            for name, versions in _APT_ITEM.findall(fields.get(action, ""))
            if _matters(name)
        }
        if packages:
            runs.append(_Run(at, at, packages, "unattended-upgrade" in fields.get("Commandline", "")))
    return runs


def _new(versions: str) -> str:
    """Of ``old, new`` the new one; of ``new, automatic`` too."""
    words = [word.strip() for word in versions.split(",")]
    return words[1] if len(words) > 1 and words[1] != "automatic" else words[0]


def _unattended(text: str) -> list[_Run]:
    entries = ((match[1], name, "") for match in _UNATTENDED.finditer(text) for name in match[2].split())
    return [replace(run, unattended=True) for run in _grouped(entries)]


def _dpkg(text: str) -> list[_Run]:
    return _grouped(
        (match[1], match[3], match[5] if match[2] in ("install", "upgrade") else _GONE)
        for match in _DPKG.finditer(text)
    )


def _pacman(text: str) -> list[_Run]:
    return _grouped(
        (match[1], match[3], _GONE if match[2] == _GONE else match[4].rpartition("-> ")[2])
        for match in _PACMAN.finditer(text)
    )


def _dnf(text: str) -> list[_Run]:
    return _grouped(
        (match[1], rpm["name"], _GONE if match[2] == "Erase" else rpm["version"])
        for match in _DNF.finditer(text)
        if (rpm := _RPM.fullmatch(match[3])) is not None
    )


def _zypp(text: str) -> list[_Run]:
    return _grouped(
        (match[1], match[3], _GONE if match[2].strip() == "remove" else match[4]) for match in _ZYPP.finditer(text)
    )


_LOGS: tuple[tuple[str, Callable[[str], list[_Run]]], ...] = (
    ("/var/log/apt/history.log", _apt),
    ("/var/log/unattended-upgrades/unattended-upgrades.log", _unattended),
    ("/var/log/dpkg.log", _dpkg),
    ("/var/log/pacman.log", _pacman),
    ("/var/log/dnf.rpm.log", _dnf),
    ("/var/log/zypp/history", _zypp),
)
"""Where each manager writes, and how; those that tell most come first."""
