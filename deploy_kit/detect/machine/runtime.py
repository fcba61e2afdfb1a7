"""What programs find at run time: the C++ library, and a folder for temporary files that programs may run from."""

from __future__ import annotations

import os
import re
import tempfile

from deploy_kit.detect.machine import loader, mounts
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, known, unknown

_CXX = "libstdc++.so.6"
_CXX_BYTES = 32 << 20
_SYMBOL = re.compile(rb"GLIBCXX_3\.4\.(\d{1,3})\0")
_TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108  # Python's own list


def glibcxx(context: Context) -> Fact[str | None]:
    """The newest symbol version of the C++ library that the loader takes, read from the file's names of versions."""
    path = next((path for path in loader.find(context, _CXX) if loader.fits(context, path)), None)
    if path is None:
        return known(None, _CXX, "no such library for this machine")
    found = _SYMBOL.findall(context.read_bytes(context.resolve(path), _CXX_BYTES) or b"")
    if not found:
        return unknown(path, "no versions in it")
    return known(f"3.4.{max(int(number) for number in found)}", path)


def temporary(context: Context) -> Fact[str | None]:
    """The folder that Python will take, when programs may run from it; else the next that would do."""
    named = [context.env[name] for name in ("TMPDIR", "TEMP", "TMP") if context.env.get(name, "").startswith("/")]
    refused: list[str] = []
    for folder in dict.fromkeys((*named, *_TEMPORARY)):
        trouble = _trouble(context, folder)
        if not trouble:
            return known(folder, "temporary folders", "; ".join(refused))
        refused.append(f"{folder}: {trouble}")
    return known(None, "temporary folders", "; ".join(refused))


def _trouble(context: Context, folder: str) -> str:
    place = context.path(context.resolve(folder))
    if not os.path.isdir(place):  # noqa: PTH112  # pathlib raises where a parent may not be searched
        return "no folder"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return error.strerror or str(error)
    mount = mounts.of(context, folder)
    return "mounted noexec" if mount and "noexec" in mount.options else ""
