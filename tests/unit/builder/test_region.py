"""Mirrors of a region fill what the user left open, and only that."""

from __future__ import annotations

from deploy_kit.builder.region import with_preset
from deploy_kit.config.request import BuildSettings

PLAIN = BuildSettings("docker.io/library/debian:bookworm-slim")


def test_the_whole_world_needs_no_mirror() -> None:
    assert with_preset(PLAIN, "global") == PLAIN


def test_china_gets_mirrors_for_all_three() -> None:
    chosen = with_preset(PLAIN, "cn")

    assert chosen.base == PLAIN.base
    assert chosen.base_mirrors
    assert chosen.apt_mirror
    assert chosen.package_index


def test_what_the_user_chose_stays() -> None:
    mine = BuildSettings(PLAIN.base, ("m.example",), "http://a.example/debian", "https://i.example/simple", "/ca.pem")

    assert with_preset(mine, "cn") == mine
