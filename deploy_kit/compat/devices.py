"""Which cards an engine gets, and which image: the one whose code serves most of their memory."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.compat import cards, needs
from deploy_kit.compat.cards import Matrix
from deploy_kit.compat.evidence import size
from deploy_kit.compat.fault import Command, Fault
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import Wish
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.facts import Fact, GpuDevice, GpuFacts, HostFacts
from deploy_kit.findings import Evidence


@dataclass(frozen=True, slots=True)
class Unit:
    """What CUDA takes for a card: a whole one, or a slice of one. ``card`` is the card that it lies on."""

    uuid: str
    name: str
    capability: str | None
    total: int | None
    free: int | None
    card: GpuDevice
    sliced: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A unit that is not used, and the code of the finding that says why."""

    unit: Unit
    code: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The image, the units in use, and those left out. ``named``: they must be asked for one by one."""

    variant: str
    units: tuple[Unit, ...]
    left: tuple[Left, ...]
    named: bool


@dataclass(frozen=True, slots=True)
class _Offer:
    """What one variant would serve: the units that its code runs on, and those of them that are large enough."""

    variant: str
    served: tuple[Unit, ...]
    large: tuple[Unit, ...]


def choose(facts: HostFacts, wish: Wish, matrix: Matrix) -> Chosen | Fault:
    """The variant and the cards, or why there are none."""
    gpu = facts.gpu
    units = tuple(unit for card in gpu.devices.value or () for unit in _units(card))
    wanted = tuple(one for one in units if not wish.gpus or {one.uuid, one.card.uuid} & set(wish.gpus))
    missing = _missing(units, wish)
    if missing or not wanted:
        return Fault.of("GPU-NOT-CHOSEN", names(gpu.devices), (("nvidia-smi", "-L"),), wanted=", ".join(missing))
    barred = tuple(Left(one, code) for one in wanted if (code := _barred(one)))
    usable = tuple(one for one in wanted if not _barred(one))
    if not usable:
        return _unusable(facts, barred[0])
    offers = _offers(gpu, usable, wish, matrix)
    if not offers:
        detail = ", ".join(f"{one.name}: {one.capability}" for one in usable)
        return Fault.of("GPU-CARD-UNSUPPORTED", names(gpu.devices), lasting=True, detail=detail)
    best = offers[0]
    if not best.large:
        return _small(best.served, wish)
    kept, sick = _healthy(best.large)
    served, large = set(best.served), set(best.large)
    left = (
        *barred,
        *(Left(one, "GPU-LEFT-OUT") for one in usable if one not in served),
        *(Left(one, "GPU-LEFT-OUT-SMALL") for one in best.served if one not in large),
        *(Left(one, "GPU-LEFT-OUT-SICK") for one in sick),
    )
    return Chosen(best.variant, kept, left, bool(wish.gpus or left) or any(one.sliced for one in kept))


def names(devices: Fact[tuple[GpuDevice, ...]]) -> tuple[Evidence, ...]:
    """Every card with its capability and UUID, its slices below it."""
    found = []
    for card in devices.value or ():
        found.append(Evidence(devices.source, f"{card.name} ({card.capability}) {card.uuid}"))
        found += [Evidence(devices.source, f"{card.name} MIG {one.profile} {one.uuid}") for one in card.slices]
    return tuple(found)


def sizes(units: tuple[Unit, ...]) -> tuple[Evidence, ...]:
    """Every unit with its capability and memory."""
    return tuple(Evidence("NVML", f"{one.name} ({one.capability}), {_size(one.total)}") for one in units)


def index_of(facts: HostFacts, card: GpuDevice) -> str:
    """The card's number in the driver's order, as nvidia-smi takes it."""
    return str((facts.gpu.devices.value or ()).index(card))


def _units(card: GpuDevice) -> tuple[Unit, ...]:
    if card.mig and card.slices:
        return tuple(
            Unit(one.uuid, f"{card.name} MIG {one.profile}", card.capability, one.total, None, card, sliced=True)
            for one in card.slices
        )
    return (Unit(card.uuid, card.name, card.capability, card.total, card.free, card),)


def _missing(units: tuple[Unit, ...], wish: Wish) -> list[str]:
    """The names that are nobody's; those of slices are believed where nothing is known of slices."""
    there = {name for one in units for name in (one.uuid, one.card.uuid)}
    told = any(one.sliced for one in units)
    return [uuid for uuid in wish.gpus if uuid not in there and (told or not uuid.startswith("MIG-"))]


def _barred(unit: Unit) -> str | None:
    """Why a card cannot be used whatever the image. What a facts file of old does not tell bars nobody."""
    if unit.card.mig and not unit.sliced and unit.card.mig_pending is not None:
        return "GPU-LEFT-OUT-MIG"
    return "GPU-LEFT-OUT-MODE" if unit.card.compute_mode == "prohibited" else None


def _unusable(facts: HostFacts, left: Left) -> Fault:
    card, rights = left.unit.card, facts.privileges
    commands: tuple[Command, ...]
    index = index_of(facts, card)
    if left.code == "GPU-LEFT-OUT-MODE":
        commands = (as_root(rights, "nvidia-smi", "-i", index, "-c", "DEFAULT"),)
        evidence = (Evidence("NVML", f"{card.name}: {card.compute_mode}"),)
        return Fault.of("GPU-EXCLUSIVE", evidence, commands, subject=card.name, mode=card.compute_mode)
    evidence = (Evidence("NVML", f"{card.name}: MIG {'1' if card.mig else '0'} → {'1' if card.mig_pending else '0'}"),)
    if card.mig_pending is False:
        commands = (as_root(rights, "nvidia-smi", "-i", index, "--gpu-reset"),)
        return Fault.of("GPU-MIG-PENDING", evidence, commands, subject=card.name)
    commands = (
        ("nvidia-smi", "mig", "-i", index, "-lgip"),
        as_root(rights, "nvidia-smi", "mig", "-i", index, "-cgi", "PROFILE", "-C"),
        as_root(rights, "nvidia-smi", "-i", index, "-mig", "0"),
    )
    return Fault.of("GPU-MIG-EMPTY", evidence, commands, subject=card.name)


def _offers(gpu: GpuFacts, units: tuple[Unit, ...], wish: Wish, matrix: Matrix) -> list[_Offer]:
    """What each variant would serve, the best first: one that can be made and runs on this driver, then by memory."""
    variants = cards.CUDA_VARIANTS if wish.variant == "auto" else (wish.variant,)
    least, unlocked = needs.smallest_card(wish.engine), dict(wish.unlocked)
    offers = []
    for variant in variants:
        served = tuple(one for one in units if _serves(variant, one, matrix, first=variant == variants[0]))
        large = tuple(one for one in served if one.total is None or one.total >= least)
        offers += [_Offer(variant, served, large)] if served else []
    return sorted(
        offers,
        key=lambda one: (
            not one.large,
            one.variant in unlocked,
            not _driven(gpu, one.variant, matrix),
            -sum(unit.total or 0 for unit in one.large),
            -len(one.large),
        ),
    )


def _serves(variant: str, unit: Unit, matrix: Matrix, *, first: bool) -> bool:
    """A card that nothing is known of is tried with the first variant."""
    if unit.capability is None:
        return True
    return matrix.serves(variant, unit.capability) or (first and matrix.unknown(unit.capability))


def _driven(gpu: GpuFacts, variant: str, matrix: Matrix) -> bool:
    version = gpu.driver.value
    floor = matrix.row(variant).floor(windows=bool(gpu.wsl.value))
    return version is None or not numbers(version) or at_least(version, floor)


def _small(served: tuple[Unit, ...], wish: Wish) -> Fault:
    """A slice can be made larger, a card cannot."""
    have, need = max((one.total or 0 for one in served), default=0), needs.smallest_card(wish.engine)
    lasting = not any(one.sliced for one in served)
    return Fault.of("GPU-SMALL", sizes(served), lasting=lasting, have=size(have), need=size(need))


def _healthy(units: tuple[Unit, ...]) -> tuple[tuple[Unit, ...], tuple[Unit, ...]]:
    """Cards whose memory cannot be repaired are left out as long as there are others."""
    sound = tuple(one for one in units if one.card.remap != "failed")
    return (sound, tuple(one for one in units if one.card.remap == "failed")) if sound else (units, ())


def _size(total: int | None) -> str:
    return "?" if total is None else size(total)
