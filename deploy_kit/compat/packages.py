"""Which packages of the distribution give us what: a lookup in `data/engine_packages.json`, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deploy_kit.compat.versions import at_least
from deploy_kit.data import table
from deploy_kit.facts import PlatformFacts
from deploy_kit.findings import Message

PURPOSES = ("engine", "bootstrap", "speech", "venv")


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """Packages to install with apt.

    Attributes:
        packages: Package names, in the order in which they are asked for.
        suite: The distribution's suite to take them from when its own has none fit for us, else None.
        note: What the user should know before saying yes.
        pinned: The packages that may keep coming from ``suite``, so that they get its security fixes.
        release: The codename of the release that the host itself runs.
    """

    packages: tuple[str, ...]
    suite: str | None = None
    note: Message | None = None
    pinned: tuple[str, ...] = ()
    release: str = ""


def packages_for(platform: PlatformFacts, purpose: str) -> PackagePlan | None:
    """The packages for a purpose (one of `PURPOSES`) on this distribution; None when we know of none."""
    family = family_of(platform)
    entry = family["purposes"].get(purpose) if family else None
    if entry is None:
        return None
    note = Message.of(entry["note"], suite=entry["suite"]) if "note" in entry else None
    pinned = tuple(entry.get("pinned", ()))
    return PackagePlan(tuple(entry["packages"]), entry.get("suite"), note, pinned, _release(platform, family or {}))


def family_of(platform: PlatformFacts) -> Mapping[str, Any] | None:
    """The table's entry for a platform: by distribution and version, else by the codename a derivative builds on."""
    families = table("engine_packages")["families"]
    suites = platform.suites.value or ()
    for family in families:
        if _by_version(family, platform) and (not suites or set(suites) & set(family["codenames"])):
            return dict(family)
    for family in families:  # the host installs from another release than os-release tells
        if platform.distribution.value in family["distributions"] and set(suites) & set(family["codenames"]):
            return dict(family)
    for family in families:
        if _by_version(family, platform):
            return dict(family)
    for family in families:
        if platform.codename.value in family["codenames"]:
            return dict(family)
    return None


def _release(platform: PlatformFacts, family: Mapping[str, Any]) -> str:
    """The codename of the release that the host installs from."""
    installed = [suite for suite in platform.suites.value or () if suite in family.get("codenames", ())]
    codename = platform.codename.value or ""
    return codename if codename in installed or not installed else installed[0]


def _by_version(family: Mapping[str, Any], platform: PlatformFacts) -> bool:
    lowest = family["distributions"].get(platform.distribution.value)
    version = platform.version.value
    if lowest is None or not version:
        return False
    return at_least(version, lowest) and not ("below" in family and at_least(version, family["below"]))


def plugins_for(platform: PlatformFacts, package: str | None, names: tuple[str, ...]) -> PackagePlan | None:
    """The packages of the docker client's plug-ins ``names``, fitting the package that the engine came from.

    The vendor's packages and the distribution's do not mix; a snap brings its own plug-ins.
    """
    family = family_of(platform)
    if family is None or package == "snap":
        return None
    if package == "docker-ce":
        vendor = table("compat")["vendor_plugins"]
        return PackagePlan(tuple(vendor[name] for name in names), release=platform.codename.value or "")
    plan = packages_for(platform, "engine")
    if plan is None:
        return None
    return replace(plan, packages=tuple(family["plugins"][name] for name in names))
