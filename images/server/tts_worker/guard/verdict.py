"""The outcome of the guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the GPU is usable, and what was seen on the way.

    Attributes:
        code: None, or the finding that says why not (`data/guard.json`).
        detail: The driver's or torch's own words; empty when all is well.
        driver: The newest CUDA that the driver serves, as CUDA counts (12080 is 12.8).
        kernel_driver: The version of the kernel module, where the kernel tells it.
        capability: Compute capability of the first card, ``8.9`` say.
        name, uuid: Of the first card.
        count: How many cards are visible.
        bytes: Memory of the first card.
        torch, cuda: Versions of torch and of the CUDA that it was built with; only the second stage knows them.
    """

    code: str | None = None
    detail: str = ""
    driver: int | None = None
    kernel_driver: str | None = None
    capability: str | None = None
    name: str | None = None
    uuid: str | None = None
    count: int | None = None
    bytes: int | None = None
    torch: str | None = None
    cuda: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> Verdict:
        """From `to_json`; names of another version are left out."""
        return cls(**{name: value for name, value in fields.items() if name in cls.__dataclass_fields__})
