# ruff: noqa: INP001 - a script, copied alone into a build
"""Take out of an engine's environment what no engine loads, compile the rest. Runs while an image is built.

Usage: ``python slim_engine.py ENVIRONMENT [LAYERS]``. With LAYERS, torch and the CUDA libraries move there, each below
a folder of its own (``torch``, ``cuda``) at the place where it stood, so that each becomes one layer of the image.
Needs ``strip`` of binutils on PATH for libraries that carry debugging data; standard library else.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
from pathlib import Path

import elf
import slim

FOLDERS = ("torch/include", "torch/share", "nvidia/*/include", "nvidia/*/bin", "nvidia/*/src")
"""Headers, build files and compilers' helpers: only for building extensions."""
PROGRAMS = ("torch/bin/protoc*",)
SUFFIXES = (".a", ".h", ".hpp", ".cuh", ".cu", ".pdb")
ON_DEMAND = (
    "libcudnn_*.so.*",  # cuDNN opens its parts when it needs them
    "libnvrtc-builtins.so.*",  # opened by nvrtc
)
"""CUDA libraries that are needed though no other library names them."""

OPTIONAL = ("torchaudio/lib/*.so", "torio/lib/*.so", "numba/np/ufunc/tbbpool*.so", "numba/np/ufunc/omppool*.so")
"""Native parts that their packages do without. Where nobody brings what they need, they could never be opened."""

CUDA = ("nvidia", "nvidia_*.dist-info")
"""What makes the layer of CUDA libraries; the rest of that environment is the layer of torch."""


def slim_engine(environment: Path, layers: Path | None = None) -> None:
    """Remove, strip, compile, and part into layers; all files get one time."""
    packages = next(environment.glob("lib/python3*/site-packages"))
    _remove(packages, environment / "bin")
    for library in elf.libraries(packages):
        if ".debug_info" in elf.sections(library):
            subprocess.run(("strip", "--strip-debug", str(library)), check=True)
    slim.slim(environment)
    if layers is not None:
        _part(packages, layers)


def _remove(packages: Path, scripts: Path) -> None:
    for found in (path for pattern in FOLDERS for path in packages.glob(pattern)):
        shutil.rmtree(found)
    for found in (path for pattern in PROGRAMS for path in packages.glob(pattern)):
        found.unlink()
    for found in packages.rglob("*"):
        if found.suffix in SUFFIXES or (found.suffix == ".pyi" and not _is_read(found)):
            found.unlink()
    for found in unneeded(packages):
        found.unlink()
    while lost := useless(packages):
        for found in lost:
            found.unlink()
    for script in scripts.iterdir():
        if not script.name.startswith("python"):
            script.unlink()


def unneeded(packages: Path) -> list[Path]:
    """CUDA libraries below ``nvidia`` that nothing needs: another build of a library, tools."""
    found = {path: elf.dynamic(path) for path in elf.libraries(packages)}
    spare = {path for path in found if path.is_relative_to(packages / "nvidia")}
    kept = {path for path in spare if any(fnmatch.fnmatch(path.name, pattern) for pattern in ON_DEMAND)}
    waiting = [path for path in found if path not in spare or path in kept]
    by_name = {found[path][1]: path for path in spare}
    while waiting:
        for name in found[waiting.pop()][0]:
            if (path := by_name.get(name)) is not None and path not in kept:
                kept.add(path)
                waiting.append(path)
    return sorted(spare - kept)


def useless(packages: Path) -> list[Path]:
    """Optional native parts that need what nobody brings."""
    optional = {path for pattern in OPTIONAL for path in packages.glob(pattern)}
    return sorted({path for path, _ in elf.missing(packages)} & optional)


def _is_read(stub: Path) -> bool:
    """A package may read its own stub to know what to import when."""
    init = stub.with_suffix(".py")
    return init.is_file() and "attach_stub" in init.read_text(encoding="utf-8", errors="replace")


def _part(packages: Path, layers: Path) -> None:
    for layer, patterns in (("cuda", CUDA), ("torch", ("*",))):
        into = layers / layer / packages.relative_to("/")
        into.mkdir(parents=True)
        for found in sorted(path for pattern in patterns for path in packages.glob(pattern)):
            found.rename(into / found.name)
        for path in (layers / layer, *(layers / layer).rglob("*")):
            if path.is_dir():
                os.utime(path, (slim.TIMESTAMP, slim.TIMESTAMP))


if __name__ == "__main__":
    slim_engine(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
