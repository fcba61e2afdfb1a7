"""NVIDIA cards: on the bus, in the kernel, among the device nodes, and in the words of the driver's own library."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

from deploy_kit import codec, proc
from deploy_kit.data import table
from deploy_kit.detect.machine import loader, windows
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, GpuDevice, GpuFacts, PciCard, known, not_asked, unknown

_BUS = "/sys/bus/pci/devices"
_VENDOR = "0x10de"
_DISPLAYS = ("0x0300", "0x0302")
_VERSION = "/proc/driver/nvidia/version"
_NODES = ("nvidiactl", "nvidia-uvm")
_PROBE = Path(__file__).with_name("nvml.py")
_CUDA_PROBE = Path(__file__).with_name("cuda.py")
_ALL_CARDS = {"CUDA_VISIBLE_DEVICES": None, "CUDA_CACHE_DISABLE": "1"}
_LIBRARIES = ("libcuda.so.1", "libnvidia-ml.so.1")
_WSL_FOLDER = "/usr/lib/wsl/lib"
_FURTHER = (_WSL_FOLDER, "/usr/local/nvidia/lib64", "/run/opengl-driver/lib", "/usr/lib/nvidia/current")
_LIBRARY_VERSION = re.compile(r"\.so\.(\d{3,4}\.\d+(?:\.\d+)?)$")
_SECONDS = 15.0
"""A driver that is not kept loaded takes seconds a card to wake up; one that takes longer is sick."""


def observe(context: Context, *, driver: bool = True) -> GpuFacts:
    """Look at the cards; never raises.

    Args:
        driver: Also speak with the driver, which may take seconds and wakes the cards up.
    """
    cards, module, nodes = _cards(context), _module(context), _nodes(context)
    wsl = known(context.exists("/dev/dxg"), "/dev/dxg")
    signs = cards.value or module.value or nodes.value or wsl.value
    if context.kernel.uname().system == "Windows":
        barred, signs = windows.bars_drivers(context), _windows_library(context)
    else:
        barred = ""
    if barred or not driver or not signs:
        quiet = barred or ("no sign of an NVIDIA card" if driver else "the GPU was not asked for")
        talk, cuda = _silence(quiet), _no_cuda(quiet)
    else:
        talk = _talk(context)
        cuda = _cuda(context) if talk[3].value or wsl.value else _no_cuda("the driver shows no card")
        nodes = _nodes(context)  # speaking with the driver makes those that were missing
    return GpuFacts(cards, module, _flavour(context), nodes, wsl, *talk, _library(context), *cuda)


def _windows_library(context: Context) -> bool:
    """Whether Windows has the driver's library."""
    folder = (context.env.get("SystemRoot") or r"C:\Windows").partition(":")[2].replace("\\", "/")
    return context.is_file(f"{folder}/System32/nvml.dll")


def _cards(context: Context) -> Fact[tuple[PciCard, ...]]:
    try:
        places = sorted(os.listdir(context.path(_BUS)))  # noqa: PTH208  # names are all that is asked
    except OSError as error:
        return unknown(_BUS, error.strerror or str(error))
    found = tuple(card for name in places if (card := _card(context, f"{_BUS}/{name}")) is not None)
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
    there = context.names("/dev")
    found = [name for name in _NODES if name in there]
    found += [name for name in there if re.fullmatch(r"nvidia\d+", name)]
    return known(tuple(found), "/dev", "" if found else "no NVIDIA device nodes")


_Talk = tuple[Fact[int], Fact[str | None], Fact[str | None], Fact[tuple[GpuDevice, ...]]]
"""Return code, driver version, CUDA version, devices."""


def _talk(context: Context) -> _Talk:
    """Speak with the driver in a child that may hang."""
    source = "NVML"
    try:
        answer = context.run(_python(_PROBE), timeout=_SECONDS, check=False)
    except proc.CommandTimeout:
        return _lost(source, f"no answer in {_SECONDS:g} s")
    except proc.CommandError as error:
        return _lost(source, str(error))
    lines = answer.stdout.splitlines()
    if not lines and answer.ok:
        return _lost(source, f"no answer in {_SECONDS:g} s")
    try:
        found = json.loads(lines[-1])
        code = int(found["code"])
        devices = tuple(codec.from_plain(GpuDevice, item) for item in found.get("devices") or ())
    except (ValueError, LookupError, TypeError, AttributeError):
        return _lost(source, f"the library ended the probe ({_end(answer.returncode)})")
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


_Cuda = tuple[Fact[int], Fact[int]]
"""What starting CUDA returned, and how many cards it counts."""


def _cuda(context: Context) -> _Cuda:
    """Start CUDA in a child that may hang or crash, with all cards: what the user's own shell hides is there."""
    source = "cuInit"
    seconds = float(table("guard")["seconds"]["driver"])
    try:
        answer = context.run(_python(_CUDA_PROBE), timeout=seconds, check=False, env=_ALL_CARDS)
    except proc.CommandTimeout:
        return _lost_cuda(source, f"no answer in {seconds:g} s")
    except proc.CommandError as error:
        return _lost_cuda(source, str(error))
    try:
        found = json.loads(answer.stdout)
        if absent := found.get("error"):
            return _lost_cuda(source, str(absent))
        code, count = int(found["code"]), int(found.get("count") or 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _lost_cuda(source, f"the library ended the probe ({_end(answer.returncode)})")
    if code:
        why = " ".join(str(found.get(part) or "") for part in ("call", "name")).strip()
        return known(code, str(found.get("call") or source), why), unknown(source, f"error {code}")
    return known(0, source), known(count, "cuDeviceGetCount")


def _end(code: int) -> str:
    """How a child ended."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _python(program: Path) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(program))


def _library(context: Context) -> Fact[str | None]:
    """The version in the name of the file that the loader takes. Windows' driver has no such name."""
    if context.kernel.uname().system != "Linux":
        return not_asked("not Linux")
    for name in _LIBRARIES:
        for path in loader.find(context, name, _FURTHER):
            if match := _LIBRARY_VERSION.search(context.resolve(path)):
                return known(match[1], path)
            if path.startswith(_WSL_FOLDER):
                return not_asked(f"{path} is Windows' driver")
            return unknown(path, "no version in its name")
    return known(None, _LIBRARIES[0], "no such library")


def _lost_cuda(source: str, reason: str) -> _Cuda:
    return unknown(source, reason), unknown(source, reason)


def _no_cuda(reason: str) -> _Cuda:
    return not_asked(reason), not_asked(reason)


def _text(value: object, source: str, otherwise: str) -> Fact[str | None]:
    return known(str(value), source) if value else unknown(source, otherwise)


def _lost(source: str, reason: str) -> _Talk:
    lost: Fact[Any] = unknown(source, reason)
    return lost, lost, lost, lost


def _silence(reason: str) -> _Talk:
    quiet: Fact[Any] = not_asked(reason)
    return quiet, quiet, quiet, quiet
