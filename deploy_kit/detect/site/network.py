"""The network's customs here: proxies, trusted certificates, Python package index. Values may hold credentials."""

from __future__ import annotations

import os

from deploy_kit.data import table
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import endpoint
from deploy_kit.facts import Fact, SiteFacts, known

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
_DOCKER_PROXIES = {
    "httpProxy": "http_proxy",
    "httpsProxy": "https_proxy",
    "ftpProxy": "ftp_proxy",
    "noProxy": "no_proxy",
    "allProxy": "all_proxy",
}
_CA_NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_CA_DEFAULTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_CA_ADDED = ("/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors", "/etc/pki/trust/anchors")


def observe(context: Context) -> SiteFacts:
    """Read the customs; never raises."""
    return SiteFacts(_proxies(context), _ca_bundle(context), _package_index(context))


def _proxies(context: Context) -> Fact[dict[str, str]]:
    """Those of the environment; for names it lacks, those that the docker client hands to builds."""
    entries = (endpoint.config(context).get("proxies") or {}).get("default") or {}
    found = {name: entries[key] for key, name in _DOCKER_PROXIES.items() if entries.get(key)}
    for name in _PROXIES:
        if value := context.env.get(name) or context.env.get(name.upper()):
            found[name] = value
    return known(dict(sorted(found.items())), "environment, docker client", "" if found else "no proxy set")


def _ca_bundle(context: Context) -> Fact[str | None]:
    for name in _CA_NAMES:
        path = context.env.get(name)
        if path and context.is_file(path):
            return known(path, name, _added(context))
    if (told := _pip_certificates(context)) is not None:
        return known(told[0], told[1], _added(context))
    for path in _CA_DEFAULTS:
        if context.is_file(path):
            return known(path, "the distribution's place", _added(context))
    return known(None, ", ".join(_CA_NAMES), "no bundle in any of the usual places")


def _pip_certificates(context: Context) -> tuple[str, str] | None:
    """The bundle that pip's configuration names, and the file that says so; the most particular one wins."""
    for place in reversed(_pip_files(context)):
        path = _pip_values(context, place).get("cert")
        if path and context.is_file(path):
            return path, place
    return None


def _added(context: Context) -> str:
    for folder in _CA_ADDED:
        if any(os.access(path, os.R_OK) and path.is_file() for path in context.path(folder).glob("**/*")):
            return f"certificates were added in {folder}"
    return "no certificates were added to the distribution's own"


def _package_index(context: Context) -> Fact[dict[str, str]]:
    """Settings of pip: files from general to particular, then the environment, as pip itself reads them."""
    found: dict[str, str] = {}
    sources = []
    for path in _pip_files(context):
        settings = _pip_settings(context, path)
        if settings:
            sources.append(path)
            found |= settings
    for key in table("mirrors")["pip_settings"]:
        name = "PIP_" + key.upper().replace("-", "_")
        if value := context.env.get(name):
            sources.append(name)
            found[key] = value
    return known(dict(sorted(found.items())), ", ".join(sources) or "pip configuration", "" if found else "nothing set")


def _pip_files(context: Context) -> tuple[str, ...]:
    if named := context.env.get("PIP_CONFIG_FILE"):
        return () if named == "/dev/null" else (named,)
    folder = context.env.get("XDG_CONFIG_HOME") or f"{context.home}/.config"
    return "/etc/xdg/pip/pip.conf", "/etc/pip.conf", f"{context.home}/.pip/pip.conf", f"{folder}/pip/pip.conf"


def _pip_settings(context: Context, path: str) -> dict[str, str]:
    values = _pip_values(context, path)
    return {key: values[key] for key in table("mirrors")["pip_settings"] if key in values}


def _pip_values(context: Context, path: str) -> dict[str, str]:
    """Every setting of a pip.conf that matters to an installation."""
    text = context.read(path)
    if not text:
        return {}
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {name.replace("_", "-"): " ".join(value.split()) for name, value in parser.items(section) if value}
    return found
