"""Operating system, C library, init system, and what kind of box is around us."""

from __future__ import annotations

import re
import shlex

from deploy_kit.detect.machine.context import Context, Uname
from deploy_kit.facts import Fact, PlatformFacts, known, not_asked, unknown

_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
_NARROW = {"x86_64": "i686", "aarch64": "armv7l"}
_CONTAINER_FILES = (("/run/.containerenv", "podman"), ("/.dockerenv", "docker"))
_CGROUP_NAMES = re.compile(r"/(docker|kubepods|lxc|libpod|containerd|machine\.slice)\b")
_SUITE = re.compile(r"^(?:Suites:(?P<many>.*)|deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(?P<one>\S+))", re.MULTILINE)
GVISOR = "#1 SMP Sun Jan 10 15:06:54 PST 2016"
"""gVisor's kernel always shows this build date in /proc/version."""


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
        container=_container(context),
        wsl=_wsl(context, uname),
        suites=_suites(context),
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
    """A system that is not Linux: its name and machine are all we ask."""
    skipped: Fact[str] = not_asked("not Linux")
    return PlatformFacts(
        system=known(uname.system, "uname"),
        machine=_machine(uname),
        kernel=known(uname.release, "uname"),
        distribution=known("winpe", "SystemDrive=X:") if context.env.get("SystemDrive") == "X:" else skipped,
        like=not_asked("not Linux"),
        version=skipped,
        codename=skipped,
        pretty_name=skipped,
        libc=skipped,
        init=skipped,
        container=not_asked("not Linux"),
        wsl=not_asked("not Linux"),
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
    for loader in sorted(context.path("/lib").glob("ld-musl-*.so.1")):
        return known("musl", f"/lib/{loader.name}")
    if text := context.kernel.libc():
        return known(text, "confstr")
    return unknown("confstr", "the C library does not tell its version")


def _init(context: Context) -> Fact[str]:
    comm = context.read("/proc/1/comm")
    if comm is None:
        return unknown("/proc/1/comm", "cannot be read")
    name = comm.strip()
    if name == "systemd" and not context.path("/run/systemd/system").is_dir():
        return known("systemd-user", "/proc/1/comm", "process 1 is a systemd that manages no system")
    return known(name, "/proc/1/comm")


def _container(context: Context) -> Fact[str | None]:
    if GVISOR in (context.read("/proc/version") or ""):
        return known("gvisor", "/proc/version")
    if context.env.get("KUBERNETES_SERVICE_HOST"):
        return known("kubernetes", "KUBERNETES_SERVICE_HOST")
    for path, name in _CONTAINER_FILES:
        if context.path(path).exists():
            return known(name, path)
    if named := _declared(context):
        return named
    if match := _CGROUP_NAMES.search(context.read("/proc/1/cgroup") or ""):
        return known(match[1], "/proc/1/cgroup")
    return known(None, "/proc/1/cgroup", "no sign of a container")


def _declared(context: Context) -> Fact[str | None] | None:
    if text := context.read("/run/systemd/container"):
        return known(text.strip(), "/run/systemd/container")
    match = re.search(r"(?:^|\0)container=([^\0]+)", context.read("/proc/1/environ") or "")
    return known(match[1], "/proc/1/environ") if match else None


def _wsl(context: Context, uname: Uname) -> Fact[int | None]:
    """WSL2 runs a kernel named ``…-microsoft-standard-WSL2``; WSL1 imitates Linux 4.4 and says ``Microsoft``."""
    release = (context.read("/proc/sys/kernel/osrelease") or uname.release).strip()
    if "microsoft" not in release.lower():
        return known(None, "/proc/sys/kernel/osrelease", "not Microsoft's kernel")
    second = "standard" in release.lower() or "wsl2" in release.lower() or context.path("/dev/dxg").exists()
    return known(2 if second else 1, "/proc/sys/kernel/osrelease", release)
