"""How a card would get into a container: the engine's runtimes, its CDI devices, NVIDIA's toolkit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, RouteFacts, known, unknown

_PROGRAMS = ("nvidia-container-runtime-hook", "nvidia-cdi-hook", "nvidia-container-runtime", "nvidia-ctk")
_FOLDERS = ("/etc/cdi", "/var/run/cdi", "/run/cdi")
_KIND = re.compile(r"""^\s*["']?kind["']?\s*:\s*["']?([\w.-]+/[\w.-]+)""", re.MULTILINE)
_NAME = re.compile(r"""^\s*(?:-\s*)?["']?name["']?\s*:\s*["']?([\w.:-]+)["']?""", re.MULTILINE)
_VENDOR = "nvidia.com/"


def observe(context: Context, info: Mapping[str, Any], source: str) -> RouteFacts:
    """Look at the ways in; never raises.

    Args:
        info: What the engine says about itself (``/info``), empty when it does not answer.
        source: Where that was heard.
    """
    if not info:
        none: Fact[tuple[str, ...]] = unknown(source, "the engine does not answer")
        return RouteFacts(none, none, _from_files(context, _FOLDERS), _toolkit(context))
    folders = tuple(str(item) for item in info.get("CDISpecDirs") or ())
    return RouteFacts(
        runtimes=known(tuple(sorted(info.get("Runtimes") or ())), source),
        cdi_folders=known(folders, source, "" if folders else "CDI is off in this engine"),
        cdi_devices=_devices(context, info, folders or _FOLDERS, source),
        toolkit=_toolkit(context),
    )


def _toolkit(context: Context) -> Fact[tuple[str, ...]]:
    found = tuple(name for name in _PROGRAMS if context.which(name))
    return known(found, "PATH", "" if found else "no program of NVIDIA's container toolkit")


def _devices(context: Context, info: Mapping[str, Any], folders: tuple[str, ...], source: str) -> Fact[tuple[str, ...]]:
    """As the engine found them; engines before 28.2 do not tell, then as the specifications say."""
    if "DiscoveredDevices" not in info:
        return _from_files(context, folders)
    told = (str(item.get("ID", "")) for item in info["DiscoveredDevices"] or () if item.get("Source") == "cdi")
    found = tuple(sorted(name for name in told if name.startswith(_VENDOR)))
    return known(found, source, "" if found else "no NVIDIA device is defined")


def _from_files(context: Context, folders: tuple[str, ...]) -> Fact[tuple[str, ...]]:
    found = {name for folder in folders for name in _names(context, folder)}
    return known(tuple(sorted(found)), ", ".join(folders), "" if found else "no specification of NVIDIA devices")


def _names(context: Context, folder: str) -> Iterator[str]:
    """The devices of every specification in a folder, read without a YAML library: kind, then the names below it."""
    for path in sorted(context.path(folder).glob("*")):
        if path.suffix not in (".yaml", ".yml", ".json"):
            continue
        text = context.read(f"{folder}/{path.name}") or ""
        kind = _KIND.search(text)
        if kind and kind[1].startswith(_VENDOR):
            yield from (f"{kind[1]}={name}" for name in _NAME.findall(text))
