"""Which packages a platform gets, and how versions compare."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_kit import codec, compat
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.facts import HostFacts, PlatformFacts, known
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.hosts import FACTS


def platform(distribution: str, version: str, codename: str) -> PlatformFacts:
    plain = codec.loads(HostFacts, (FACTS / "ubuntu-2404-bare.json").read_text(encoding="utf-8")).platform
    return replace(
        plain, distribution=known(distribution, "t"), version=known(version, "t"), codename=known(codename, "t")
    )


@pytest.mark.parametrize(
    ("host", "suite", "compose"),
    [
        (("ubuntu", "20.04", "focal"), None, "docker-compose-v2"),
        (("ubuntu", "26.10", "unheard-of"), None, "docker-compose-v2"),
        (("debian", "12", "bookworm"), "trixie", "docker-compose"),
        (("debian", "13", "trixie"), None, "docker-compose"),
        (("debian", "", "sid"), None, "docker-compose"),
        (("pop", "22.04", "jammy"), None, "docker-compose-v2"),
        (("linuxmint", "6", "bookworm"), "trixie", "docker-compose"),
    ],
)
def test_a_distribution_gets_its_own_packages(host: tuple[str, str, str], suite: str | None, compose: str) -> None:
    plan = compat.packages_for(platform(*host), "engine")

    assert plan is not None
    assert plan.suite == suite
    assert compose in plan.packages
    assert "iptables" in plan.packages


@pytest.mark.parametrize("host", [("debian", "11", "bullseye"), ("ubuntu", "18.04", "bionic"), ("arch", "", "")])
def test_no_engine_is_offered_where_none_fits(host: tuple[str, str, str]) -> None:
    assert compat.packages_for(platform(*host), "engine") is None


@pytest.mark.parametrize("purpose", compat.PURPOSES)
@pytest.mark.parametrize(
    "host", [("ubuntu", "24.04", "noble"), ("debian", "12", "bookworm"), ("debian", "13", "trixie")]
)
def test_every_purpose_is_served_where_we_install(host: tuple[str, str, str], purpose: str) -> None:
    assert compat.packages_for(platform(*host), purpose) is not None


@pytest.mark.parametrize("locale", LOCALES)
def test_the_newer_c_library_is_announced(locale: str) -> None:
    plan = compat.packages_for(platform("debian", "12", "bookworm"), "engine")

    assert plan is not None
    assert plan.note is not None
    assert "libc6" in Catalogue(locale).text(plan.note.key, plan.note.args)


@pytest.mark.parametrize(
    ("version", "floor", "enough"),
    [
        ("26.1.5+dfsg1", "25.0", True),
        ("25.0", "25.0", True),
        ("25", "25.0", True),
        ("20.10.24", "25.0", False),
        ("v0.8.2", "0.10", False),
        ("0.13.1+ds1", "0.10", True),
        ("2.9.0", "2.20.2", False),
        ("dev", "0.1", False),
    ],
)
def test_versions_compare_by_number(version: str, floor: str, enough: bool) -> None:
    assert at_least(version, floor) is enough


def test_a_version_is_its_leading_numbers() -> None:
    assert numbers("github.com/docker v2.26.1-4") == (2, 26, 1)


def test_a_host_is_what_its_apt_installs_from_whatever_os_release_says() -> None:
    """The newer C library replaces base-files, so a Debian 12 that got Debian 13's engine calls itself Debian 13."""
    changed = replace(platform("debian", "13", "trixie"), suites=known(("bookworm", "bookworm-updates"), "apt sources"))

    plan = compat.packages_for(changed, "engine")

    assert plan is not None
    assert (plan.suite, plan.release) == ("trixie", "bookworm")
