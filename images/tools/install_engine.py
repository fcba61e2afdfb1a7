# ruff: noqa: INP001 - a script, copied alone into a build
"""Put an engine's source into its environment, make what it would write at its first run, check, and say what is there.

Run by the environment's own interpreter, in the build of an image and under ``--target local``:
``python install_engine.py WISH`` with WISH as JSON: ``variant``; ``source``, a folder; ``licences``, where the source's
licences go; ``matrix``, ``rule`` and ``lock``, files: the tables ``matrix`` and ``engine_source``, the lock of torch.
``deploykit.json`` at the root of the environment holds what was found.
"""

from __future__ import annotations

import compileall
import contextlib
import importlib
import json
import os
import py_compile
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import check_engine
import taken

TIMESTAMP = 1704067200
EMPTY = "the build context named engine holds no {package}: give --build-context engine=FOLDER, a checkout of IndexTTS"
_TOLD = 5
_TORCH = re.compile(r"^torch==(\S+)", re.MULTILINE)


def install(wish: dict[str, Any]) -> dict[str, Any]:
    """Do it all; what stands in ``deploykit.json``.

    Raises:
        SystemExit: With one sentence, when there is no source or a check fails.
    """
    environment = Path(sys.prefix)
    packages = next(environment.glob("lib/python3*/site-packages"))
    rule = json.loads(Path(wish["rule"]).read_text(encoding="utf-8"))
    source = Path(wish["source"])
    files = taken.files(source, rule)
    if not any(name.startswith(f"{rule['package']}/") for name in files):
        raise SystemExit(EMPTY.format(package=rule["package"]))
    _stop_at(check_engine.problems_of_files(packages, expected(wish)))  # before anything of it is loaded
    _copy(files, rule, packages, Path(wish["licences"]))
    _first_run()
    report = check_engine.check(packages, expected(wish))
    _stop_at(report["problems"])
    digest = taken.digest(files)
    locked = digest == rule["digest"]
    del report["problems"]
    report = {
        "variant": wish["variant"],
        **report,
        "source": {"commit": rule["commit"] if locked else None, "digest": digest, "locked": locked},
        "stand_in": taken.stands_in(source, rule),
    }
    _finish(environment, packages / rule["package"], Path(wish["licences"]), report)
    return report


def _stop_at(problems: list[str]) -> None:
    if problems:
        more = f" and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
        raise SystemExit(f"the engine's environment is not what it should be: {'; '.join(problems[:_TOLD])}{more}")


def expected(wish: dict[str, Any]) -> dict[str, Any]:
    """What `check_engine` compares with: the row of the matrix, and the version that the lock names."""
    row = json.loads(Path(wish["matrix"]).read_text(encoding="utf-8"))["variants"][wish["variant"]]
    locked = _TORCH.search(Path(wish["lock"]).read_text(encoding="utf-8"))
    return {
        "torch": locked[1].partition("+")[0] if locked else None,
        "cuda": row["cuda"],
        "arch_list": row["sass"],
        "source": True,
    }


def _copy(files: dict[str, Path], rule: dict[str, Any], packages: Path, licences: Path) -> None:
    shutil.rmtree(packages / rule["package"], ignore_errors=True)
    licences.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        target = licences / name if name in rule["licences"] else packages / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _first_run() -> None:
    """The rules of the text normaliser are worked out at first use and stored in the package; here, since later the
    package cannot be written."""
    with contextlib.redirect_stdout(sys.stderr):
        importlib.import_module("indextts.utils.front").TextNormalizer().load()


def _finish(environment: Path, package: Path, licences: Path, report: dict[str, Any]) -> None:
    for cache in sorted(package.rglob("__pycache__")):
        shutil.rmtree(cache)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(str(package), quiet=2, invalidation_mode=mode)
    (environment / "deploykit.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for path in (package, *package.rglob("*"), licences, *licences.rglob("*"), environment / "deploykit.json"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in (*package.rglob("*"), *licences.rglob("*"), *_upwards(package), *_upwards(licences)):
        os.utime(path, (TIMESTAMP, TIMESTAMP))
    os.utime(environment / "deploykit.json", (TIMESTAMP, TIMESTAMP))


def _upwards(path: Path) -> list[Path]:
    return [path, *(parent for parent in path.parents if parent.is_relative_to("/opt"))]


if __name__ == "__main__":
    print(json.dumps(install(json.loads(sys.argv[1]))))
