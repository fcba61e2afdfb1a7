"""NVIDIA cards: on the bus, in the kernel, among the device nodes, and in the words of the driver's own library."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from deploy_kit import codec, proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, GpuDevice, GpuFacts, PciCard, known, not_asked, unknown

_BUS = "/sys/bus/pci/devices"
_VENDOR = "0x10de"
_DISPLAYS = ("0x0300", "0x0302")
_VERSION = "/proc/driver/nvidia/version"
_NODES = ("nvidiactl", "nvidia-uvm")
_PROBE = Path(__file__).with_name("nvml.py")
_SECONDS = 15.0
"""A driver that is not kept loaded takes seconds a card to wake up; one that takes longer is sick."""


def observe(context: Context, *, driver: bool = True) -> GpuFacts:
    """Look at the cards; never raises.

    Args:
        driver: Also speak with the driver, which may take seconds and wakes the cards up.
    """
    cards, module, nodes = _cards(context), _module(context), _nodes(context)
    dxg = context.path("/dev/dxg").exists()
    wsl = known(dxg, "/dev/dxg")
    if not driver:
        talk = _silence("the GPU was not asked for")
    elif cards.value or module.value or nodes.value or dxg:
        talk = _talk(context)
    else:
        talk = _silence("no sign of an NVIDIA card")
    return GpuFacts(cards, module, _flavour(context), nodes, wsl, *talk)


def _cards(context: Context) -> Fact[tuple[PciCard, ...]]:
    folder = context.path(_BUS)
    try:
        places = sorted(folder.iterdir())
    except OSError as error:
        return unknown(_BUS, error.strerror or str(error))
    found = tuple(card for place in places if (card := _card(context, f"{_BUS}/{place.name}")) is not None)
    return known(found, _BUS, "" if found else "no NVIDIA display device on the bus")


def _card(context: Context, place: str) -> PciCard | None:
    if _line(context, f"{place}/vendor") != _VENDOR or not _line(context, f"{place}/class").startswith(_DISPLAYS):
        return None
    try:
        driver: str | None = context.path(f"{place}/driver").readlink().name
    except OSError:
        driver = None
    return PciCard(place.rsplit("/", 1)[-1], _line(context, f"{place}/device").removeprefix("0x"), driver)


def _line(context: Context, path: str) -> str:
    return (context.read(path) or "").strip().lower()


def _module(context: Context) -> Fact[str | None]:
    text = context.read(_VERSION)
    if text is None:
        return known(None, _VERSION, "the kernel module is not loaded")
    match = re.search(r"Kernel Module\b.*?\s(\d+\.\d+(?:\.\d+)?)\s", text)
    return known(match[1], _VERSION) if match else unknown(_VERSION, "no version in it")


def _flavour(context: Context) -> Fact[str | None]:
    text = context.read(_VERSION)
    if text is None:
        return not_asked("the kernel module is not loaded")
    return known("open" if "Open Kernel Module" in text else "proprietary", _VERSION)


def _nodes(context: Context) -> Fact[tuple[str, ...]]:
    folder = context.path("/dev")
    found = [name for name in _NODES if (folder / name).exists()]
    found += sorted(path.name for path in folder.glob("nvidia[0-9]*"))
    return known(tuple(found), "/dev", "" if found else "no NVIDIA device nodes")


_Talk = tuple[Fact[int], Fact[str | None], Fact[str | None], Fact[tuple[GpuDevice, ...]]]
"""Return code, driver version, CUDA version, devices."""


def _talk(context: Context) -> _Talk:
    """Speak with the driver in a child that may hang."""
    source = "NVML"
    try:
        answer = context.run((sys.executable, "-I", "-S", str(_PROBE)), timeout=_SECONDS, check=False)
    except proc.CommandTimeout:
        return _lost(source, f"no answer in {_SECONDS:g} s")
    except proc.CommandError as error:
        return _lost(source, str(error))
    try:
        found = json.loads(answer.stdout)
        code = int(found["code"])
        devices = tuple(codec.from_plain(GpuDevice, item) for item in found.get("devices") or ())
    except (ValueError, KeyError, TypeError):
        return _lost(source, f"the library ended the probe (exit {answer.returncode})")
    if code:
        why = f"NVML {code}"
        lost: Fact[Any] = unknown(source, why)
        return known(code, source), _text(found.get("driver"), source, why), lost, lost
    return (
        known(0, source),
        _text(found.get("driver"), source, "not told"),
        _text(found.get("cuda"), source, "not told"),
        known(devices, source, "" if devices else "the driver shows no card"),
    )


def _text(value: object, source: str, otherwise: str) -> Fact[str | None]:
    return known(str(value), source) if value else unknown(source, otherwise)


def _lost(source: str, reason: str) -> _Talk:
    lost: Fact[Any] = unknown(source, reason)
    return lost, lost, lost, lost


def _silence(reason: str) -> _Talk:
    quiet: Fact[Any] = not_asked(reason)
    return quiet, quiet, quiet, quiet
