"""Which image variant has code for which card: the rule of binary compatibility over the tables."""

from __future__ import annotations

from deploy_kit.compat.versions import numbers
from deploy_kit.data import table

CUDA_VARIANTS = ("cu128", "cu126")
"""In the order of preference."""


def serves(variant: str, capability: str) -> bool:
    """Whether a variant's torch has code that runs on cards of this compute capability (``8.9``).

    Code for X.y runs on X.z with z >= y, but some are served by exactly their own code only.
    """
    matrix = table("matrix")
    compiled = matrix["variants"][variant]["sass"]
    if capability in compiled:
        return True
    if capability in matrix["exact"]:
        return False
    major, minor = numbers(capability)[:2]
    near = (numbers(code)[:2] for code in compiled if code not in matrix["exact"])
    return any(code[0] == major and code[1] <= minor for code in near)


def variant_for(capability: str | None) -> str | None:
    """The variant for a card, None when there is none; the first one for a card that nothing is known of."""
    if capability is None:
        return CUDA_VARIANTS[0]
    return next((variant for variant in CUDA_VARIANTS if serves(variant, capability)), None)


def guessed(device: str) -> str | None:
    """The compute capability that a card's PCI id (hexadecimal) hints at, None for an id that is not in the table."""
    number = int(device or "0", 16)
    for row in table("gpu_families")["families"]:
        if int(row["from"], 16) <= number <= int(row["to"], 16):
            return str(row["capability"])
    return None
