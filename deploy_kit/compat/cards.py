"""Which image variant has code for which card: the rule of binary compatibility over the tables.

A `Matrix` is the tables as one value; the user's own rows can be laid over it at the edge (`matrix`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.errors import Failure
from deploy_kit.findings import Evidence, Finding, Severity

CUDA_VARIANTS = ("cu128", "cu126")
"""In the order of preference."""

_LISTS = ("sass", "ptx")
_DRIVERS = ("driver_floor", "driver_floor_windows", "driver_native", "driver_native_windows")
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Row:
    """A variant's torch: the architectures that it has machine code for (``sass``) and intermediate code (``ptx``),
    the lowest driver on which it runs at all, and the one from which everything of its CUDA works."""

    name: str
    sass: tuple[str, ...]
    ptx: tuple[str, ...]
    driver_floor: str
    driver_floor_windows: str
    driver_native: str
    driver_native_windows: str

    def floor(self, *, windows: bool) -> str:
        return self.driver_floor_windows if windows else self.driver_floor

    def native(self, *, windows: bool) -> str:
        return self.driver_native_windows if windows else self.driver_native


@dataclass(frozen=True, slots=True)
class Matrix:
    """What is known of variants and cards.

    Attributes:
        rows: The variants with CUDA, in the order of preference.
        newest: The highest compute capability that anybody has written code for; of newer cards nothing is known.
        cards: Compute capabilities of single cards by their PCI id, before the ranges of the families.
    """

    rows: tuple[Row, ...]
    newest: str
    cards: tuple[tuple[str, str], ...] = ()

    def row(self, variant: str) -> Row:
        return next(row for row in self.rows if row.name == variant)

    def serves(self, variant: str, capability: str) -> bool:
        """Whether a variant's torch has code that runs on cards of this compute capability (``8.9``)."""
        row = self.row(variant)
        return runs(capability, row.sass, row.ptx)

    def unknown(self, capability: str) -> bool:
        """Whether a card is newer than everything that the tables know."""
        return len(numbers(capability)) > 1 and numbers(capability)[:2] > numbers(self.newest)[:2]

    def variant_for(self, capability: str | None) -> str | None:
        """The variant for a card, None when there is none; the first one for a card that nothing is known of."""
        if capability is None:
            return CUDA_VARIANTS[0]
        return next((variant for variant in CUDA_VARIANTS if self.serves(variant, capability)), None)

    def guessed(self, device: str) -> str | None:
        """The compute capability that a card's PCI id (hexadecimal) hints at, None for an id that no table has."""
        own = dict(self.cards).get(device.lower())
        return own or _family(device)


def runs(capability: str, compiled: Iterable[str], intermediate: Iterable[str] = ()) -> bool:
    """Whether a card runs code that was compiled for these architectures (``8.6`` say).

    Code for X.y runs on X.z with z >= y, but some are served by exactly their own code only, and a chip with two names
    by the code for either. Intermediate code (PTX) runs on every card that is not older.
    """
    card = numbers(capability)[:2]
    if len(card) != 2:  # no compute capability at all
        return False
    names = _names(capability)
    return any(code in names or _covers(code, capability) for code in compiled) or any(
        card >= numbers(code)[:2] for code in intermediate
    )


def _covers(code: str, capability: str) -> bool:
    exact = table("matrix")["exact"]
    own, card = numbers(code)[:2], numbers(capability)[:2]
    return capability not in exact and code not in exact and own[0] == card[0] and own[1] <= card[1]


def _names(capability: str) -> set[str]:
    return {capability}.union(*(twins for twins in table("matrix")["twins"] if capability in twins))


@cache
def usual() -> Matrix:
    """The product's own tables."""
    found = table("matrix")
    return Matrix(tuple(_row(name, found["variants"][name]) for name in CUDA_VARIANTS), found["newest"])


def matrix(plain: Mapping[str, Any]) -> Matrix:
    """The product's tables with the user's own rows over them.

    Args:
        plain: ``variants``: changed columns of ``cu128`` or ``cu126`` (``sass``, ``ptx``, ``driver_floor`` …);
            ``cards``: PCI id to compute capability; ``newest``. Whatever else the product's own table has is ignored,
            so that a copy of it can be edited.

    Raises:
        deploy_kit.errors.Failure: CONFIG-MATRIX for each value that cannot be one.
    """
    found = tuple(_wrong(plain))
    if found:
        raise Failure(*found)
    base, changes = usual(), plain.get("variants", {})
    rows = tuple(replace(row, **_columns(changes.get(row.name, {}))) for row in base.rows)
    own = tuple(sorted((str(device).lower(), value) for device, value in plain.get("cards", {}).items()))
    return Matrix(rows, plain.get("newest", base.newest), own)


def serves(variant: str, capability: str) -> bool:
    """`Matrix.serves` of the product's own tables."""
    return usual().serves(variant, capability)


def variant_for(capability: str | None) -> str | None:
    """`Matrix.variant_for` of the product's own tables."""
    return usual().variant_for(capability)


def guessed(device: str) -> str | None:
    """`Matrix.guessed` of the product's own tables."""
    return usual().guessed(device)


def first_branch(capability: str) -> str:
    """The first branch of drivers that knows cards of this kind; ``0`` for those that every branch of ours knows."""
    return _branches(capability)["first"] or "0"


def last_branch(capability: str) -> str | None:
    """The last branch of drivers that serves cards of this kind, None while all newer ones do."""
    return _branches(capability)["last"]


def _branches(capability: str) -> dict[str, str | None]:
    rows: list[dict[str, str | None]] = table("drivers")["cards"]
    return [row for row in rows if at_least(capability, row["from"] or "0")][-1]


def _row(name: str, plain: Mapping[str, Any]) -> Row:
    return Row(name, tuple(plain["sass"]), tuple(plain["ptx"]), *(plain[column] for column in _DRIVERS))


def _family(device: str) -> str | None:
    try:
        number = int(device, 16)
    except ValueError:
        return None
    for row in table("gpu_families")["families"]:
        if int(row["from"], 16) <= number <= int(row["to"], 16):
            return str(row["capability"])
    return None


def _columns(plain: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: tuple(plain[name]) for name in _LISTS if name in plain}
    return lists | {name: plain[name] for name in _DRIVERS if name in plain}


def _wrong(plain: object) -> Iterator[Finding]:
    """What in a matrix of the user's cannot be understood."""
    if not isinstance(plain, Mapping):
        yield _refused("matrix", plain, "variants, cards, newest")
        return
    known = {*table("matrix"), "cards"}
    yield from (_refused(str(key), key, "variants, cards, newest") for key in plain if key not in known)
    if not _capability(plain.get("newest", "1.0")):
        yield _refused("newest", plain["newest"], "8.9")
    cards, variants = plain.get("cards", {}), plain.get("variants", {})
    if not isinstance(cards, Mapping):
        yield _refused("cards", cards, '{"2684": "8.9"}')
        cards = {}
    for device, value in cards.items():
        if not (_hexadecimal(device) and _capability(value)):
            yield _refused(f"cards.{device}", value, '"2684": "8.9"')
    if not isinstance(variants, Mapping):
        yield _refused("variants", variants, ", ".join(CUDA_VARIANTS))
        variants = {}
    for name, row in variants.items():
        yield from _wrong_row(str(name), row)


def _wrong_row(name: str, row: object) -> Iterator[Finding]:
    shipped = table("matrix")["variants"]
    if name not in shipped:
        yield _refused(f"variants.{name}", name, ", ".join(CUDA_VARIANTS))
        return
    if not isinstance(row, Mapping):
        yield _refused(f"variants.{name}", row, ", ".join((*_LISTS, *_DRIVERS)))
        return
    if name not in CUDA_VARIANTS:
        return
    for column, value in row.items():
        place = f"variants.{name}.{column}"
        if column not in shipped[name]:
            yield _refused(place, column, ", ".join((*_LISTS, *_DRIVERS)))
        elif column in _LISTS and not (isinstance(value, (list, tuple)) and all(map(_capability, value))):
            yield _refused(place, value, '["8.6", "9.0"]')
        elif column in _DRIVERS and not (isinstance(value, str) and numbers(value)):
            yield _refused(place, value, "525.60.13")


def _capability(value: object) -> bool:
    parts = value.split(".") if isinstance(value, str) else []
    return len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts)


def _hexadecimal(value: object) -> bool:
    return isinstance(value, str) and len(value) == 4 and all(letter in "0123456789abcdef" for letter in value.lower())


def _refused(place: str, value: object, allowed: str) -> Finding:
    text = str(value)[:_SHOWN]
    evidence = (Evidence(place, text),)
    return Finding.of("CONFIG-MATRIX", Severity.BLOCKER, place, evidence=evidence, value=text, allowed=allowed)
