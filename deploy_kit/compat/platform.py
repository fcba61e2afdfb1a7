"""Platforms that cannot run what was asked, each refused by name."""

from __future__ import annotations

from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.verdict import Wish
from deploy_kit.data import table
from deploy_kit.facts import PlatformFacts
from deploy_kit.findings import Evidence, Finding, Severity

_SYSTEMS = {"Windows": "HOST-WINDOWS", "Darwin": "HOST-MACOS"}


def judge(platform: PlatformFacts, wish: Wish) -> tuple[Finding, ...]:
    """The findings about the platform; an unknown platform passes."""
    return _system(platform) or _wsl(platform) or (*_machine(platform, wish), *_libc(platform, wish))


def _system(platform: PlatformFacts) -> tuple[Finding, ...]:
    system = platform.system.value
    if not platform.system.known or system == "Linux":
        return ()
    evidence = seen(platform.system, platform.kernel)
    if system == "Windows" and platform.distribution.value == "winpe":
        return (_refused("HOST-WINPE", system, seen(platform.system, platform.distribution)),)
    return (_refused(_SYSTEMS.get(system or "", "HOST-SYSTEM"), system or "", evidence),)


def _wsl(platform: PlatformFacts) -> tuple[Finding, ...]:
    if platform.wsl.value != 1:
        return ()
    commands = (("wsl.exe", "--list", "--verbose"), ("wsl.exe", "--set-version", "DISTRIBUTION", "2"))
    return (Finding.of("HOST-WSL1", Severity.BLOCKER, "WSL 1", evidence=seen(platform.wsl), commands=commands),)


def _machine(platform: PlatformFacts, wish: Wish) -> tuple[Finding, ...]:
    machine = platform.machine.value
    if machine is None:
        return ()
    if machine in table("compat")["machines"]:
        models = table("compat")["model_machines"]
        if wish.engine == needs.BUILT_IN or machine in models:
            return ()
        return (_refused("HOST-ARCH-MODEL", machine, seen(platform.machine), machines=", ".join(models)),)
    code = "HOST-32BIT" if machine in table("compat")["narrow_machines"] else "HOST-ARCH"
    return (_refused(code, machine, seen(platform.machine), machines=", ".join(table("compat")["machines"])),)


def _libc(platform: PlatformFacts, wish: Wish) -> tuple[Finding, ...]:
    """A musl library matters only where our processes run on the host itself; a container brings its own C library."""
    if not (platform.libc.value or "").startswith("musl") or wish.target != "local":
        return ()
    commands = (("deploykit", "up", "--target", "compose"),)
    return (_refused("HOST-MUSL", "musl", seen(platform.libc), commands=commands),)


def _refused(
    code: str, subject: str, evidence: tuple[Evidence, ...], commands: tuple[tuple[str, ...], ...] = (), **args: str
) -> Finding:
    return Finding.of(code, Severity.BLOCKER, subject, evidence=evidence, commands=commands, **args)
