"""Timing commands against each other on a noisy machine: alternate, repeat, take the median."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ours against a rival. ``aim`` is the largest ratio we want; without a rival, the value."""

    what: str
    ours: float
    rival: float | None
    unit: str
    aim: float | None
    note: str = ""

    @property
    def figure(self) -> float:
        return self.ours / self.rival if self.rival else self.ours

    @property
    def met(self) -> bool | None:
        return None if self.aim is None else self.figure <= self.aim


def seconds(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> float:
    """Wall time of one command that must succeed."""
    start = time.perf_counter()
    done = subprocess.run(list(argv), cwd=cwd, env=env, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return spent


def against(
    ours: Sequence[str],
    rival: Sequence[str],
    *,
    times: int = 15,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[float, float]:
    """Median wall times of two commands, run in turn so that the machine's moods hit both; the first turn warms up."""
    pairs = [(seconds(ours, cwd=cwd, env=env), seconds(rival, cwd=cwd, env=env)) for _ in range(times + 1)][1:]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | ours | rival | ratio | aim | met | note |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        rival = f"{row.rival:.3g} {row.unit}" if row.rival is not None else "–"
        ratio = f"{row.figure:.2f}×" if row.rival else "–"
        aim = "–" if row.aim is None else f"≤ {row.aim:g}{'×' if row.rival else f' {row.unit}'}"
        met = {None: "–", True: "yes", False: "**no**"}[row.met]
        lines.append(f"| {row.what} | {row.ours:.3g} {row.unit} | {rival} | {ratio} | {aim} | {met} | {row.note} |")
    return "\n".join(lines) + "\n"
