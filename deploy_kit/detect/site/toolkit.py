"""NVIDIA's container toolkit on this host: its version, its configuration, and the service that renews CDI."""

from __future__ import annotations

import re

from deploy_kit import proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, known, not_asked, unknown

_STATUS = "/var/lib/dpkg/status"
_PACKAGES = ("nvidia-container-toolkit", "nvidia-container-toolkit-base")
_CONFIG = "nvidia-container-runtime/config.toml"
_SECTION = re.compile(r"^\s*\[+\s*([^\]]*?)\s*\]+\s*(?:#.*)?$")
_PAIR = re.compile(r"""^\s*["']?([\w.-]+)["']?\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s#]+))""")
_MODE, _NO_CGROUPS = "nvidia-container-runtime.mode", "nvidia-container-cli.no-cgroups"
_DEFAULT_MODE = "auto"
_UNITS = ("nvidia-cdi-refresh.service", "nvidia-cdi-refresh.path")
_PROPERTIES = "--property=ActiveState,LoadState,Result"
_UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_SECONDS = 2.0


def version(context: Context) -> Fact[str | None]:
    """From the package database, where that can be read; else from the program itself."""
    if found := _packed(context):
        return known(found, "dpkg")
    program = context.which("nvidia-ctk")
    if program is None:
        return known(None, "PATH", "no nvidia-ctk")
    source = "nvidia-ctk --version"
    try:
        answer = context.run((program, "--version"), timeout=_SECONDS)
    except proc.CommandError as error:
        return unknown(source, str(error))
    match = re.search(r"version\s+v?(\d+\.\d+[\w.~+-]*)", answer.stdout)
    return known(match[1], source) if match else unknown(source, "it tells no version")


def _packed(context: Context) -> str | None:
    """What dpkg says: one file of a few megabytes, read only when the package is on its list."""
    for package in _PACKAGES:
        if not context.path(f"/var/lib/dpkg/info/{package}.list").exists():
            continue
        text = "\n" + (context.read(_STATUS) or "")
        start = text.find(f"\nPackage: {package}\n")
        stanza = text[start : text.find("\n\n", start)] if start >= 0 else ""
        match = re.search(r"^Version: (?:\d+:)?([^\s-]+)", stanza, re.MULTILINE)
        if match and "\nStatus: install ok installed" in stanza:
            return match[1]
    return None


def configuration(context: Context, *, installed: bool, rootless: bool) -> tuple[Fact[str | None], Fact[bool]]:
    """The runtime's ``mode`` and the hook's ``no-cgroups``, each with the toolkit's default where nothing is set.

    A rootless engine's hook looks into the user's folder of settings when that is named in the environment; the
    system's never does.
    """
    path = f"/etc/{_CONFIG}"
    own = context.env.get("XDG_CONFIG_HOME")
    if rootless and own and context.is_file(f"{own}/{_CONFIG}"):
        path = f"{own}/{_CONFIG}"
    text = context.read(path)
    if text is None:
        if context.path(path).exists():
            return unknown(path, "cannot be read"), unknown(path, "cannot be read")
        if not installed:
            return known(None, path, "no toolkit"), not_asked("no toolkit")
        return known(_DEFAULT_MODE, path, "no such file: the default"), known(False, path, "no such file: the default")
    values = settings(text)
    mode, cgroups = values.get(_MODE), values.get(_NO_CGROUPS)
    return (
        known(mode or _DEFAULT_MODE, path, "" if mode else "not set: the default"),
        known(cgroups == "true", path, "" if cgroups else "not set: the default"),
    )


def settings(text: str) -> dict[str, str]:
    """The plain values of a TOML file by section and key (``section.key``): Python 3.10 has no reader of its own."""
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if match := _SECTION.match(line):
            section = re.sub(r"[\"'\s]", "", match[1])
        elif match := _PAIR.match(line):
            value = next((one for one in match.groups()[1:] if one is not None), "")
            found[f"{section}.{match[1]}" if section else match[1]] = value
    return found


def refresh(context: Context) -> Fact[str | None]:
    """The state of the service that renews the specification: ``failed`` when its last run failed, ``active`` when it
    watches, else systemd's word; None where there is none."""
    if not context.path("/run/systemd/system").is_dir():
        return not_asked("no systemd")
    if not any(context.path(f"{folder}/{unit}").exists() for folder in _UNIT_FOLDERS for unit in _UNITS):
        return known(None, _UNITS[0], "no such unit")
    source = f"systemctl show {_UNITS[0]}"
    try:
        answer = context.run(("systemctl", "show", _PROPERTIES, *_UNITS), timeout=_SECONDS)
    except proc.CommandError as error:
        return unknown(source, str(error))
    rows = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in answer.stdout.split("\n\n")]
    rows = [row for row in rows if row.get("LoadState")]
    if not rows:
        return unknown(source, "no answer")
    if all(row["LoadState"] != "loaded" for row in rows):
        masked = any(row["LoadState"] == "masked" for row in rows)
        return known("masked" if masked else None, source, rows[0]["LoadState"])
    states = [row.get("ActiveState", "") for row in rows if row["LoadState"] == "loaded"]
    for state in ("failed", "activating", "active"):
        if state in states:
            broken = next((row.get("Result", "") for row in rows if row.get("ActiveState") == state), "")
            return known(state, source, f"result: {broken}" if state == "failed" else "")
    return known(states[0] or None, source)
