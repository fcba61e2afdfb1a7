"""The customs of a site as build secrets."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deploy_kit.builder import site
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import Failure
from deploy_kit.facts import SiteFacts, known
from deploy_kit.redact import redact
from deploy_kit.tools import registry

BASE = "docker.io/library/debian:bookworm-slim"
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def facts(
    proxies: dict[str, str] | None = None, ca: str | None = None, index: dict[str, str] | None = None
) -> SiteFacts:
    return SiteFacts(known(proxies or {}, "test"), known(ca, "test"), known(index or {}, "test"))


@pytest.fixture(autouse=True)
def _no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_apt_conf", lambda: None)
    monkeypatch.setattr(registry, "fetch", lambda *_, **__: registry.Answer(reached=True, status=404))


def written(tmp_path: Path, settings: BuildSettings, found: SiteFacts) -> dict[str, str]:
    return {secret.id: secret.path.read_text() for secret in site.secrets(settings, found, tmp_path)}


def test_a_plain_site_needs_no_secret(tmp_path: Path) -> None:
    assert site.secrets(BuildSettings(BASE), facts(), tmp_path) == ()


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    settings = BuildSettings(
        BASE, package_index="https://me:pw@index.example/simple", apt_mirror="http://mirror.example/debian"
    )

    for secret in site.secrets(settings, facts(), tmp_path):
        assert stat.S_IMODE(secret.path.stat().st_mode) == 0o600


def test_the_chosen_index_wins_over_the_hosts(tmp_path: Path) -> None:
    settings = BuildSettings(BASE, package_index="https://me:pw@index.example/simple")
    host = facts(index={"index-url": "https://other.example/simple", "extra-index-url": "https://more.example"})

    assert written(tmp_path, settings, host) == {
        "pip_conf": "[global]\nindex-url = https://me:pw@index.example/simple\n\n"
    }


def test_a_chosen_index_without_tls_is_not_passed_over(tmp_path: Path) -> None:
    settings = BuildSettings(BASE, package_index="http://me:pw@mirror.example:8080/simple")

    assert "trusted-host = mirror.example:8080\n" in written(tmp_path, settings, facts())["pip_conf"]


def test_of_the_hosts_pip_settings_only_those_that_make_sense_in_a_build_are_handed_on(tmp_path: Path) -> None:
    host = facts(index={"index-url": "https://a.example/simple", "cert": "/etc/ca.pem", "find-links": "/opt/wheels"})

    assert written(tmp_path, BuildSettings(BASE), host) == {
        "pip_conf": "[global]\nindex-url = https://a.example/simple\n\n"
    }


def test_a_percent_sign_in_a_password_is_kept(tmp_path: Path) -> None:
    settings = BuildSettings(BASE, package_index="https://me:p%40w@index.example/simple")

    assert "p%40w" in written(tmp_path, settings, facts())["pip_conf"]


@pytest.mark.parametrize(("status", "security"), [(200, True), (404, False), (None, False)])
def test_security_updates_come_from_the_mirrors_sibling_if_it_has_one(
    monkeypatch: pytest.MonkeyPatch, status: int | None, security: bool
) -> None:
    monkeypatch.setattr(registry, "fetch", lambda *_, **__: registry.Answer(status is not None, status=status))

    lines = site.apt_sources(BuildSettings(BASE, apt_mirror="http://mirror.example/debian/"), facts())

    assert lines is not None
    assert lines.splitlines()[0] == "deb http://mirror.example/debian bookworm main"
    assert ("deb http://mirror.example/debian-security bookworm-security main" in lines) is security


def test_the_chosen_bundle_must_hold_certificates(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")

    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(Failure) as caught:
            site.ca_bundle(BuildSettings(BASE, ca_bundle=str(path)), facts(ca="/etc/host.pem"))
        assert caught.value.finding.code == "BUILD-CA-UNREADABLE"


def test_without_a_chosen_bundle_the_hosts_is_taken(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(PEM)

    assert site.secrets(BuildSettings(BASE), facts(ca=str(bundle)), tmp_path) == (site.Secret("ca", bundle),)


@pytest.mark.parametrize(
    ("settings", "proxies", "needed"),
    [
        (BuildSettings(BASE), {}, False),
        (BuildSettings(BASE), {"https_proxy": "http://127.0.0.1:3128", "no_proxy": "localhost"}, True),
        (BuildSettings(BASE), {"https_proxy": "http://proxy.example:3128", "no_proxy": "localhost"}, False),
        (BuildSettings(BASE, package_index="https://localhost:8443/simple"), {}, True),
        (BuildSettings(BASE, apt_mirror="http://[::1]:3142/debian"), {}, True),
    ],
)
def test_the_hosts_network_is_used_only_when_something_listens_on_loopback(
    settings: BuildSettings, proxies: dict[str, str], needed: bool
) -> None:
    assert site.needs_host_network(settings, facts(proxies)) is needed


def test_passwords_are_struck_out_of_output() -> None:
    assert (
        redact("see https://me:pw@a.example/x and http://b.example")
        == "see https://***@a.example/x and http://b.example"
    )


def test_a_proxy_of_pip_and_its_patience_reach_the_build(tmp_path: Path) -> None:
    found_facts = facts(index={"proxy": "http://127.0.0.1:3128", "timeout": "300"})

    (secret,) = [found for found in site.secrets(BuildSettings("b"), found_facts, tmp_path) if found.id == "pip_conf"]

    assert "proxy = http://127.0.0.1:3128" in secret.path.read_text()
    assert "timeout = 300" in secret.path.read_text()
    assert site.needs_host_network(BuildSettings("b"), found_facts)


def test_a_proxy_of_apt_on_this_hosts_loopback_needs_the_hosts_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_apt_conf", lambda: 'Acquire::http::Proxy "http://localhost:3142";')

    assert site.needs_host_network(BuildSettings("b"), facts())


def test_a_mirror_without_security_updates_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch(url: str, **_: object) -> registry.Answer:
        asked.append(url)
        return registry.Answer(reached=False, reason="no such host")

    monkeypatch.setattr(site.registry, "fetch", fetch)
    found = site.secrets(BuildSettings("b", apt_mirror="https://me:pw@mirror.example/debian"), facts(), tmp_path)

    assert site.lacks_security(found)
    assert not any("pw" in url for url in asked)
