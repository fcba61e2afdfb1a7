"""What else is to be said of cards that are used: nothing here stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deploy_kit.compat import cause, needs, remedies, way_in, xid
from deploy_kit.compat.cards import Matrix
from deploy_kit.compat.devices import Chosen, sizes
from deploy_kit.compat.evidence import seen, size
from deploy_kit.compat.fault import Command
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import DeviceRequest, Wish
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.facts import GpuDevice, HostFacts
from deploy_kit.findings import Evidence, Finding, Severity

_DESKTOPS = ("xorg", "xwayland", "gnome-shell", "kwin_wayland", "kwin_x11", "plasmashell", "sway", "cosmic-comp")
_SHOWN = 5


def of(
    facts: HostFacts, wish: Wish, chosen: Chosen, request: DeviceRequest | None, matrix: Matrix, *, ours: bool
) -> tuple[Finding, ...]:
    """The notes about the chosen cards, the way in, and those that are left out.

    Args:
        ours: The very service that is being judged runs already: what is in use may be its own.
    """
    order = {card: str(index) for index, card in reversed(list(enumerate(facts.gpu.devices.value or ())))}
    return (
        *_left_out(chosen),
        *_not_shown(facts),
        *_unknown(chosen, matrix),
        *(() if ours else _full(chosen, wish)),
        *_driver(facts, chosen, matrix),
        *(note for card in _cards(chosen) for note in _card(facts, card, order[card], ours=ours)),
        *_xids(facts),
        *_reload(facts, request),
    )


def _left_out(chosen: Chosen) -> Iterator[Finding]:
    """One note for each reason."""
    used = ", ".join(one.name for one in chosen.units)
    for code in sorted({one.code for one in chosen.left}):
        units = tuple(one.unit for one in chosen.left if one.code == code)
        names = ", ".join(one.name for one in units)
        yield Finding.of(code, Severity.WARNING, names, evidence=sizes(units), used=used, variant=chosen.variant)


def _not_shown(facts: HostFacts) -> Iterator[Finding]:
    """Cards on the bus that the driver does not show; those given to a virtual machine are somebody's wish."""
    shown = {_place(card.address) for card in facts.gpu.devices.value or ()}
    if None in shown:
        return
    hidden = [one for one in facts.gpu.cards.value or () if _place(one.address) not in shown | {None}]
    lost = [one for one in hidden if one.driver != "vfio-pci"]
    if lost:
        evidence = tuple(Evidence(facts.gpu.cards.source, f"{one.address} 10de:{one.device}") for one in lost)
        names = ", ".join(one.address for one in lost)
        yield Finding.of("GPU-NOT-SHOWN", Severity.WARNING, names, evidence=evidence, commands=(("nvidia-smi", "-L"),))


def _place(address: str | None) -> tuple[int, ...] | None:
    """An address on the bus as numbers, for the driver writes more zeros than the bus; None for none."""
    parts = (address or "").replace(".", ":").split(":")
    try:
        return tuple(int(part, 16) for part in parts) if len(parts) == 4 else None
    except ValueError:
        return None


def _unknown(chosen: Chosen, matrix: Matrix) -> Iterator[Finding]:
    for unit in chosen.units:
        if unit.capability and matrix.unknown(unit.capability):
            yield Finding.of("GPU-UNKNOWN-CARD", Severity.WARNING, unit.name, evidence=sizes((unit,)),
                             capability=unit.capability, newest=matrix.newest)  # fmt: skip


def _full(chosen: Chosen, wish: Wish) -> Iterator[Finding]:
    """Memory of the cards that is in use right now; the service itself looks again before it loads."""
    least = needs.card_memory(wish.engine)
    if any(one.free is None or one.free >= least for one in chosen.units):
        return
    free = max(one.free or 0 for one in chosen.units)
    names = ", ".join(one.name for one in chosen.units)
    evidence = [Evidence("NVML", f"{one.name}: {size(one.free or 0)}") for one in chosen.units]
    evidence += [Evidence("NVML", text) for card in _cards(chosen) for text in _users(card)]
    yield Finding.of("GPU-FULL", Severity.WARNING, names, evidence=tuple(evidence), commands=(("nvidia-smi",),),
                     free=size(free), need=size(least))  # fmt: skip


def _users(card: GpuDevice) -> list[str]:
    """The processes on a card, the largest first."""
    order = sorted(card.users, key=lambda one: -(one.bytes or 0))
    return [f"{one.name} ({one.pid}): {'?' if one.bytes is None else size(one.bytes)}" for one in order[:_SHOWN]]


def _driver(facts: HostFacts, chosen: Chosen, matrix: Matrix) -> Iterator[Finding]:
    gpu, row = facts.gpu, matrix.row(chosen.variant)
    version, native = gpu.driver.value, row.native(windows=bool(gpu.wsl.value))
    if version is None or not numbers(version):
        return
    if not at_least(version, native):
        yield Finding.of("GPU-MINOR-VERSION", Severity.WARNING, version, evidence=seen(gpu.driver, gpu.cuda),
                         native=native, variant=chosen.variant)  # fmt: skip
    ended = _ended(version)
    if ended is not None and not gpu.wsl.value:  # Windows has branches of its own
        book = table("drivers")
        branch = str(book["recommended"])
        commands = remedies.commands(facts, remedies.same_kind(facts), branch=branch)
        yield Finding.of("GPU-DRIVER-EOL", Severity.INFO, version, evidence=seen(gpu.driver), commands=commands,
                         branch=ended, recommended=branch, as_of=book["as_of"])  # fmt: skip


def _ended(version: str) -> str | None:
    """The branch of a driver when it gets no more fixes, by the table's day; None for others and unknown ones."""
    major = str(numbers(version)[0])
    ended = (str(row["branch"]) for row in table("drivers")["branches"] if row["ended"])
    return next((branch for branch in ended if branch == major), None)


def unready(card: GpuDevice) -> bool:
    """Whether a card on NVSwitch waits for its fabric."""
    return bool(card.fabric) and (card.fabric or "").replace("_", " ") not in ("completed", "not supported")


def _cards(chosen: Chosen) -> tuple[GpuDevice, ...]:
    return tuple(dict.fromkeys(unit.card for unit in chosen.units))


def _card(facts: HostFacts, card: GpuDevice, index: str, *, ours: bool) -> Iterator[Finding]:
    """What a card says of itself; ``index`` is its number as nvidia-smi takes it."""
    rights = facts.privileges
    commands: tuple[Command, ...]
    reset = (as_root(rights, "nvidia-smi", "-i", index, "--gpu-reset"),)
    if card.mig is not None and card.mig_pending is not None and card.mig != card.mig_pending:
        yield _note("GPU-MIG-PENDING", card, f"MIG {int(card.mig)} → {int(card.mig_pending)}", reset)
    if card.compute_mode == "exclusive" and not ours:
        commands = (as_root(rights, "nvidia-smi", "-i", index, "-c", "DEFAULT"),)
        yield _note("GPU-EXCLUSIVE", card, "; ".join(["exclusive", *_users(card)]), commands, mode="exclusive")
    if card.uncorrected:
        yield _note("GPU-ECC", card, f"{card.uncorrected} uncorrected", reset)
    if card.remap in ("pending", "failed"):
        yield _note("GPU-REMAP", card, card.remap, reset if card.remap == "pending" else ())
    if unready(card):
        commands = remedies.commands(facts, "fabric", branch=cause.branch(facts))
        yield _note("GPU-FABRIC", card, f"fabric: {card.fabric}", commands)
    if card.virtual == "vgpu":
        yield _hint("GPU-VGPU", card, card.virtual, (("nvidia-smi", "-q"),))
    if card.persistent is False and not facts.gpu.wsl.value:
        commands = (as_root(rights, "systemctl", "enable", "--now", "nvidia-persistenced"),)
        yield _hint("GPU-NOT-PERSISTENT", card, "persistence: 0", commands)
    if any(one.name.rsplit("/", 1)[-1].lower() in _DESKTOPS for one in card.users):
        yield _hint("GPU-DISPLAY", card, "; ".join(_users(card)))


def _note(code: str, card: GpuDevice, text: str, commands: tuple[Command, ...] = (), **args: str) -> Finding:
    evidence = (Evidence("NVML", f"{card.name}: {text}"),)
    args = {"detail": text, **args}
    return Finding.of(code, Severity.WARNING, card.name, evidence=evidence, commands=commands, **args)


def _hint(code: str, card: GpuDevice, text: str, commands: tuple[Command, ...] = ()) -> Finding:
    return replace(_note(code, card, text, commands), severity=Severity.INFO)


def _xids(facts: HostFacts) -> Iterator[Finding]:
    """Grave messages about the hardware since the start, though the card answers at the moment."""
    found = xid.first_grave(facts.upkeep.log.value or ())
    if found is not None and found.kind == "hardware":
        yield cause.told(facts, found).finding(Severity.WARNING)


def _reload(facts: HostFacts, request: DeviceRequest | None) -> Iterator[Finding]:
    """Engines whose containers lose their card when systemd reloads."""
    engine = facts.engine
    affected = engine.cgroup_driver.value == "systemd" and engine.cgroup_version.value == "2"
    if affected and way_in.by_hook(facts, request):
        evidence = seen(engine.cgroup_driver, engine.cgroup_version)
        yield Finding.of("GPU-CGROUP-RELOAD", Severity.INFO, "docker", evidence=evidence)
