"""Secure Boot, what waits for a restart, and the module on disk for the kernel that runs."""

from __future__ import annotations

import re

from deploy_kit import proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.machine.platform import os_release
from deploy_kit.facts import Fact, known, unknown

_SECONDS = 3.0
_FIRMWARE = "/sys/firmware/efi"
_VARIABLES = f"{_FIRMWARE}/efivars"
_SECURE = f"{_VARIABLES}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_LENIENT = f"{_VARIABLES}/MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23"
"""Where the first loader notes that it checks no signatures, whatever the firmware wants."""
_NOTES = ("/run/reboot-required", "/var/run/reboot-required")
_FLAGS = ("/run/reboot-needed", "/boot/do_purge_kernels")
_MODULES = "/lib/modules"
_FILE_NAME = r"nvidia(?:-current|-legacy[\w-]*|-tesla[\w-]*|-\d+[\w-]*|-open)?\.ko(?:\.\w+)?"
_FILE = re.compile(_FILE_NAME)
_LISTED = re.compile(rf"(?m)^(?:[^:\n]*/)?({_FILE_NAME}):")
_ADDED = ("updates/dkms", "updates", "extra", "weak-updates", "kernel", "misc")
"""Where modules lie that did not come with the kernel; drivers of distributions have a folder of their own there."""
_DEPTH_ONE = ("extra", "kernel", "weak-updates", "updates")


def secure(context: Context) -> Fact[bool]:
    """Whether the firmware refuses unsigned modules: from its own variables, else by `mokutil`."""
    if not context.exists(_FIRMWARE):
        return known(False, _FIRMWARE, "no UEFI")
    value = _variable(context, _SECURE)
    if value is None:
        return _asked(context)
    if value == 1 and _variable(context, _LENIENT) == 1:
        return known(False, _LENIENT, "the loader checks no signatures")
    return known(value == 1, _SECURE)


def _variable(context: Context, path: str) -> int | None:
    """The one byte after four of attributes."""
    data = context.read_bytes(path, 8) or b""
    return data[4] if len(data) == 5 else None


def _asked(context: Context) -> Fact[bool]:
    source = "mokutil --sb-state"
    try:
        answer = context.run(("mokutil", "--sb-state"), timeout=_SECONDS, check=False)
    except proc.CommandError as error:
        return unknown(_SECURE, f"cannot be read; {error}")
    text = f"{answer.stdout}\n{answer.stderr}".strip()
    match = re.search(r"SecureBoot (enabled|disabled)", text)
    if match is None:
        return unknown(source, text.splitlines()[0][:200] if text else "no answer")
    lenient = "validation is disabled" in text
    return known(match[1] == "enabled" and not lenient, source, "the loader checks no signatures" if lenient else "")


def restart(context: Context) -> Fact[tuple[str, ...]]:
    """The packages that wait for a restart; ``?`` where only that one is due is noted."""
    for note in _NOTES:
        if context.exists(note):
            names = (context.read(f"{note}.pkgs") or "").split()
            return known(tuple(dict.fromkeys(names)) or ("?",), f"{note}.pkgs" if names else note)
    if flag := next((path for path in _FLAGS if context.exists(path)), None):
        return known(("?",), flag)
    newer = _newer_kernel(context)
    if newer:
        return known((f"kernel {newer}",), _MODULES, f"newer than {_running(context)}, which runs")
    return known((), _NOTES[0], "no such note")


def _newer_kernel(context: Context) -> str | None:
    """On systems that leave no note: a kernel of the same flavour that was installed after the one that runs."""
    fields = os_release(context)
    names = {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()}
    running, installed = _running(context), context.names(_MODULES)
    replaced = "arch" in names  # there the new kernel takes the place of the old one
    if names & {"debian", "ubuntu"} or (running not in installed and not replaced):
        return None
    whole = [name for name in installed if context.exists(f"{_MODULES}/{name}/modules.dep")]
    alike = [name for name in whole if _flavour(name) == _flavour(running)]
    newest = max(alike, key=_order, default=running)
    return newest if _order(newest) > _order(running) else None


def _flavour(release: str) -> str:
    """A kernel's name without its numbers (``.fc.x_``, ``-default``)."""
    return re.sub(r"\d+", "", release).strip(".-")


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d{1,15}", release)[:12])


def _running(context: Context) -> str:
    return (context.read("/proc/sys/kernel/osrelease") or context.kernel.uname().release).strip()


def module_built(context: Context) -> Fact[bool]:
    """Whether the running kernel has an NVIDIA module on disk."""
    folder = f"{_MODULES}/{_running(context)}"
    if not context.exists(folder):
        others = ", ".join(context.names(_MODULES)[-3:])
        if others:
            return known(False, folder, f"its modules are gone; there are those of {others}")
        return unknown(_MODULES, "no modules of any kernel here")
    listed = context.read(f"{folder}/modules.dep")
    if match := _LISTED.search(listed or ""):
        return known(True, f"{folder}/modules.dep", match[1])
    if found := _on_disk(context, folder):
        return known(True, found, "" if listed is None else "not in modules.dep yet")
    return known(False, folder, "no nvidia.ko")


def _on_disk(context: Context, folder: str) -> str | None:
    places = [f"{folder}/{name}" for name in _ADDED]
    places += [f"{folder}/{name}/{inner}" for name in _DEPTH_ONE for inner in context.names(f"{folder}/{name}")
               if "nvidia" in inner and ".ko" not in inner]  # fmt: skip
    found = (f"{place}/{name}" for place in places for name in context.names(place) if _FILE.fullmatch(name))
    return next(found, None)
