"""What the checks know of engines: which variants hold one, and how its environment is asked from inside."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from testinfra.host import Host

from deploy_kit import assets, data
from deploy_kit.tools import docker
from deploy_kit.verify.suite import containers

PYTHON = "/opt/deploykit/engine/bin/python"
FACTS = "/opt/deploykit/engine/deploykit.json"
PACKAGES = "/opt/deploykit/engine/lib/python3.11/site-packages"
LICENCES = "/opt/deploykit/licenses"
_SECONDS = 300.0
_SCRIPTS = ("elf", "check_engine")
_CUDA = re.compile(
    r"(lib(?:cublas|cuda|cudnn|cufft|cufile|cupti|curand|cusolver|cusparse|cutensor"
    r"|nccl|nvblas|nvrtc|nvJitLink|nvToolsExt|nvperf|nvshmem)[\w-]*?)(?:-[0-9a-f]{8,})?(?:\.alt)?\.so(?:\.[\w.]+)?"
)
_RUN = """
import json, sys, types
texts = json.load(sys.stdin)
for name, text in texts.items():
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(text, module.__dict__)
sys.exit(sys.modules["check_engine"].main(sys.argv[1]))
"""


def has_engine(variant: str) -> bool:
    """Whether images of this variant hold an engine's environment."""
    return variant in data.table("matrix")["variants"]


def only(variant: str) -> None:
    """End a check as not asked, for an image without an engine."""
    if not has_engine(variant):
        pytest.skip("it holds the built-in voice only")


def cuda(variant: str) -> str | None:
    """The CUDA version that a variant promises, None for one that must hold none."""
    row = data.table("matrix")["variants"].get(variant)
    return row["cuda"] if row else None


def room(image: str) -> tuple[str, ...]:
    """What a container of this image gets beyond the ordinary, so that its engine can be looked at."""
    variant = (containers.image_config(image).get("Labels") or {}).get("io.deploykit.variant")
    return ("--memory=4g",) if has_engine(str(variant)) else ()


def cuda_libraries(names: Iterable[str]) -> dict[str, list[str]]:
    """The paths of each CUDA library, among the paths of all files."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if match := _CUDA.fullmatch(name.rpartition("/")[2]):
            found[match[1]].append(name)
    return dict(found)


def cuda_packages(host: Host) -> list[str]:
    """The folders that describe NVIDIA's packages."""
    return sorted(host.run("find %s -maxdepth 1 -name 'nvidia_*.dist-info'", PACKAGES).stdout.split())


def facts(container: str) -> dict[str, Any]:
    """What the build wrote down of its engine's environment."""
    return dict(json.loads(docker.call("exec", container, "cat", FACTS).stdout))


def report(container: str, variant: str, *, torch: bool) -> dict[str, Any]:
    """What the very check of the build says inside the container.

    Args:
        torch: Whether the version of torch must be the matrix' own.
    """
    row = data.table("matrix")["variants"][variant]
    expected = {"cuda": row["cuda"], "arch_list": row["sass"], "source": True, "torch": row["torch"] if torch else None}
    folder = assets.root() / "images/tools"
    texts = json.dumps({name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in _SCRIPTS})
    place = ("--interactive", "--env=NUMBA_CACHE_DIR=/tmp/verify", "--env=MPLCONFIGDIR=/tmp/verify", container, PYTHON)
    done = docker.call("exec", *place, "-c", _RUN, json.dumps(expected), timeout=_SECONDS, check=False, input=texts)
    assert done.stdout.strip(), f"the engine's Python does not run: {done.stderr.strip()[-300:]}"
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
