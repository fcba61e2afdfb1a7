"""One fact as text: what was seen, in words, with its unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deploy_kit import codec
from deploy_kit.cli.output.text import size
from deploy_kit.facts import (
    CdiSpec,
    DiskFacts,
    Endpoint,
    Fact,
    GpuDevice,
    GpuSlice,
    PackageChange,
    PciCard,
    PortFacts,
)
from deploy_kit.messages import Catalogue

_LOG_LINES = 3
_RIGHT = 5.0
"""Seconds that a clock may be off, as servers tell it."""

_BYTES = frozenset({"memory.total", "memory.available", "memory.limit", "memory.swap", "memory.shared"})


def shown(place: str, fact: Fact[Any], words: Catalogue, *, whole: bool = False) -> str:
    """A fact in words; several things give several lines.

    Args:
        place: ``section.field``.
        whole: Long lists to their end.
    """
    if not fact.known:
        return words("cli.fact_unknown", reason=fact.reason or "?")
    text = _value(place, fact.value, words, whole)
    return f"{text} ({fact.reason})" if fact.reason else text


def disk(found: DiskFacts, words: Catalogue) -> str:
    """Where it lies and how much room is left."""
    if not found.free.known:
        return f"{found.path} — {shown('disks.free', found.free, words)}".strip(" —")
    text = words("cli.disk", path=found.path, free=size(found.free.value or 0), total=size(found.total.value or 0))
    more = [str(found.kind.value)] if found.kind.value else []
    if found.inodes.value is not None:
        more.append(words("cli.disk_inodes", count=found.inodes.value))
    return ", ".join((text, *more))


def port(found: PortFacts, words: Catalogue) -> str:
    """The address, and who holds it."""
    address = f"[{found.host}]:{found.port}" if ":" in found.host else f"{found.host}:{found.port}"
    if not found.free.known:
        return f"{address}: {shown('port.free', found.free, words)}"
    if found.free.value:
        return f"{address}: {words('cli.port_free')}"
    trouble = words(f"cli.fact.trouble.{found.trouble.value}") if found.trouble else words("cli.port_not_free")
    holder = f", {words('cli.fact.holder')} {found.holder.value}" if found.holder.value else ""
    other = f"; {words('cli.fact.alternative')}: {found.alternative.value}" if found.alternative.value else ""
    return f"{address}: {trouble}{holder}{other}"


def _value(place: str, value: Any, words: Catalogue, whole: bool) -> str:
    if value is None or value in ((), [], {}):
        return words("cli.fact_none")
    if isinstance(value, bool):
        return words("cli.yes" if value else "cli.no")
    if place in _BYTES:
        return size(value)
    if place == "network.clock":
        return words("cli.clock_right") if abs(value) < _RIGHT else words("cli.clock", seconds=f"{value:+.0f}")
    if place == "upkeep.log" and not whole:
        kept = value[-_LOG_LINES:]
        return "\n".join((*kept, *([words("cli.log_more", count=len(value) - len(kept))] if len(value) > 3 else [])))
    if place in ("upkeep.log", "platform.suites") and whole:
        return "\n".join(value)
    if isinstance(value, dict):
        return "\n".join(f"{name} {item}" for name, item in value.items())
    if isinstance(value, tuple):
        make = _ITEMS.get(type(value[0]))
        return "\n".join(make(item, words) for item in value) if make else ", ".join(map(str, value))
    named = f"cli.fact.{place}.{codec.to_plain(value)}"
    return words(named) if words.has(named) else str(codec.to_plain(value))


def _pci(card: PciCard, words: Catalogue) -> str:
    driver = card.driver or words("cli.fact_none")
    return words("cli.pci_card", address=card.address, device=card.device, driver=driver)


def _device(card: GpuDevice, words: Catalogue) -> str:
    return ", ".join((card.name, *_of_device(card, words), card.uuid))


def _of_device(card: GpuDevice, words: Catalogue) -> Iterator[str]:
    if card.capability is not None:
        yield words("cli.gpu_capability", capability=card.capability)
    if card.total is not None:
        free = "?" if card.free is None else size(card.free)
        yield words("cli.gpu_memory", free=free, total=size(card.total))
    if card.mig is not None and (card.mig or card.mig_pending):
        slices = ", ".join(_slice(one) for one in card.slices) or words("cli.fact_none")
        yield words("cli.gpu_mig", slices=slices)
    for name in ("virtual", "fabric", "remap"):
        if (said := getattr(card, name)) is not None:
            yield words(f"cli.gpu_{name}", said=said)
    if card.compute_mode not in (None, "default"):
        yield words("cli.gpu_compute_mode", said=card.compute_mode)
    if card.uncorrected:
        yield words("cli.gpu_uncorrected", count=card.uncorrected)
    if card.users:
        holders = ", ".join(f"{user.name} ({user.pid})" + (f" {size(user.bytes)}" if user.bytes else "")
                            for user in card.users)  # fmt: skip
        yield words("cli.gpu_users", holders=holders)


def _slice(one: GpuSlice) -> str:
    return f"{one.profile} {one.uuid}"


def _spec(spec: CdiSpec, words: Catalogue) -> str:
    if spec.trouble:
        return f"{spec.path}: {spec.trouble}"
    parts = [f"{spec.path}: {words('cli.cdi_version', version=spec.version or '?')}", ", ".join(spec.devices)]
    if spec.drivers:
        parts.append(words("cli.cdi_drivers", drivers=", ".join(spec.drivers)))
    if spec.missing:
        parts.append(words("cli.cdi_missing", missing=", ".join(spec.missing)))
    return "; ".join(part for part in parts if part)


def _change(change: PackageChange, words: Catalogue) -> str:
    how = f" ({words('cli.unattended')})" if change.unattended else ""
    return f"{change.when}{how}: {', '.join(change.packages)}"


def _endpoint(place: Endpoint, words: Catalogue) -> str:
    said = words(f"cli.reach.{place.reach.value}")
    speed = "" if place.milliseconds is None else f", {place.milliseconds} ms"
    detail = f" ({place.detail})" if place.detail else ""
    return f"{words(f'cli.purpose.{place.purpose}')}: {place.name} — {said}{speed}{detail}"


_ITEMS: dict[type, Callable[[Any, Catalogue], str]] = {
    PciCard: _pci,
    GpuDevice: _device,
    CdiSpec: _spec,
    PackageChange: _change,
    Endpoint: _endpoint,
}
