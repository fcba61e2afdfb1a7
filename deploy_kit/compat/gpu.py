"""The graphics card: from the bus to the way into a container, one gate after another.

The first gate that does not hold gives the finding. ``auto`` then computes on the CPU and says so, ``cuda`` is refused.
A fault that can be mended keeps the CUDA image, so that mending it needs no other one; a lasting one (no card, a card
that no torch of ours has code for) takes the image without CUDA.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploy_kit.compat import cards, needs, way_in
from deploy_kit.compat.evidence import seen, size
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import DeviceRequest, Wish
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.compat.way_in import Fault
from deploy_kit.data import table
from deploy_kit.facts import Fact, GpuDevice, GpuFacts, HostFacts, State
from deploy_kit.findings import Evidence, Finding, Severity

_STRANGERS = ("nouveau", "nova", "nova_core", "nova-core")
_NOT_ALLOWED, _NOT_LOADED, _NO_LIBRARY, _LOST, _MISMATCH = 4, 9, 12, 15, 18


@dataclass(frozen=True, slots=True)
class Answer:
    """Variant and device of a wish, what a container engine is asked for, the findings, the models that fit, and the
    names of the cards in use."""

    variant: str
    device: str
    request: DeviceRequest | None = None
    findings: tuple[Finding, ...] = ()
    workers: int = 1
    cards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Served:
    """The cards that a variant has code for, and those left out."""

    variant: str
    devices: tuple[GpuDevice, ...]
    left: tuple[GpuDevice, ...]


def judge(facts: HostFacts, wish: Wish, *, ours: bool = False) -> Answer:
    """Where the engine computes on this host.

    Args:
        ours: The very service that is being judged runs already, so that its memory is not in its own way.
    """
    return _to_be_had(_best(facts, wish, ours=ours), wish)


def _best(facts: HostFacts, wish: Wish, *, ours: bool) -> Answer:
    """The answer as if every image could be made."""
    if wish.engine == needs.BUILT_IN:
        return Answer("core" if wish.variant == "auto" else wish.variant, "cpu")
    if wish.device == "cpu":
        return Answer("cpu" if wish.variant == "auto" else wish.variant, "cpu")
    if wish.variant not in ("auto", *cards.CUDA_VARIANTS):
        return _without_cuda(wish)
    if _blind(facts.gpu):
        return _unseen(wish)
    found = _sight(facts) or _serving(facts.gpu, wish)
    if isinstance(found, Fault):
        return _fallen(wish, found, _mended(facts.gpu, wish, found))
    fault = _driver(facts, found) or way_in.nodes(facts, wish)
    if fault is not None:
        return _fallen(wish, fault, found.variant)
    route = way_in.find(facts, wish, tuple(one.uuid for one in found.devices) if wish.gpus or found.left else ())
    if isinstance(route, Fault):
        return _fallen(wish, route, found.variant)
    notes = (*_left_out(found), *(() if ours else _full(found, wish)))
    totals = tuple(one.total for one in found.devices)
    names = tuple(one.name for one in found.devices)
    return Answer(found.variant, "cuda", route, notes, needs.workers(wish.engine, totals, wish.workers), names)


def _to_be_had(answer: Answer, wish: Wish) -> Answer:
    """The answer for the images that can be made: that with the ordinary index's PyTorch computes on a CPU too."""
    lock = dict(wish.unlocked).get(answer.variant)
    refused = any(finding.severity is Severity.BLOCKER for finding in answer.findings)
    if lock is None or not wish.build_bytes or refused:
        return answer
    if wish.variant != "auto" or wish.device == "cuda":
        blocker = Finding.of("BUILD-TORCH-UNLOCKED", Severity.BLOCKER, answer.variant, commands=(lock,))
        return replace(answer, findings=(*answer.findings, blocker))
    usual = cards.CUDA_VARIANTS[0]
    note = Finding.of("BUILD-TORCH-INSTEAD", Severity.WARNING, usual, commands=(lock,), wanted=answer.variant)
    return Answer(usual, "cpu", None, (*answer.findings, note))


def _blind(gpu: GpuFacts) -> bool:
    """Nothing is known of cards: an old facts file, say."""
    return not gpu.cards.known and not gpu.nodes.value and not gpu.wsl.value and not gpu.devices.known


def _unseen(wish: Wish) -> Answer:
    variant = wish.variant
    if wish.device == "cuda":
        request = way_in.assumed(wish)
        return Answer(cards.CUDA_VARIANTS[0] if variant == "auto" else variant, "cuda", request)
    note = Finding.of("GPU-UNSEEN", Severity.INFO, "GPU")
    return Answer("cpu" if variant == "auto" else variant, "cpu", None, (note,))


def _without_cuda(wish: Wish) -> Answer:
    if wish.device != "cuda":
        return Answer(wish.variant, "cpu")
    finding = Finding.of("GPU-VARIANT", Severity.BLOCKER, wish.variant, evidence=(Evidence("variant", wish.variant),))
    return Answer(wish.variant, "cpu", None, (finding,))


def _fallen(wish: Wish, fault: Fault, variant: str) -> Answer:
    severity = Severity.BLOCKER if wish.device == "cuda" else Severity.WARNING
    return Answer(variant, "cpu", None, (fault.finding(severity),))


def _mended(gpu: GpuFacts, wish: Wish, fault: Fault) -> str:
    """The image to take meanwhile: that for the card once the fault is mended."""
    if wish.variant != "auto":
        return wish.variant
    return "cpu" if fault.lasting else _guess(gpu) or "cpu"


def _guess(gpu: GpuFacts) -> str | None:
    """The variant that the cards' ids on the bus hint at, None when none of them can be served."""
    hints = [cards.variant_for(cards.guessed(card.device)) for card in gpu.cards.value or ()]
    if not hints:
        return cards.CUDA_VARIANTS[0]
    return next((variant for variant in cards.CUDA_VARIANTS if variant in hints), None)


def _sight(facts: HostFacts) -> Fault | None:
    """What keeps the driver from showing a card."""
    gpu = facts.gpu
    if gpu.devices.value:
        return None
    bound = {card.driver for card in gpu.cards.value or ()}
    if not (bound or gpu.module.value or gpu.nodes.value or gpu.wsl.value):
        return Fault.of("GPU-NONE", _bus(gpu), lasting=True)
    if _guess(gpu) is None:
        names = ", ".join(card.device for card in gpu.cards.value or ())
        return Fault.of("GPU-CARD-UNSUPPORTED", _bus(gpu), lasting=True, detail=f"10de:{names}")
    if bound and bound <= {"vfio-pci"}:
        return Fault.of("GPU-PASSED-THROUGH", _bus(gpu), lasting=True)
    if bound & set(_STRANGERS):
        return Fault.of("GPU-NOUVEAU", _bus(gpu), driver=next(iter(bound & set(_STRANGERS))))
    return _silent(facts)


def _silent(facts: HostFacts) -> Fault:
    """The driver's library does not show a card: why."""
    gpu, code = facts.gpu, facts.gpu.nvml.value
    if gpu.nvml.state is State.UNKNOWN:
        code_of = "GPU-PROBE-HUNG" if gpu.nvml.reason.startswith("no answer") else "GPU-PROBE-CRASHED"
        return Fault.of(code_of, seen(gpu.nvml), detail=gpu.nvml.reason)
    if code == 0:
        return Fault.of("GPU-NOT-VISIBLE", seen(gpu.devices), detail=gpu.devices.reason)
    if code in (_NOT_LOADED, _NO_LIBRARY, None):
        return _no_driver(facts)
    known = {_MISMATCH: "GPU-DRIVER-MISMATCH", _LOST: "GPU-LOST", _NOT_ALLOWED: "GPU-NOT-ALLOWED"}
    commands = (as_root(facts.privileges, "reboot"),) if code == _MISMATCH else ()
    evidence = seen(gpu.nvml, gpu.module)
    return Fault.of(known.get(code or 0, "GPU-DRIVER-ERROR"), evidence, commands, detail=f"NVML {code}")


def _no_driver(facts: HostFacts) -> Fault:
    gpu, rights = facts.gpu, facts.privileges
    if gpu.wsl.value:
        return Fault.of("GPU-WSL", seen(gpu.wsl, gpu.nvml))
    if gpu.nvml.value == _NOT_LOADED:
        commands = (as_root(rights, "modprobe", "nvidia"), as_root(rights, "dkms", "status"))
        return Fault.of("GPU-NOT-LOADED", seen(gpu.module, gpu.nvml), commands)
    installers = {
        "ubuntu": as_root(rights, "ubuntu-drivers", "install", "--gpgpu"),
        "debian": as_root(rights, "apt-get", "install", "nvidia-driver"),
    }
    names = (facts.platform.distribution.value or "", *(facts.platform.like.value or ()))
    command = next((installers[name] for name in names if name in installers), None)
    detail = "libnvidia-ml.so.1" if gpu.module.value else gpu.module.reason or "libnvidia-ml.so.1"
    return Fault.of("GPU-NO-DRIVER", (*_bus(gpu), *seen(gpu.module)), (command,) if command else (), detail=detail)


def _serving(gpu: GpuFacts, wish: Wish) -> _Served | Fault:
    """The variant with code for the cards, and those of them that are large enough."""
    shown = gpu.devices.value or ()
    allowed = tuple(one for one in shown if not wish.gpus or one.uuid in wish.gpus)
    missing = [uuid for uuid in wish.gpus if uuid not in {one.uuid for one in shown} and not uuid.startswith("MIG-")]
    if missing or not allowed:
        return Fault.of("GPU-NOT-CHOSEN", _names(gpu.devices), (("nvidia-smi", "-L"),), wanted=", ".join(missing))
    variants = cards.CUDA_VARIANTS if wish.variant == "auto" else (wish.variant,)
    for variant in variants:
        served = tuple(one for one in allowed if one.capability is None or cards.serves(variant, one.capability))
        if served:
            return _large(variant, served, allowed, wish)
    detail = ", ".join(f"{one.name}: {one.capability}" for one in allowed)
    return Fault.of("GPU-CARD-UNSUPPORTED", _names(gpu.devices), lasting=True, detail=detail)


def _large(variant: str, served: tuple[GpuDevice, ...], allowed: tuple[GpuDevice, ...], wish: Wish) -> _Served | Fault:
    least = needs.smallest_card(wish.engine)
    large = tuple(one for one in served if one.total is None or one.total >= least)
    if not large:
        have = max((one.total or 0 for one in served), default=0)
        return Fault.of("GPU-SMALL", _sizes(served), lasting=True, have=size(have), need=size(least))
    return _Served(variant, large, tuple(one for one in allowed if one not in large))


def _driver(facts: HostFacts, served: _Served) -> Fault | None:
    gpu = facts.gpu
    version = gpu.driver.value
    floor = table("matrix")["variants"][served.variant]["driver_floor_windows" if gpu.wsl.value else "driver_floor"]
    if version is None or not numbers(version) or at_least(version, floor):
        return None
    detail = f"driver {version}" + (f", CUDA {gpu.cuda.value}" if gpu.cuda.value else "")
    return Fault.of("GPU-DRIVER-OLD", seen(gpu.driver, gpu.cuda), detail=detail, floor=floor)


def _left_out(served: _Served) -> tuple[Finding, ...]:
    if not served.left:
        return ()
    names, used = (", ".join(one.name for one in some) for some in (served.left, served.devices))
    evidence = _sizes(served.left)
    return (Finding.of("GPU-LEFT-OUT", Severity.WARNING, names, evidence=evidence, used=used, variant=served.variant),)


def _full(served: _Served, wish: Wish) -> tuple[Finding, ...]:
    """Memory of the cards that is in use right now; the service itself looks again before it loads."""
    least = needs.card_memory(wish.engine)
    if any(one.free is None or one.free >= least for one in served.devices):
        return ()
    free = max(one.free or 0 for one in served.devices)
    names = ", ".join(one.name for one in served.devices)
    commands = (("nvidia-smi",),)
    evidence = tuple(Evidence("NVML", f"{one.name}: {size(one.free or 0)}") for one in served.devices)
    return (
        Finding.of("GPU-FULL", Severity.WARNING, names, evidence=evidence, commands=commands, free=size(free),
                   need=size(least)),
    )  # fmt: skip


def _bus(gpu: GpuFacts) -> tuple[Evidence, ...]:
    """The cards on the bus, each with what holds it."""
    found = tuple(f"{card.address} 10de:{card.device} ({card.driver or '-'})" for card in gpu.cards.value or ())
    return tuple(Evidence(gpu.cards.source, text) for text in found) or seen(gpu.cards)


def _names(devices: Fact[tuple[GpuDevice, ...]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(devices.source, f"{one.name} ({one.capability}) {one.uuid}") for one in devices.value or ())


def _sizes(devices: tuple[GpuDevice, ...]) -> tuple[Evidence, ...]:
    return tuple(Evidence("NVML", f"{one.name} ({one.capability}), {size(one.total or 0)}") for one in devices)
