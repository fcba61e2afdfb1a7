"""Operating system, C library, init system, and what kind of box is around us."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from deploy_kit.detect.machine import surroundings, windows
from deploy_kit.detect.machine.context import Context, Uname
from deploy_kit.facts import Fact, PlatformFacts, known, not_asked, unknown

_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
_NARROW = {"x86_64": "i686", "aarch64": "armv7l"}
_SUITE = re.compile(r"^(?:Suites:(?P<many>.*)|deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(?P<one>\S+))", re.MULTILINE)


def observe(context: Context) -> PlatformFacts:
    """Look at the platform; never raises."""
    uname = context.kernel.uname()
    if uname.system != "Linux":
        return _elsewhere(context, uname)
    release = os_release(context)
    return PlatformFacts(
        system=known(uname.system, "uname"),
        machine=_machine(uname),
        kernel=_kernel(context, uname),
        distribution=_field(release, "ID"),
        like=known(tuple(release.get("ID_LIKE", "").split()), "os-release ID_LIKE"),
        version=_field(release, "VERSION_ID"),
        codename=_codename(release),
        pretty_name=_field(release, "PRETTY_NAME"),
        libc=_libc(context),
        init=_init(context),
        container=surroundings.container(context),
        wsl=surroundings.wsl(context),
        suites=_suites(context),
        board=surroundings.board(context),
        chroot=surroundings.chroot(context),
        virtual=surroundings.virtual(context),
        safe_mode=not_asked("not Windows"),
    )


def os_release(context: Context) -> dict[str, str]:
    """The fields of os-release, unquoted; empty when there is none."""
    text = context.read("/etc/os-release") or context.read("/usr/lib/os-release") or ""
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            try:
                fields[name.strip()] = " ".join(shlex.split(value))
            except ValueError:
                fields[name.strip()] = value
    return fields


def _suites(context: Context) -> Fact[tuple[str, ...]]:
    """The suites in apt's own configuration, both formats."""
    folder = context.path("/etc/apt")
    files = [
        folder / "sources.list",
        *sorted(folder.glob("sources.list.d/*.list")),
        *folder.glob("sources.list.d/*.sources"),
    ]
    found: set[str] = set()
    for path in files:
        text = context.read("/" + path.relative_to(context.root).as_posix())
        if text and not path.name.startswith("deploykit-"):
            found |= {suite for line in _SUITE.finditer(text) for suite in (line["many"] or line["one"]).split()}
    if not found:
        return not_asked("no apt here")
    return known(tuple(sorted(found)), "apt sources")


def _elsewhere(context: Context, uname: Uname) -> PlatformFacts:
    """A system that is not Linux: its name and machine, and of Windows how it was started."""
    skipped: Fact[str] = not_asked("not Linux")
    facts = PlatformFacts(
        system=known(uname.system, "uname"),
        machine=_machine(uname),
        kernel=known(uname.release, "uname"),
        distribution=skipped,
        like=not_asked("not Linux"),
        version=skipped,
        codename=skipped,
        pretty_name=skipped,
        libc=skipped,
        init=skipped,
        container=not_asked("not Linux"),
        wsl=not_asked("not Linux"),
    )
    return _windows(context, facts) if uname.system == "Windows" else facts


def _windows(context: Context, facts: PlatformFacts) -> PlatformFacts:
    rescue, release = windows.pe(context), windows.version(context)
    return replace(
        facts,
        distribution=known("winpe" if rescue.value else "windows", rescue.source, rescue.reason),
        version=release,
        pretty_name=windows.name(context, release),
        safe_mode=windows.safe_mode(context),
    )


def _machine(uname: Uname) -> Fact[str]:
    machine = _MACHINES.get(uname.machine.lower(), uname.machine)
    if uname.bits == 32 and machine in _NARROW:
        return known(_NARROW[machine], "pointer size", f"32-bit programs on a {machine} kernel")
    return known(machine, "uname")


def _kernel(context: Context, uname: Uname) -> Fact[str]:
    text = context.read("/proc/sys/kernel/osrelease")
    return known(text.strip(), "/proc/sys/kernel/osrelease") if text else known(uname.release, "uname")


def _field(release: dict[str, str], name: str) -> Fact[str]:
    if name in release:
        return known(release[name], f"os-release {name}")
    return unknown("os-release", f"no {name}" if release else "no os-release file")


def _codename(release: dict[str, str]) -> Fact[str]:
    for name in ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME"):
        if release.get(name):
            return known(release[name], f"os-release {name}")
    return unknown("os-release", "no codename")


def _libc(context: Context) -> Fact[str]:
    """The library of the interpreter that runs us; the other one's loader may be installed beside it."""
    if text := context.kernel.libc():
        return known(text, "confstr")
    for name in context.names("/lib"):
        if name.startswith("ld-musl-"):
            return known("musl", f"/lib/{name}")
    return unknown("confstr", "the C library does not tell its version")


def _init(context: Context) -> Fact[str]:
    comm = context.read("/proc/1/comm")
    if comm is None:
        return unknown("/proc/1/comm", "cannot be read")
    name = comm.strip()
    if name == "systemd" and not context.exists("/run/systemd/system"):
        return known("systemd-user", "/proc/1/comm", "process 1 is a systemd that manages no system")
    return known(name, "/proc/1/comm")
