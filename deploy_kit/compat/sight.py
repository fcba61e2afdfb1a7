"""From the bus to a driver that shows a card: the gates before anything can be chosen."""

from __future__ import annotations

from deploy_kit.compat import cards, cause, remedies
from deploy_kit.compat.cards import Matrix
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Fault
from deploy_kit.compat.rights import as_root
from deploy_kit.data import table
from deploy_kit.facts import Fact, GpuFacts, HostFacts, State
from deploy_kit.findings import Evidence

_STRANGERS = ("nouveau", "nova", "nova_core", "nova-core")
_NOT_ALLOWED, _NOT_LOADED, _NO_LIBRARY, _LOST, _MISMATCH = 4, 9, 12, 15, 18
_BY_CODE = {_MISMATCH: "GPU-DRIVER-MISMATCH", _LOST: "GPU-LOST", _NOT_ALLOWED: "GPU-NOT-ALLOWED"}


def look(facts: HostFacts, matrix: Matrix) -> Fault | None:
    """What keeps the driver from showing a card; None where it shows one."""
    gpu = facts.gpu
    if facts.platform.board.value:
        return Fault.of("GPU-JETSON", seen(facts.platform.board), lasting=True, subject=facts.platform.board.value)
    if gpu.devices.value:
        return None
    bound = {card.driver for card in gpu.cards.value or ()}
    if not (bound or gpu.module.value or gpu.nodes.value or gpu.wsl.value):
        return Fault.of("GPU-NONE", bus(gpu), lasting=True)
    if bound and guess(gpu, matrix) is None:
        names = ", ".join(card.device for card in gpu.cards.value or ())
        return Fault.of("GPU-CARD-UNSUPPORTED", bus(gpu), lasting=True, detail=f"10de:{names}")
    if bound and bound <= {"vfio-pci"}:
        return Fault.of("GPU-PASSED-THROUGH", bus(gpu), lasting=True)
    if strangers := bound & set(_STRANGERS):
        commands = remedies.commands(facts, "driver")
        return Fault.of("GPU-NOUVEAU", bus(gpu), commands, driver=", ".join(sorted(filter(None, strangers))))
    return cause.of(facts, _silent(facts), matrix)


def cuda(facts: HostFacts, matrix: Matrix, *, made_by_hook: bool) -> Fault | None:
    """Whether CUDA itself starts, in the words of the guard inside the service.

    Args:
        made_by_hook: Device nodes that are missing here are made when a container starts.
    """
    gpu = facts.gpu
    if gpu.cuda_init.state is State.UNKNOWN:
        fault = _unanswered(gpu.cuda_init)
        return None if fault is None else cause.of(facts, fault, matrix)
    number = gpu.cuda_init.value
    if number is None or (number == 0 and gpu.cuda_count.value != 0):
        return None
    if number == 0:
        return cause.of(facts, Fault.of("GPU-NOT-VISIBLE", seen(gpu.cuda_count), detail="cuDeviceGetCount: 0"), matrix)
    row = table("guard")["numbers"].get(str(number), {"code": "GPU-DRIVER-ERROR", "name": ""})
    if made_by_hook and row["code"] in ("GPU-UVM", "GPU-OS") and "nvidia-uvm" not in (gpu.nodes.value or ()):
        return None
    detail = f"{gpu.cuda_init.source}: error {number} {row['name']}".rstrip()
    commands = _commands(facts, row["code"])
    evidence = (*seen(gpu.cuda_init), *seen(gpu.module, gpu.library))
    return cause.of(facts, Fault.of(row["code"], evidence, commands, detail=detail), matrix)


def guess(gpu: GpuFacts, matrix: Matrix) -> str | None:
    """The variant that the cards' ids on the bus hint at, None when none of them can be served."""
    hints = [matrix.variant_for(matrix.guessed(card.device)) for card in gpu.cards.value or ()]
    if not hints:
        return cards.CUDA_VARIANTS[0]
    return next((variant for variant in cards.CUDA_VARIANTS if variant in hints), None)


def bus(gpu: GpuFacts) -> tuple[Evidence, ...]:
    """The cards on the bus, each with what holds it."""
    found = tuple(f"{card.address} 10de:{card.device} ({card.driver or '-'})" for card in gpu.cards.value or ())
    return tuple(Evidence(gpu.cards.source, text) for text in found) or seen(gpu.cards)


def _silent(facts: HostFacts) -> Fault:
    """The driver's library does not show a card: why, in its own words."""
    gpu, code = facts.gpu, facts.gpu.nvml.value
    if fault := _broken(gpu.nvml):
        return fault
    if code == 0:
        return Fault.of("GPU-NOT-VISIBLE", seen(gpu.devices), detail=gpu.devices.reason)
    if code in (_NOT_LOADED, _NO_LIBRARY, None):
        return _no_driver(facts)
    found = _BY_CODE.get(code, "GPU-DRIVER-ERROR")
    evidence = seen(gpu.nvml, gpu.module, *([gpu.library] if gpu.library.known else []))
    return Fault.of(found, evidence, _commands(facts, found), detail=f"NVML {code}")


def _broken(call: Fact[int]) -> Fault | None:
    """A library that hung or took its process down."""
    if call.state is not State.UNKNOWN:
        return None
    code = "GPU-PROBE-HUNG" if call.reason.startswith("no answer") else "GPU-PROBE-CRASHED"
    return Fault.of(code, seen(call), detail=call.reason)


def _unanswered(call: Fact[int]) -> Fault | None:
    """Why CUDA could not be asked; a probe that could not even begin says nothing about the card."""
    if "libcuda" in call.reason:
        return Fault.of("GPU-NO-DRIVER", seen(call), detail=call.reason)
    began = call.reason.startswith("no answer") or "ended the probe" in call.reason
    return _broken(call) if began else None


def _no_driver(facts: HostFacts) -> Fault:
    gpu, rights = facts.gpu, facts.privileges
    if gpu.wsl.value:
        return Fault.of("GPU-WSL", seen(gpu.wsl, gpu.nvml))
    if gpu.nvml.value == _NOT_LOADED:
        commands = (as_root(rights, "modprobe", "nvidia"), as_root(rights, "dkms", "status"))
        return Fault.of("GPU-NOT-LOADED", seen(gpu.module, gpu.nvml), commands)
    detail = "libnvidia-ml.so.1" if gpu.module.value else gpu.module.reason or "libnvidia-ml.so.1"
    return Fault.of("GPU-NO-DRIVER", (*bus(gpu), *seen(gpu.module)), remedies.commands(facts, "driver"), detail=detail)


def _commands(facts: HostFacts, code: str) -> tuple[tuple[str, ...], ...]:
    rights = facts.privileges
    if code == "GPU-DRIVER-MISMATCH":
        return (as_root(rights, "reboot"),)
    if code == "GPU-UVM":
        return (as_root(rights, "nvidia-modprobe", "-u", "-c=0"),)
    if code == "GPU-FABRIC":
        return remedies.commands(facts, "fabric", branch=cause.branch(facts))
    return ()
