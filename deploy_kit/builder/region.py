"""Mirrors for a region of the world, for whatever the user left open."""

from __future__ import annotations

import dataclasses

from deploy_kit import data
from deploy_kit.config.request import BuildSettings


def with_preset(settings: BuildSettings, region: str) -> BuildSettings:
    """The settings with the region's mirrors filled in where the user chose nothing. Mirrors are never hashed."""
    preset = data.table("mirrors")["regions"][region]
    return dataclasses.replace(
        settings,
        base_mirrors=settings.base_mirrors or tuple(preset.get("base_mirrors", ())),
        apt_mirror=settings.apt_mirror or preset.get("apt_mirror"),
        package_index=settings.package_index or preset.get("package_index"),
    )
