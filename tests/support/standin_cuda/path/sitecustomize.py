"""Python runs this at its start, when the folder is on PYTHONPATH: torch is changed as soon as it has been imported."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ARCHITECTURES = "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"
STATE = Path("/etc/nvidia-stub/state")


def told(name: str, otherwise: str) -> str:
    """A variable of the environment; else the row of its name in the file of the simulated host, if there is one."""
    if name in os.environ or not STATE.exists():
        return os.environ.get(name, otherwise)
    rows = dict(row.partition("=")[::2] for row in STATE.read_text(encoding="utf-8").splitlines())
    key = name.partition("_")[2].lower()
    return rows.get(key, rows.get(f"{key}.0", otherwise))


class Finder(importlib.abc.MetaPathFinder):
    """Finds torch where everybody finds it, and wraps its loader."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            original = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                original(module)
                pretend(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def pretend(torch: Any) -> None:
    """Make torch believe."""
    built = os.environ.get("STANDIN_CUDA", "12.8")
    torch.version.cuda = None if built == "none" else built
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") != ""
    major, minor = told("STUB_CC", "8.9").split(".")
    words = told("STANDIN_KERNEL", "")

    def kernel() -> None:
        if words == "hang":
            time.sleep(3600)
        if words and words != "wrong":
            raise RuntimeError(words)

    replaced = {
        "init": lambda: None,
        "is_available": lambda: visible,
        "device_count": lambda: int(visible),
        "get_device_capability": lambda _=None: (int(major), int(minor)),
        "get_device_name": lambda _=None: told("STUB_NAME", "NVIDIA Stub 4090"),
        "get_arch_list": lambda: told("STANDIN_ARCHITECTURES", ARCHITECTURES).split(),
        "synchronize": lambda _=None: kernel(),
        "max_memory_reserved": lambda _=None: int(told("STANDIN_VRAM", "5000000000")),
        "empty_cache": lambda: None,
    }
    for name, function in replaced.items():
        setattr(torch.cuda, name, function)
    move, place = torch.Tensor.to, torch.nn.Module.to
    torch.Tensor.to = lambda self, *rest, **named: (
        move(self, *map(here, rest), **named) * (2 if words == "wrong" else 1)
    )
    torch.nn.Module.to = lambda self, *rest, **named: place(self, *map(here, rest), **named)


def here(argument: Any) -> Any:
    """The CPU in the place of a GPU."""
    return "cpu" if str(argument).startswith("cuda") else argument


sys.meta_path.insert(0, Finder())
