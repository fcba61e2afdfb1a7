"""All benchmarks: ``.venv/bin/python -m benchmarks.run`` in a checkout. Prints a table and writes results.md."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from benchmarks import book, commands, engine, image, start
from benchmarks.measure import Row, table

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure, print, write."""
    rows: list[Row] = []
    with commands.stack(ROOT) as running:
        rows += commands.rows(running)
        reference = _of_container("{{.Config.Image}}")
        rows += start.rows(reference)
        rows += image.rows(_base())
        rows += image.engine_rows(_base())
    rows += engine.rows()
    rows += book.rows()
    text = f"{_machine()}\n\n{table(rows)}"
    print(text)
    (ROOT / "benchmarks/results.md").write_text(f"# Results\n\n{text}", encoding="utf-8")


def _of_container(template: str) -> str:
    found = subprocess.run(
        ("docker", "inspect", "--format", template, commands.NAME), check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def _base() -> str:
    """The base image that ``up`` used: a local one, either by its public name or bootstrapped."""
    found = subprocess.run(
        ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}"), check=True, capture_output=True, text=True
    ).stdout.split()
    return next(name for name in found if name.startswith("deploykit/base:") or name.endswith("debian:bookworm-slim"))


def _machine() -> str:
    engine = subprocess.run(
        ("docker", "version", "--format", "{{.Server.Version}}"), check=True, capture_output=True, text=True
    ).stdout.strip()
    return f"Python {platform.python_version()}, Docker {engine}, {platform.machine()}; medians of alternating runs."


if __name__ == "__main__":
    main()
