"""Platforms that cannot run what was asked, each refused by name."""

from __future__ import annotations

from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.verdict import Wish
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.facts import EngineState, HostFacts, PlatformFacts
from deploy_kit.findings import Evidence, Finding, Severity

_SYSTEMS = {"Windows": "HOST-WINDOWS", "Darwin": "HOST-MACOS"}
_LOCAL = (("deploykit", "up", "--target", "local"),)


def judge(platform: PlatformFacts, wish: Wish) -> tuple[Finding, ...]:
    """The findings about the platform; an unknown platform passes."""
    return _system(platform) or _wsl(platform) or (*_machine(platform, wish), *_libc(platform, wish))


def _system(platform: PlatformFacts) -> tuple[Finding, ...]:
    system = platform.system.value
    if not platform.system.known or system == "Linux":
        return ()
    if system == "Windows":
        return (_windows(platform),)
    evidence = seen(platform.system, platform.kernel)
    return (_refused(_SYSTEMS.get(system or "", "HOST-SYSTEM"), system or "", evidence),)


def _windows(platform: PlatformFacts) -> Finding:
    """Where nothing may touch a driver comes first; a Windows that could have WSL 2 is sent there."""
    if platform.distribution.value == "winpe":
        return _refused("HOST-WINPE", "Windows", seen(platform.system, platform.distribution))
    if platform.safe_mode.value:
        return _refused("HOST-SAFE-MODE", "Windows", seen(platform.safe_mode))
    release = platform.version if platform.version.value else platform.kernel
    floor, have = numbers(table("compat")["windows"]), numbers(release.value or "")
    if have and have < floor[: len(have)]:
        version, build = release.value or "", str(floor[-1])
        return _refused("HOST-WINDOWS-OLD", "Windows", seen(release), version=version, floor=build)
    return _refused(_SYSTEMS["Windows"], "Windows", seen(platform.system, platform.kernel))


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
    """The C library matters only where our processes run on the host itself; a container brings its own."""
    name, floor = platform.libc.value or "", table("compat")["glibc"]
    if wish.target != "local":
        return ()
    commands = (("deploykit", "up", "--target", "compose"),)
    if name.startswith("musl"):
        return (_refused("HOST-MUSL", "musl", seen(platform.libc), commands=commands),)
    if name.startswith("glibc") and numbers(name) and not at_least(name, floor):
        return (_refused("HOST-GLIBC", name, seen(platform.libc), commands=commands, floor=floor),)
    return ()


def surroundings(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    """What around us makes things slower or harder, and stands in nobody's way by itself."""
    return (*_chroot(facts, wish), *processor(facts, wish))


def _chroot(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    if not facts.platform.chroot.value or wish.target == "local" or facts.engine.state.value is EngineState.READY:
        return ()
    evidence = seen(facts.platform.chroot)
    return (Finding.of("HOST-CHROOT", Severity.WARNING, "chroot", evidence=evidence, commands=_LOCAL),)


def processor(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    """Whether the processor has what the model's packages are made for."""
    if facts.cpu.avx2.value is not False or wish.engine == needs.BUILT_IN:
        return ()
    model = facts.cpu.model.value or facts.platform.machine.value or "?"
    return (Finding.of("HOST-NO-AVX2", Severity.WARNING, model, evidence=seen(facts.cpu.avx2)),)


def _refused(
    code: str, subject: str, evidence: tuple[Evidence, ...], commands: tuple[tuple[str, ...], ...] = (), **args: str
) -> Finding:
    return Finding.of(code, Severity.BLOCKER, subject, evidence=evidence, commands=commands, **args)
