"""The processor: its name, how much of it we may use, and whether it has what PyTorch's builds need."""

from __future__ import annotations

import math

from deploy_kit.detect.machine import cgroup
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import CpuFacts, Fact, known, not_asked, unknown

_INFO = "/proc/cpuinfo"
_X86 = ("x86_64", "amd64", "i386", "i586", "i686")
_NAMES = ("model name", "cpu model", "uarch", "machine")
"""How the families call it: x86, MIPS and others, RISC-V, s390 and POWER."""
_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
    ("0x41", "0xd85"): "Cortex-X925",
    ("0x41", "0xd8e"): "Neoverse-N3",
    ("0x4e", "0x004"): "NVIDIA Carmel",
    ("0xc0", "0xac3"): "Ampere-1",
}
"""ARM's processors tell numbers only: implementer and part."""


def observe(context: Context) -> CpuFacts:
    """Look at the processor; never raises."""
    if context.kernel.uname().system != "Linux":
        return CpuFacts(not_asked("not Linux"), not_asked("not Linux"), not_asked("not Linux"))
    fields = _fields(context.read(_INFO) or "")
    return CpuFacts(_model(context, fields), cores(context), _avx2(context, fields))


def _fields(text: str) -> dict[str, str]:
    """What the first processor's paragraph says, and the last one, which some families keep for the machine."""
    blocks = text.strip().split("\n\n")
    pairs = (line.partition(":") for block in (blocks[-1], blocks[0]) for line in block.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def cores(context: Context) -> Fact[int]:
    """The processors that this process may use: by affinity, and by its control groups' share of time; at least 1."""
    allowed = context.kernel.cores()
    shares = [(share, place) for place, share in _shares(context) if share < allowed]
    if not shares:
        return known(allowed, "sched_getaffinity")
    share, place = min(shares)
    return known(max(1, math.ceil(share)), place, f"{share:g} of {allowed}")


def _shares(context: Context) -> list[tuple[str, float]]:
    """Processors' worth of time that each group on the way up grants."""
    found = []
    for place in cgroup.files(context, "cpu", "cpu.max", "cpu.cfs_quota_us"):
        words = (context.read(place) or "").split()
        if place.endswith("quota_us"):
            words += (context.read(place.replace("quota", "period")) or "").split()
        quota, period = (*map(cgroup.number, words[:2]), None, None)[:2]
        if quota and period:
            found.append((place, quota / period))
    return found


def _model(context: Context, fields: dict[str, str]) -> Fact[str]:
    for name in _NAMES:
        if fields.get(name):
            return known(" ".join(fields[name].split()), f"{_INFO} {name}")
    implementer, part = fields.get("cpu implementer", "").lower(), fields.get("cpu part", "").lower()
    if implementer:
        text = _PARTS.get((implementer, part), f"ARM {implementer} {part}")
        return known(text, f"{_INFO} CPU part")
    return unknown(_INFO, "cannot be read" if context.read(_INFO) is None else "no name in it")


def _avx2(context: Context, fields: dict[str, str]) -> Fact[bool | None]:
    machine = context.kernel.uname().machine
    if machine.lower() not in _X86:
        return known(None, "uname", f"a question for x86, this is {machine}")
    if not fields.get("flags"):
        return unknown(f"{_INFO} flags", "not told")
    return known("avx2" in fields["flags"].split(), f"{_INFO} flags")
