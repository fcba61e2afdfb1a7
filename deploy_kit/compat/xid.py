"""The driver's own messages about broken work (Xid), by the table of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from deploy_kit.data import table

_LINE = re.compile(r"NVRM: Xid \(PCI:([0-9a-fA-F:.]{4,20})\): (\d{1,4})")


_ANSWER = 154
"""It only tells what to do about another one."""


@dataclass(frozen=True, slots=True)
class Xid:
    """One message: the card's address on the bus, the number, what the table says of it, and the line."""

    address: str
    number: int
    name: str
    kind: str
    action: str
    line: str

    @property
    def grave(self) -> bool:
        """Whether the card needs a reset at least: nothing that runs on it can go on."""
        return self.kind == "hardware" or self.action in ("reset", "reboot")


def read(lines: Iterable[str]) -> tuple[Xid, ...]:
    """The messages in a kernel log, oldest first; a number that the table does not know is of kind ``unknown``."""
    codes = table("xid")["codes"]
    found = ((match, line) for line in lines if (match := _LINE.search(line)) is not None)
    return tuple(_xid(match[1], match[2], codes.get(match[2], {}), line) for match, line in found)


def first_grave(lines: Iterable[str]) -> Xid | None:
    """The grave message that came first, for the later ones often follow from it; None without one."""
    grave = [one for one in read(lines) if one.grave]
    return next((one for one in grave if one.number != _ANSWER), grave[0] if grave else None)


def _xid(address: str, number: str, row: dict[str, str], line: str) -> Xid:
    kind, action = row.get("class", "unknown"), row.get("action", "")
    return Xid(address, int(number), row.get("name", "?"), kind, action, line.strip())
