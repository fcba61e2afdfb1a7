"""NVIDIA's driver on the simulated host: cards on the bus, its version, device nodes, libraries that answer."""

from __future__ import annotations

import os
import shutil
import stat
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.support.gpu_host.machine import Machine

BUS = "/sys/bus/pci/devices"
VERSION = "/proc/driver/nvidia/version"
LIBRARIES = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH') or 'x86_64-linux-gnu'}"
STATE = "/etc/nvidia-stub"
"""Where the libraries look for what they shall answer, on the host and in a container."""

INSIDE = "/etc/nvidia-stub.inside"
"""On the host: the folder that containers see as `STATE`."""

GIB = 1024**3
_ADA = "2684"


@dataclass(frozen=True, slots=True)
class Card:
    """A card; ``device`` is its id on the bus, ``total`` bytes."""

    number: int = 0
    name: str = "NVIDIA GeForce RTX 4090"
    capability: str = "8.9"
    total: int = 24 * GIB
    device: str = _ADA

    @property
    def uuid(self) -> str:
        return f"GPU-{self.number + 1:08d}-1111-2222-3333-444444444444"

    def state(self) -> dict[str, object]:
        rows = {"uuid": self.uuid, "name": self.name, "cc": self.capability, "total": self.total}
        return {f"{key}.{self.number}": value for key, value in rows.items()}


class Driver:
    """The driver of a machine; nothing of it is there before `install`."""

    def __init__(self, machine: Machine, libraries: Path) -> None:
        self._machine = machine
        self._libraries = libraries
        self._rows: dict[str, dict[str, object]] = {STATE: {}, INSIDE: {}}
        self.cards: tuple[Card, ...] = ()

    def install(self, *cards: Card, version: str = "570.133.20", cuda: int = 12080) -> None:
        """These cards and no others, and a driver that is well."""
        self.remove()
        self.cards = cards
        for card in cards:
            self._plug(card)
        self._load(version)
        for name in ("nvidiactl", "nvidia-uvm", *(f"nvidia{card.number}" for card in cards)):
            node = self._machine.path(f"/dev/{name}")
            os.mknod(node, stat.S_IFCHR, os.makedev(1, 3))  # it opens, and no more is asked of it
            node.chmod(0o666)
        for library in self._libraries.glob("*.so.1"):
            shutil.copy2(library, self._machine.path(f"{LIBRARIES}/{library.name}"))
        rows = {"driver": version, "cuda": cuda, "count": len(cards), "nodes": 1, "used": 500_000_000}
        for card in cards:
            rows |= card.state()
        for place in (STATE, INSIDE):
            self._rows[place] = dict(rows)
            self._write(place)

    def remove(self) -> None:
        """No card, and no driver."""
        self.unload()
        self.cards = ()
        for place in self._machine.path(BUS).glob("*"):
            shutil.rmtree(place)

    def unload(self) -> None:
        """No driver for the cards that there are."""
        path = self._machine.path
        for place in (path("/proc/driver/nvidia"), path(STATE), path(INSIDE)):
            shutil.rmtree(place, ignore_errors=True)
        for link in path(BUS).glob("*/driver"):
            link.unlink()
        for file in (*path("/dev").glob("nvidia*"), *(path(f"{LIBRARIES}/{name}") for name in _names())):
            file.unlink(missing_ok=True)

    def host(self, **rows: object) -> None:
        """What the libraries say on the host from now on; None takes a row back."""
        self._change(STATE, rows)

    def inside(self, **rows: object) -> None:
        """What they say in containers, those that run included."""
        self._change(INSIDE, rows)

    def _change(self, place: str, rows: dict[str, object]) -> None:
        self._rows[place] = {key: value for key, value in (self._rows[place] | rows).items() if value is not None}
        self._write(place)

    def _write(self, place: str) -> None:
        folder = self._machine.path(place)
        folder.mkdir(exist_ok=True)
        partial = folder / "state.part"
        partial.write_text("".join(f"{key}={value}\n" for key, value in self._rows[place].items()), encoding="utf-8")
        partial.rename(folder / "state")

    def _plug(self, card: Card) -> None:
        place = self._machine.path(f"{BUS}/0000:{card.number + 1:02x}:00.0")
        place.mkdir(parents=True)
        for name, value in {"vendor": "10de", "device": card.device, "class": "030000"}.items():
            (place / name).write_text(f"0x{value}\n", encoding="ascii")
        (place / "driver").symlink_to("../../../../bus/pci/drivers/nvidia")

    def _load(self, version: str) -> None:
        file = self._machine.path(VERSION)
        file.parent.mkdir(parents=True)
        file.write_text(f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Tue Mar 18\n", encoding="ascii")


def _names() -> tuple[str, ...]:
    return ("libcuda.so.1", "libnvidia-ml.so.1")
