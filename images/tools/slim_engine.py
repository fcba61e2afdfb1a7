# ruff: noqa: INP001 - a script, copied alone into a build
"""Take out of an engine's environment what no engine loads, compile the rest. Runs while an image is built.

Usage: ``python slim_engine.py ENVIRONMENT [LAYERS]``. With LAYERS, torch and the CUDA libraries move there, each below
a folder of its own (``torch``, ``cuda``) at the place where it stood, so that each becomes one layer of the image.
Debugging data goes where ``strip`` of binutils is on PATH; standard library else.
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
import stub_library

FOLDERS = ("torch/include", "torch/share", "nvidia/*/include", "nvidia/*/bin", "nvidia/*/src")
"""Headers, build files and compilers' helpers: only for building extensions."""
PROGRAMS = ("torch/bin/protoc*", "torch/lib/libtorch_cuda_linalg.so")
"""A compiler of builds, and linear algebra on a GPU (torch.linalg): opened at its first use, and no engine uses it."""

UNCALLED = {
    "libnccl.so.*": 5,  # ncclInvalidUsage; talks to other GPUs: a worker has one
    "libcurand.so.*": 0,  # PyTorch has its own generators and asks no function of it
    "libcusparse.so.*": 10,  # CUSPARSE_STATUS_NOT_SUPPORTED; sparse matrices
    "libcusparseLt.so.*": 10,  # likewise; half-empty weights
}
"""Libraries that PyTorch is linked against and no engine calls, with what their stand-ins answer: see `stub_library`.
Together they are a third of all bytes."""

SUFFIXES = (".a", ".h", ".hpp", ".cuh", ".cu", ".pdb")
ON_DEMAND = (
    "libcudnn_*.so.*",  # cuDNN opens its parts when it needs them
    "libnvrtc-builtins.so.*",  # opened by nvrtc
    "libnvJitLink.so.*",  # opened by cuFFT
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
    for library in elf.libraries(packages) if shutil.which("strip") else ():
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
    for pattern, status in UNCALLED.items():
        for found in packages.glob(f"nvidia/*/lib/{pattern}"):
            _stub(found, packages, status)
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


def _stub(library: Path, packages: Path, status: int) -> None:
    """Put what declines in a library's place, with what the others ask of it. Its package's metadata goes,
    so that a bill of materials stays true."""
    own = elf.dynamic(library)[1]
    users = [path for path in elf.libraries(packages) if own in elf.dynamic(path)[0]]
    asked = frozenset[str]().union(*(elf.symbols(path)[1] for path in users))
    # Only its own plain C names: such libraries also carry copies of the C++ library's, which must stay that one's.
    functions = {name for name in asked & elf.symbols(library)[0] if not name.startswith("_")}
    library.write_bytes(stub_library.build(own, functions, status, elf.version(library)))
    package = library.relative_to(packages).parts[1]
    for metadata in packages.glob(f"nvidia_{package}_*.dist-info"):
        shutil.rmtree(metadata)


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
