"""Mirrors of a region fill what the user left open, and only that."""

from __future__ import annotations

from deploy_kit.builder.region import with_preset
from deploy_kit.config.request import BuildSettings
from deploy_kit.facts import SiteFacts, known

SITE = SiteFacts(known({}, "test"), known(None, "test"), known({}, "test"))
PLAIN = BuildSettings("docker.io/library/debian:bookworm-slim")


def test_the_whole_world_needs_no_mirror() -> None:
    assert with_preset(PLAIN, "global", SITE) == PLAIN


def test_china_gets_mirrors_for_all() -> None:
    chosen = with_preset(PLAIN, "cn", SITE)

    assert chosen.base == PLAIN.base
    assert chosen.base_mirrors
    assert chosen.apt_mirror
    assert chosen.package_index
    assert chosen.torch_index
    assert chosen.engine_archives


def test_what_the_user_chose_stays() -> None:
    mine = BuildSettings(
        PLAIN.base,
        ("m.example",),
        "http://a.example/debian",
        "https://i.example/simple",
        "/ca.pem",
        torch_index="https://t.example/{variant}",
        engine_archives=("https://e.example/{commit}.zip",),
    )

    assert with_preset(mine, "cn", SITE) == mine


def test_an_index_that_the_host_is_set_to_stays_in_force() -> None:
    host = SiteFacts(SITE.proxies, SITE.ca_bundle, known({"index-url": "https://company.example/simple"}, "test"))

    assert with_preset(PLAIN, "cn", host).package_index is None
