"""Mirrors for a region of the world, for whatever neither the user nor the host has settled."""

from __future__ import annotations

import dataclasses

from deploy_kit import data
from deploy_kit.config.request import BuildSettings
from deploy_kit.facts import SiteFacts


def with_preset(settings: BuildSettings, region: str, site: SiteFacts) -> BuildSettings:
    """The settings with the region's mirrors filled in where nothing was chosen. Mirrors are never hashed.

    An index that the host's own pip is set to stays: it may be the only one that is allowed here.
    """
    preset = data.table("mirrors")["regions"][region]
    index = None if "index-url" in (site.package_index.value or {}) else preset.get("package_index")
    return dataclasses.replace(
        settings,
        base_mirrors=settings.base_mirrors or tuple(preset.get("base_mirrors", ())),
        apt_mirror=settings.apt_mirror or preset.get("apt_mirror"),
        package_index=settings.package_index or index,
        torch_index=settings.torch_index or preset.get("torch_index"),
        engine_archives=settings.engine_archives or tuple(preset.get("engine_archives", ())),
    )
