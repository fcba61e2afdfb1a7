"""Windows: which one, and how it was started. Asked through `reg`, which every edition has, WinPE too."""

from __future__ import annotations

import re

from deploy_kit import proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, known, unknown

_SECONDS = 3.0
_CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_PE_KEYS = (rf"{_CONTROL}\MiniNT", rf"{_VERSION}\WinPE")
_SAFE_KEY = rf"{_CONTROL}\SafeBoot\Option"
_ELEVEN = 22000


def pe(context: Context) -> Fact[bool]:
    """Whether this is Windows PE, the system of setup and rescue media, which must never load a graphics driver."""
    for key in _PE_KEYS:
        if _query(context, key):
            return known(True, key)
    drive = context.env.get("SystemDrive") or context.env.get("SYSTEMDRIVE") or ""
    root = context.env.get("SystemRoot") or context.env.get("windir") or ""
    if drive.upper() == "X:" or root.upper().startswith("X:"):
        return known(True, f"SystemDrive={drive or root[:2]}")
    return known(False, _PE_KEYS[0], "no such key")


def safe_mode(context: Context) -> Fact[bool]:
    """Whether Windows was started without its drivers."""
    if option := context.env.get("SAFEBOOT_OPTION"):
        return known(True, f"SAFEBOOT_OPTION={option}")
    if _query(context, _SAFE_KEY):
        return known(True, _SAFE_KEY)
    return known(False, "SAFEBOOT_OPTION", "not set")


def bars_drivers(context: Context) -> str:
    """Why the graphics driver must not even be spoken to; empty where it may be."""
    if pe(context).value:
        return "Windows PE"
    return "Windows in Safe Mode" if safe_mode(context).value else ""


def version(context: Context) -> Fact[str]:
    """``10.0.22631``: the last part is the build; from 22000 on it is Windows 11."""
    build = _value(context, "CurrentBuildNumber")
    if build is None:
        release = context.kernel.uname().release
        known_part = re.fullmatch(r"\d+\.\d+\.\d+", release)
        return known(release, "Windows version") if known_part else unknown(_VERSION, "no CurrentBuildNumber")
    major, minor = (_value(context, f"Current{part}VersionNumber") for part in ("Major", "Minor"))
    if major is None:  # before Windows 10
        return known(f"{_value(context, 'CurrentVersion') or '6.1'}.{build}", rf"{_VERSION}\CurrentVersion")
    return known(f"{_number(major)}.{_number(minor or '0')}.{build}", rf"{_VERSION}\CurrentBuildNumber")


def name(context: Context, release: Fact[str]) -> Fact[str]:
    """What the edition calls itself. The registry of Windows 11 still says 10."""
    text = _value(context, "ProductName")
    if text is None:
        return unknown(_VERSION, "no ProductName")
    build = (release.value or "").rpartition(".")[2]
    if build.isdecimal() and int(build) >= _ELEVEN:
        text = text.replace("Windows 10", "Windows 11")
    return known(text, rf"{_VERSION}\ProductName")


def _value(context: Context, wanted: str) -> str | None:
    """A value as `reg` prints it; numbers are hexadecimal there."""
    text = _query(context, _VERSION, "/v", wanted)
    match = re.search(rf"(?m)^\s*{wanted}\s+REG_(?:SZ|DWORD)\s+(\S.*?)\s*$", text)
    return match[1] if match else None


def _number(text: str) -> int:
    return int(text, 16) if re.fullmatch("(0x)?[0-9a-fA-F]+", text) else 0


def _query(context: Context, key: str, *options: str) -> str:
    """What `reg` prints of a key, empty where there is no such key."""
    try:
        answer = context.run(("reg", "query", key, *options), timeout=_SECONDS, check=False)
    except proc.CommandError:
        return ""
    return (answer.stdout.strip() or key) if answer.ok else ""
