# ruff: noqa: INP001 - a script: copied alone into a build, and into a running container by `verify`
"""Check an engine's environment from inside: what it was built for, what it holds, whether all it loads is there.

Usage: ``ENVIRONMENT/bin/python check_engine.py EXPECTED``, where EXPECTED is JSON: ``{"torch": "2.8.0", "cuda": "12.8",
"arch_list": ["7.0", …], "source": true}``; a key that is missing or, for ``torch``, null, is not compared. Prints what
was found as JSON, with a list of problems; exits 1 when there are any. Standard library only, before torch itself.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elf import HOST_LIBRARIES, dynamic, libraries, missing

CUDA_LIBRARY = re.compile(
    r"lib(?:cublas|cuda|cudnn|cufft|cufile|cupti|curand|cusolver|cusparse|cutensor"
    r"|nccl|nvblas|nvrtc|nvJitLink|nvToolsExt|nvperf|nvshmem).*\.so.*"
)
CUDA_PACKAGE = re.compile(r"(?:nvidia|cuda|triton|cupy)(?:[-_].*)?")
_OPEN = """
import ctypes, sys
import torch
for path in sys.argv[1:]:
    try:
        ctypes.CDLL(path)
    except OSError as error:
        print(error)
"""
_HASH = re.compile(r"-[0-9a-f]{8,}$")
ENGINES = ("indextts.infer_v2_5", "indextts.infer_v2")


def cuda_libraries(packages: Path) -> dict[str, list[str]]:
    """Each CUDA library with the files that are it: more than one is a second copy or another version."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in libraries(packages):
        if CUDA_LIBRARY.match(path.name):
            found[_HASH.sub("", path.name.partition(".")[0])].append(str(path.relative_to(packages)))
    return dict(found)


def distributions(packages: Path) -> dict[str, list[str]]:
    """Versions by normal name; two of one name mean that something was installed over it."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in importlib.metadata.distributions(path=[str(packages)]):
        found[re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()].append(one.version)
    return dict(found)


def capability(architecture: str) -> str:
    """``sm_120`` as ``12.0``."""
    digits = re.sub(r"\D", "", architecture)
    return f"{digits[:-1]}.{digits[-1]}"


def problems_of_files(packages: Path, expected: Mapping[str, Any]) -> list[str]:
    """What the files alone show: doubles, losses, and CUDA where none belongs."""
    held = distributions(packages)
    found = [f"{name} is here in {len(versions)} versions" for name, versions in held.items() if len(versions) > 1]
    cuda = cuda_libraries(packages)
    found += [f"{name} is here more than once: {', '.join(paths)}" for name, paths in cuda.items() if len(paths) > 1]
    if "cuda" in expected and expected["cuda"] is None:
        found += [f"{name} is a CUDA package" for name in held if CUDA_PACKAGE.fullmatch(name)]
        found += [f"{path} is a CUDA library" for paths in cuda.values() for path in paths]
    return found + [f"{path.relative_to(packages)} needs {name}" for path, name in missing(packages)]


def problems_of_loading(packages: Path) -> list[str]:
    """Whether every function that a library asks of another one is there: all of them are opened with nothing put off.

    What needs the GPU's driver can only be opened beside one.
    """
    found = [path for folder in ("nvidia", "torch/lib") for path in libraries(packages / folder)]
    wanted = [str(path) for path in found if not HOST_LIBRARIES & set(dynamic(path)[0])]
    environment = {**os.environ, "LD_BIND_NOW": "1"}
    command = (sys.executable, "-c", _OPEN, *wanted)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() + ([] if done.returncode == 0 else [done.stderr.strip().rpartition("\n")[2]])


def problems_of_torch(expected: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """What torch says about itself against what its variant promises."""
    import torch
    import torchaudio

    flags = torch._C._cuda_getArchFlags() if torch.version.cuda else None  # noqa: SLF001 - no GPU, so no public way
    seen = {
        "torch": str(torch.__version__),
        "torchaudio": str(torchaudio.__version__),
        "cuda": torch.version.cuda,
        "arch_list": sorted((capability(one) for one in (flags or "").split()), key=float),
    }
    found = []
    for name in ("torch", "cuda", "arch_list"):
        wanted = expected.get(name, seen[name]) if name != "torch" else expected.get(name) or seen[name]
        if seen[name] != wanted and str(seen[name]).partition("+")[0] != wanted:
            found.append(f"{name} is {seen[name]}, not {wanted}")
    return found, seen


def problems_of_source() -> list[str]:
    """Whether both engines can be imported, with all that they import."""
    return [trouble for name in ENGINES if (trouble := _import(name))]


def _import(name: str) -> str:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever a module raises is what we report
        return f"{name} cannot be imported: {type(error).__name__}: {error}"
    return ""


def check(packages: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """All checks; what was seen, and ``problems``."""
    problems = problems_of_files(packages, expected) + problems_of_loading(packages)
    more, seen = problems_of_torch(expected)
    problems += more
    if expected.get("source"):
        problems += problems_of_source()
    return {**seen, "problems": problems}


def main(text: str) -> int:
    """Check this interpreter's environment and print the result."""
    packages = next(Path(sys.prefix).glob("lib/python3*/site-packages"))
    report = check(packages, json.loads(text))
    print(json.dumps(report))
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
