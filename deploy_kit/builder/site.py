"""What a build needs of its site (certificates, index, mirror, proxies), as secrets that leave no trace in an image."""

from __future__ import annotations

import configparser
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy_kit import data, proc
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import fail
from deploy_kit.facts import SiteFacts
from deploy_kit.redact import redact
from deploy_kit.tools import registry

_APT_PROXY = re.compile(r'^Acquire::(?:http|https)::Proxy(?:::\S+)? ".+";$')
_SECURITY = "-security"
_LOOPBACK = ("localhost", "127.", "::1")
_URL = re.compile(r"https?://[^\s\";]+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A build secret: its id in the Dockerfile and the file that holds it."""

    id: str
    path: Path


def ca_bundle(settings: BuildSettings, site: SiteFacts) -> str | None:
    """The PEM file of trusted certificates: the one chosen, else the host's own.

    Raises:
        Failure: BUILD-CA-UNREADABLE when the chosen one cannot be read or holds no certificate.
    """
    if settings.ca_bundle is None:
        return site.ca_bundle.value
    try:
        text = Path(settings.ca_bundle).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise fail("BUILD-CA-UNREADABLE", settings.ca_bundle, reason=error.strerror) from None
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise fail("BUILD-CA-UNREADABLE", settings.ca_bundle, reason="no certificate in it")
    return settings.ca_bundle


def apt_sources(settings: BuildSettings, site: SiteFacts) -> str | None:
    """The sources for apt at the chosen mirror, or None. Security updates come from its sibling, if it has one."""
    if settings.apt_mirror is None:
        return None
    mirror, suite = settings.apt_mirror.rstrip("/"), data.table("base")["suite"]
    lines = [f"deb {mirror} {suite} main", f"deb {mirror} {suite}-updates main"]
    sibling = f"{mirror}{_SECURITY}"
    question = redact(f"{sibling}/dists/{suite}-security/InRelease", "")  # a password is for apt, not for this question
    answer = registry.fetch(question, proxies=site.proxies.value or {})
    if answer.status is not None and answer.status < 400:
        lines.append(f"deb {sibling} {suite}-security main")
    return "\n".join([*lines, ""])


def lacks_security(secrets: tuple[Secret, ...]) -> bool:
    """Whether Debian's packages come from a mirror that gave no security updates to go with them."""
    sources = next((secret.path for secret in secrets if secret.id == "apt_sources"), None)
    return sources is not None and _SECURITY not in sources.read_text(encoding="utf-8")


def torch_index(settings: BuildSettings, site: SiteFacts, variant: str) -> str | None:
    """The indexes that hold a variant's torch, beside the ordinary one, separated by spaces; None where that has it.

    The host's own further indexes stand before, since this replaces them.
    """
    row = data.table("matrix")["variants"].get(variant, {})
    if row.get("index") != "pytorch":
        return None
    chosen = settings.torch_index or data.table("engine_source")["torch_index"]
    known = (site.package_index.value or {}).get("extra-index-url", "") if settings.package_index is None else ""
    return " ".join([*known.split(), chosen.replace("{variant}", variant)])


def secrets(settings: BuildSettings, site: SiteFacts, folder: Path, variant: str = "core") -> tuple[Secret, ...]:
    """Write the secrets of a build into a private folder, each readable by its owner only.

    Raises:
        Failure: BUILD-CA-UNREADABLE.
    """
    contents = {
        "apt_sources": apt_sources(settings, site),
        "apt_conf": _apt_conf(),
        "pip_conf": _pip_conf(settings, site),
        "torch_index": torch_index(settings, site, variant),
    }
    found = []
    for name, content in contents.items():
        if content:
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(content, encoding="utf-8")
            found.append(Secret(name, path))
    bundle = ca_bundle(settings, site)
    return (*found, Secret("ca", Path(bundle))) if bundle is not None else tuple(found)


def proxy_environment(site: SiteFacts) -> dict[str, str]:
    """The proxy variables to hand on by name, so that no process list shows their values."""
    return dict(site.proxies.value or {})


def needs_host_network(settings: BuildSettings, site: SiteFacts) -> bool:
    """Whether something listens on this host's loopback only, where an ordinary build container cannot reach it."""
    proxies = (value for name, value in proxy_environment(site).items() if name.lower() != "no_proxy")
    texts = (settings.torch_index, settings.apt_mirror, _pip_conf(settings, site), _apt_conf(), *proxies)
    return any(_loopback(url) for text in texts if text for url in _URL.findall(text))


def _loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "").startswith(_LOOPBACK)


def _apt_conf() -> str | None:
    """The proxies of the host's own apt configuration."""
    try:
        lines = proc.run(("apt-config", "dump"), timeout=5).stdout.splitlines()
    except proc.CommandError:
        return None  # no Debian: nothing to hand on
    return "\n".join(text for text in lines if _APT_PROXY.match(text))


def _pip_conf(settings: BuildSettings, site: SiteFacts) -> str | None:
    """The host's own settings for pip (`mirrors.json` names those that make sense in a build), or the chosen index."""
    known = site.package_index.value or {}
    values = {key: known[key] for key in data.table("mirrors")["pip_settings"] if key in known}
    if settings.package_index is not None:
        values = {"index-url": settings.package_index} | _trusted(settings.package_index)
    return _ini(values) if values else None


def _trusted(index: str) -> dict[str, str]:
    """An index without TLS chosen by name is meant: pip would pass it over. Its files must fit the lock."""
    url = urlsplit(index)
    return {"trusted-host": url.netloc.rpartition("@")[2]} if url.scheme == "http" else {}


def _ini(values: Mapping[str, str]) -> str:
    parser = configparser.RawConfigParser()
    parser["global"] = dict(sorted(values.items()))
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()
