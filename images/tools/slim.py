# ruff: noqa: INP001 - a script, copied alone into a build
"""Take out of a virtual environment what a server never reads, and compile the rest. Runs while an image is built.

Usage: ``python slim.py ENVIRONMENT``. Standard library only.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import sys
from pathlib import Path

FOLDERS = (
    "gradio/templates/node",  # server-side rendering, needs Node
    "gradio/templates/frontend/static/ffmpeg",  # cuts video inside the browser
    "gradio/media_assets",  # examples
    "hf_xet",  # the hub's optional transfer accelerator; weights come through our own client
)
DISTRIBUTIONS = ("hf_xet",)
"""Distributions whose metadata goes with their folder, so that a bill of materials stays true."""

TEST_FOLDERS = frozenset({"tests"})
NO_TESTS = ("numpy/_core/tests/_natype.py",)
"""Files in folders of tests that a package itself imports: of such a folder these stay."""

TIMESTAMP = 1704067200
"""One modification time for all files (2024-01-01 UTC): equal inputs give an equal layer."""


def slim(environment: Path) -> None:
    """Remove, compile, and set times. Byte code is not checked against sources: nobody edits files in an image."""
    packages = next(environment.glob("lib/python3*/site-packages"))
    for folder in (*FOLDERS, *(f"{name}-*.dist-info" for name in DISTRIBUTIONS)):
        for found in packages.glob(folder):
            shutil.rmtree(found)
    for found in sorted(path for path in packages.rglob("*") if path.name in TEST_FOLDERS and path.is_dir()):
        _remove_tests(found, [packages / name for name in NO_TESTS])
    compile_all(packages)
    for path in (environment, *environment.rglob("*")):
        os.utime(path, (TIMESTAMP, TIMESTAMP), follow_symlinks=False)


def _remove_tests(folder: Path, kept: list[Path]) -> None:
    if not any(path.is_relative_to(folder) and path.exists() for path in kept):
        shutil.rmtree(folder, ignore_errors=True)  # its parent may be gone already
        return
    for found in folder.iterdir():
        if found.is_dir():
            _remove_tests(found, kept)
        elif found not in kept:
            found.unlink()


def compile_all(packages: Path) -> None:
    """Byte code for every module. Files that no Python of this version can read (templates) are left alone."""
    for cache in sorted(packages.rglob("__pycache__")):
        shutil.rmtree(cache)
    compileall.compile_dir(
        str(packages), quiet=2, workers=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
