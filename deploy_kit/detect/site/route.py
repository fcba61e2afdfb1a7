"""How a card would get into a container: the engine's runtimes, its CDI devices, NVIDIA's toolkit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import cdi, toolkit
from deploy_kit.facts import CdiSpec, Fact, RouteFacts, known, not_asked, unknown

_PROGRAMS = ("nvidia-container-runtime-hook", "nvidia-cdi-hook", "nvidia-container-runtime", "nvidia-ctk")


def observe(
    context: Context, info: Mapping[str, Any], source: str, *, rootless: bool = False, away: str = ""
) -> RouteFacts:
    """Look at the ways in; never raises.

    Args:
        info: What the engine says about itself (``/info``), empty when it does not answer.
        source: Where that was heard.
        rootless: The engine is one of this user.
        away: Why this host's files and programs are not the engine's, where that is so.
    """
    runtimes, folders = _told(info, source)
    if away:
        told = _discovered(info, source)
        return RouteFacts(runtimes, folders, told if told is not None else not_asked(away), *_nothing(away))
    programs = _programs(context)
    specs = cdi.observe(context, folders.value or (), rootless=rootless)
    mode, no_cgroups = toolkit.configuration(context, installed=bool(programs.value), rootless=rootless)
    return RouteFacts(
        runtimes=runtimes,
        cdi_folders=folders,
        cdi_devices=_discovered(info, source) or _defined(specs, folders.value or cdi.STANDARD),
        toolkit=programs,
        toolkit_version=toolkit.version(context),
        mode=mode,
        no_cgroups=no_cgroups,
        specs=specs,
        refresh=toolkit.refresh(context),
    )


def _told(info: Mapping[str, Any], source: str) -> tuple[Fact[tuple[str, ...]], Fact[tuple[str, ...]]]:
    """The engine's runtimes and the folders in which it looks for specifications."""
    if not info:
        return unknown(source, "the engine does not answer"), unknown(source, "the engine does not answer")
    folders = tuple(str(item) for item in info.get("CDISpecDirs") or ())
    return (
        known(tuple(sorted(info.get("Runtimes") or ())), source),
        known(folders, source, "" if folders else "CDI is off in this engine"),
    )


def _nothing(why: str) -> tuple[Fact[Any], ...]:
    """The answers of a host whose files do not matter: from ``toolkit`` to ``refresh``."""
    none: Fact[Any] = not_asked(why)
    return none, none, none, none, none, none


def _programs(context: Context) -> Fact[tuple[str, ...]]:
    found = tuple(name for name in _PROGRAMS if context.which(name))
    return known(found, "PATH", "" if found else "no program of NVIDIA's container toolkit")


def _discovered(info: Mapping[str, Any], source: str) -> Fact[tuple[str, ...]] | None:
    """The devices as the engine found them; None of engines before 28.2, which do not tell."""
    if "DiscoveredDevices" not in info:
        return None
    told = (str(item.get("ID", "")) for item in info["DiscoveredDevices"] or () if item.get("Source") == "cdi")
    found = tuple(sorted(name for name in told if name.startswith(cdi.VENDOR)))
    return known(found, source, "" if found else "no NVIDIA device is defined")


def _defined(specs: Fact[tuple[CdiSpec, ...]], folders: tuple[str, ...]) -> Fact[tuple[str, ...]]:
    """The devices as the specifications say."""
    found = cdi.devices(specs.value or (), folders)
    return known(found, ", ".join(folders), "" if found else "no specification of NVIDIA devices")
