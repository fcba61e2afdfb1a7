"""The graphics card: from the bus to the way into a container, one gate after another.

The first gate that does not hold gives the finding. ``auto`` then computes on the CPU and says so, ``cuda`` is refused.
A fault that can be mended keeps the CUDA image, so that mending it needs no other one; a lasting one (no card, a card
that no torch of ours has code for) takes the image without CUDA.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploy_kit.compat import cards, cause, devices, needs, notes, remedies, sight, way_in
from deploy_kit.compat.cards import Matrix
from deploy_kit.compat.devices import Chosen
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Fault
from deploy_kit.compat.verdict import DeviceRequest, Wish
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.facts import GpuFacts, HostFacts
from deploy_kit.findings import Evidence, Finding, Severity


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
    return _seen(facts, wish, wish.matrix or cards.usual(), ours=ours)


def _seen(facts: HostFacts, wish: Wish, matrix: Matrix, *, ours: bool) -> Answer:
    """The gates, in the order in which a start would fail at them."""
    chosen = sight.look(facts, matrix) or devices.choose(facts, wish, matrix)
    if isinstance(chosen, Fault):
        return _fallen(wish, chosen, _mended(facts.gpu, wish, chosen, matrix))
    fault = (
        _driver(facts, chosen, matrix)
        or way_in.nodes(facts, wish)
        or sight.cuda(facts, matrix, made_by_hook=way_in.made_by_hook(facts, wish))
        or _fabric(facts, chosen)
    )
    if fault is not None:
        return _fallen(wish, fault, chosen.variant)
    request = way_in.find(facts, wish, chosen.units, named=chosen.named)
    if isinstance(request, Fault):
        return _fallen(wish, request, chosen.variant)
    said = notes.of(facts, wish, chosen, request, matrix, ours=ours)
    totals = tuple(one.total for one in chosen.units)
    names = tuple(one.name for one in chosen.units)
    return Answer(chosen.variant, "cuda", request, said, needs.workers(wish.engine, totals, wish.workers), names)


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
        request, doubt = way_in.assumed(wish), Finding.of("GPU-UNSEEN", Severity.WARNING, "GPU")
        return Answer(cards.CUDA_VARIANTS[0] if variant == "auto" else variant, "cuda", request, (doubt,))
    note = Finding.of("GPU-UNSEEN", Severity.INFO, "GPU")
    return Answer("cpu" if variant == "auto" else variant, "cpu", None, (note,))


def _without_cuda(wish: Wish) -> Answer:
    if wish.device != "cuda":
        return Answer(wish.variant, "cpu")
    finding = Finding.of("GPU-VARIANT", Severity.BLOCKER, wish.variant, evidence=(Evidence("variant", wish.variant),))
    return Answer(wish.variant, "cpu", None, (finding,))


def _fallen(wish: Wish, fault: Fault, variant: str) -> Answer:
    severity = Severity.BLOCKER if wish.device == "cuda" else Severity.WARNING
    return Answer(variant, "cpu", None, (fault.finding(severity, meanwhile=f"{variant}, cpu"),))


def _mended(gpu: GpuFacts, wish: Wish, fault: Fault, matrix: Matrix) -> str:
    """The image to take meanwhile: that for the card once the fault is mended."""
    if wish.variant != "auto":
        return wish.variant
    if fault.lasting:
        return "cpu"
    known = [one.capability for one in gpu.devices.value or () if one.capability]
    shown = next((found for one in known if (found := matrix.variant_for(one))), None)
    return shown or sight.guess(gpu, matrix) or "cpu"


def _driver(facts: HostFacts, chosen: Chosen, matrix: Matrix) -> Fault | None:
    """The driver's version against the floors of image and card; intermediate code needs one as new as its CUDA."""
    gpu, row = facts.gpu, matrix.row(chosen.variant)
    version, windows = gpu.driver.value, bool(gpu.wsl.value)
    floor = row.floor(windows=windows)
    known = [one.capability for one in chosen.units if one.capability]
    if any(cards.runs(one, (), row.ptx) for one in known) and not any(cards.runs(one, row.sass) for one in known):
        floor = row.native(windows=windows)
    first = min((cards.first_branch(one) for one in known), key=int, default="0")
    floor = max(floor, first, key=numbers)
    if version is None or not numbers(version) or at_least(version, floor):
        return None
    detail = f"driver {version}" + (f", CUDA {gpu.cuda.value}" if gpu.cuda.value else "")
    commands = remedies.commands(facts, "driver-update")
    return Fault.of("GPU-DRIVER-OLD", seen(gpu.driver, gpu.cuda), commands, detail=detail, floor=floor)


def _fabric(facts: HostFacts, chosen: Chosen) -> Fault | None:
    """Cards on NVSwitch that wait for their fabric, unless CUDA was seen to start all the same."""
    if facts.gpu.cuda_init.value == 0:
        return None
    waiting = [one.card for one in chosen.units if notes.unready(one.card)]
    if not waiting or len(waiting) < len(chosen.units):
        return None
    detail = f"fabric: {waiting[0].fabric}"
    evidence = tuple(Evidence("NVML", f"{one.name}: {one.fabric}") for one in waiting)
    commands = remedies.commands(facts, "fabric", branch=cause.branch(facts))
    return Fault.of("GPU-FABRIC", evidence, commands, detail=detail)
