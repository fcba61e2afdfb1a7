"""Which image variant has code for which card: the rule of binary compatibility over the tables."""

from __future__ import annotations

from collections.abc import Iterable

from deploy_kit.compat.versions import numbers
from deploy_kit.data import table

CUDA_VARIANTS = ("cu128", "cu126")
"""In the order of preference."""


def serves(variant: str, capability: str) -> bool:
    """Whether a variant's torch has code that runs on cards of this compute capability (``8.9``)."""
    row = table("matrix")["variants"][variant]
    return runs(capability, row["sass"], row["ptx"])


def runs(capability: str, compiled: Iterable[str], intermediate: Iterable[str] = ()) -> bool:
    """Whether a card runs code that was compiled for these architectures (``8.6`` say).

    Code for X.y runs on X.z with z >= y, but some are served by exactly their own code only. Intermediate code (PTX)
    runs on every card that is not older.
    """
    exact = table("matrix")["exact"]
    card = numbers(capability)[:2]
    if len(card) != 2:  # no compute capability at all
        return False
    for code in compiled:
        if capability == code:
            return True
        own = numbers(code)[:2]
        if capability not in exact and code not in exact and own[0] == card[0] and own[1] <= card[1]:
            return True
    return any(card >= numbers(code)[:2] for code in intermediate)


def variant_for(capability: str | None) -> str | None:
    """The variant for a card, None when there is none; the first one for a card that nothing is known of."""
    if capability is None:
        return CUDA_VARIANTS[0]
    return next((variant for variant in CUDA_VARIANTS if serves(variant, capability)), None)


def guessed(device: str) -> str | None:
    """The compute capability that a card's PCI id (hexadecimal) hints at, None for an id that is not in the table."""
    try:
        number = int(device, 16)
    except ValueError:
        return None
    for row in table("gpu_families")["families"]:
        if int(row["from"], 16) <= number <= int(row["to"], 16):
            return str(row["capability"])
    return None
