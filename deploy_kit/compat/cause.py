"""The cause behind a symptom: what happened to driver, kernel or card, as the host's own records tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deploy_kit.compat import cards, remedies, xid
from deploy_kit.compat.cards import Matrix
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Command, Fault
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.facts import HostFacts, PackageChange
from deploy_kit.findings import Evidence

_OUTER = ("GPU-DRIVER-MISMATCH", "GPU-NO-DRIVER")
_SILENT = ("GPU-NO-DRIVER", "GPU-NOT-LOADED", "GPU-NOT-VISIBLE", "GPU-DRIVER-ERROR")
_BROKEN = ("GPU-LOST", "GPU-PROBE-HUNG", "GPU-PROBE-CRASHED", "GPU-NOT-VISIBLE", "GPU-DRIVER-ERROR", "GPU-CONTEXT")
_DRIVER = re.compile(r"nvidia|cuda", re.IGNORECASE)
_LEGACY = re.compile(r"supported through the NVIDIA (\d{3})\.", re.IGNORECASE)
_OPEN = re.compile(r"requires use of the NVIDIA open kernel modules", re.IGNORECASE)
_CLOSED = re.compile(r"not supported by (?:the )?open |include the required GPU System Processor", re.IGNORECASE)
_UNSIGNED = re.compile(
    r"Key was rejected by service|Required key not available|unsigned module loading is restricted"
    r"|Loading of (?:unsigned module|module with unavailable key) is rejected",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"nvidia.{0,40}(?:version magic|disagrees about version of symbol)|Module nvidia not found", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Case:
    """A symptom, and where to look for its cause."""

    facts: HostFacts
    symptom: Fault
    matrix: Matrix

    def line(self, pattern: re.Pattern[str]) -> tuple[str, tuple[Evidence, ...]]:
        """What the last fitting line of the kernel's log says (its group, else all of the match), and the line as
        evidence; an empty text and no evidence where none fits."""
        log = self.facts.upkeep.log
        for line in reversed(log.value or ()):
            if match := pattern.search(line):
                return match[match.lastindex or 0], (Evidence(log.source, line.strip()),)
        return "", ()

    def capabilities(self) -> tuple[tuple[int, ...], ...]:
        """What the cards' ids on the bus hint at."""
        hints = (self.matrix.guessed(card.device) for card in self.facts.gpu.cards.value or ())
        return tuple(numbers(hint) for hint in hints if hint is not None)


_Rule = Callable[[_Case], "Fault | None"]


def of(facts: HostFacts, symptom: Fault, matrix: Matrix) -> Fault:
    """The cause of a symptom, or the symptom itself where nothing is known to stand behind it."""
    case = _Case(facts, symptom, matrix)
    return next((found for rule in _rules(case) if (found := rule(case)) is not None), symptom)


def branch(facts: HostFacts) -> str:
    """The driver's branch (``570``): of the running module, else of the library, else the recommended one."""
    gpu = facts.gpu
    versions = (gpu.driver.value, gpu.module.value, gpu.library.value)
    found = next((numbers(version)[0] for version in versions if version and numbers(version)), None)
    return str(found or table("drivers")["recommended"])


def told(facts: HostFacts, found: xid.Xid) -> Fault:
    """The driver's own message as a fault."""
    commands: tuple[Command, ...] = (("nvidia-smi", "-q"),)
    if found.action == "reset":
        commands = (as_root(facts.privileges, "nvidia-smi", "-i", _function(found.address), "--gpu-reset"),)
    elif found.action in ("reboot", "power", "obey"):
        commands = (as_root(facts.privileges, "reboot"),)
    evidence = (Evidence(facts.upkeep.log.source, found.line),)
    subject = f"PCI {found.address}"
    return Fault.of("GPU-XID", evidence, commands, subject=subject, number=found.number, name=found.name)


def _function(address: str) -> str:
    """A card's address on the bus as nvidia-smi takes it; the kernel's log leaves the function out."""
    return address if "." in address else f"{address}.0"


def drivers_in(change: PackageChange) -> tuple[str, ...]:
    """The packages of a change that belong to the graphics driver."""
    return tuple(one for one in change.packages if one.strip() and _DRIVER.search(one) and "container" not in one)


def _rules(case: _Case) -> Iterator[_Rule]:
    code = case.symptom.code
    if code in _OUTER and case.facts.platform.container.value == "lxc":
        yield _lxc
    if code == "GPU-DRIVER-MISMATCH":
        yield _changed
    if code in _BROKEN:
        yield _xid
    if code in _SILENT:
        yield from (_unsigned, _legacy, _young, _open, _closed, _unbuilt)


def _changed(case: _Case) -> Fault | None:
    facts, changes = case.facts, case.facts.upkeep.changes
    change = next((one for one in changes.value or () if drivers_in(one)), None)
    if change is None:
        return None
    packages = drivers_in(change)
    commands: list[Command] = []
    if change.unattended:
        there = [package.split()[0] for package in packages if not package.endswith(" removed")]
        commands += remedies.commands(facts, "hold", packages=" ".join(dict.fromkeys(there))) if there else ()
    commands.append(as_root(facts.privileges, "reboot"))
    evidence = (Evidence(changes.source, f"{change.when}: {', '.join(packages)}"), *case.symptom.evidence)
    return Fault.of("GPU-DRIVER-CHANGED", evidence, tuple(commands), when=change.when, packages=", ".join(packages[:3]))


def _xid(case: _Case) -> Fault | None:
    found = xid.first_grave(case.facts.upkeep.log.value or ())
    return None if found is None else told(case.facts, found)


def _unsigned(case: _Case) -> Fault | None:
    """A module that is there, and that the firmware's rules keep out. Lines of the log may speak of other modules."""
    upkeep, (said, line) = case.facts.upkeep, case.line(_UNSIGNED)
    if upkeep.module_built.known and not upkeep.module_built.value:
        return None
    barred = upkeep.secure_boot.value and upkeep.module_built.value and case.symptom.code == "GPU-NOT-LOADED"
    if case.facts.gpu.module.value or not (said or barred):
        return None
    evidence = (*seen(upkeep.secure_boot), *line, *seen(case.facts.gpu.module))
    return Fault.of("GPU-SECURE-BOOT", evidence, remedies.commands(case.facts, "key"))


def _legacy(case: _Case) -> Fault | None:
    """A card that the installed driver's branch has left behind. One for which only a branch below every floor is left
    cannot be helped."""
    last, line = case.line(_LEGACY)
    last = last or _left_behind(case)
    if not last:
        return None
    lasting = not any(at_least(f"{last}.999", row.driver_floor) for row in case.matrix.rows)
    commands = () if lasting else remedies.commands(case.facts, "driver-branch", branch=last)
    evidence = (*line, *seen(case.facts.gpu.module))
    return Fault.of("GPU-LEGACY-DRIVER", evidence, commands, lasting=lasting, branch=last)


def _left_behind(case: _Case) -> str:
    """The last branch for the cards on the bus, where the loaded one is newer; empty where it serves one of them."""
    known, module = case.capabilities(), case.facts.gpu.module.value
    last = [cards.last_branch(".".join(map(str, one))) for one in known]
    if not module or not last or None in last:
        return ""
    newest = max((branch for branch in last if branch), key=int)
    return newest if numbers(module)[:1] > (int(newest),) else ""


def _young(case: _Case) -> Fault | None:
    """A driver from before the cards on the bus."""
    module, first = case.facts.gpu.module.value, _first(case)
    if not module or not numbers(module) or at_least(module, first):
        return None
    wanted = str(table("drivers")["recommended"])
    purpose = "driver-open" if _needs_open(case) else "driver-branch"
    commands = remedies.commands(case.facts, purpose, branch=wanted)
    evidence = (*seen(case.facts.gpu.module), *seen(case.facts.gpu.cards))
    return Fault.of("GPU-DRIVER-OLD", evidence, commands, detail=f"driver {module} < {first}", floor=first)


def _first(case: _Case) -> str:
    """The first branch that knows any of the cards on the bus."""
    known = [cards.first_branch(".".join(map(str, one))) for one in case.capabilities()]
    return min(known, key=int, default="0")


def _needs_open(case: _Case) -> bool:
    need = numbers(table("drivers")["flavours"]["open_from"])
    return any(one >= need for one in case.capabilities())


def _open(case: _Case) -> Fault | None:
    gpu, (said, line) = case.facts.gpu, case.line(_OPEN)
    if not said and not (gpu.flavour.value == "proprietary" and _needs_open(case)):
        return None
    commands = remedies.commands(case.facts, "driver-open", branch=branch(case.facts))
    return Fault.of("GPU-OPEN-REQUIRED", (*line, *seen(gpu.flavour)), commands)


def _closed(case: _Case) -> Fault | None:
    """The cards that need it are not served by branches after the recommended one."""
    gpu, (said, line) = case.facts.gpu, case.line(_CLOSED)
    need = numbers(table("drivers")["flavours"]["proprietary_below"])
    if not said and not (gpu.flavour.value == "open" and any(one < need for one in case.capabilities())):
        return None
    last = min(branch(case.facts), str(table("drivers")["recommended"]), key=int)
    commands = remedies.commands(case.facts, "driver-proprietary", branch=last)
    return Fault.of("GPU-PROPRIETARY-REQUIRED", (*line, *seen(gpu.flavour)), commands)


def _unbuilt(case: _Case) -> Fault | None:
    """A driver that is installed, but not for the kernel that runs."""
    gpu, built, (said, line) = case.facts.gpu, case.facts.upkeep.module_built, case.line(_FOREIGN)
    installed = case.symptom.code == "GPU-NOT-LOADED" or bool(gpu.library.value)
    missing = built.known and not built.value and installed
    if gpu.module.value or not (missing or said):
        return None
    kernel = case.facts.platform.kernel.value or "?"
    evidence = (*seen(case.facts.platform.kernel, built), *line)
    return Fault.of("GPU-NO-MODULE", evidence, remedies.commands(case.facts, "module", kernel=kernel), kernel=kernel)


def _lxc(case: _Case) -> Fault | None:
    """In a container of this kind the module is the outer host's, and our library must be of exactly its version."""
    gpu = case.facts.gpu
    evidence = (*seen(case.facts.platform.container, gpu.module), *seen(gpu.library))
    return Fault.of("GPU-LXC", evidence, detail=gpu.module.value or "?")
