"""One run of pytest over the tiers; its own closing line stays the last, so that others recognise it."""

from __future__ import annotations

import os
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import proc
from deploy_kit.cli.testing.provision import Provision
from deploy_kit.config.table import PREFIX
from deploy_kit.messages import Catalogue

_SECONDS = 3600.0
_SILENCE = 900.0


@dataclass(frozen=True, slots=True)
class Result:
    """How a tier ended: counts of ``passed``, ``failed`` (errors too) and ``skipped``, and the seconds it took."""

    tier: str
    counts: dict[str, int]
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.counts.get("failed") and bool(self.counts.get("passed"))


def run(
    root: Path,
    tiers: list[str],
    provision: Provision,
    *,
    keyword: str | None,
    passed: Sequence[str] = (),
    words: Catalogue,
    lint: list[Result],
) -> list[Result]:
    """Run the tests of these tiers, print what pytest prints, and a line a tier before pytest's last.

    Args:
        keyword: Only tests that match this expression.
        passed: Further arguments for pytest, as they are.
    """
    with tempfile.TemporaryDirectory(prefix="deploykit-test-") as folder:
        report = Path(folder) / "report.xml"
        command = [str(provision.python), "-m", "pytest", f"--junitxml={report}", "-o", "junit_family=xunit1"]
        # A tier whose folder is missing has no results, which counts as a failure of its own.
        command += [f"tests/{tier}" for tier in tiers if (root / "tests" / tier).is_dir()]
        if keyword:
            command += ["-k", keyword]
        command += passed
        held = _Held()
        done = proc.stream(
            command, held.take, timeout=_SECONDS, silence=_SILENCE, cwd=root, env=_environment(provision), check=False
        )
        results = _results(report, tiers, broken=done.returncode not in (0, 1))
    for result in (*lint, *results):
        print(_line(result, words))
    held.release()
    return results if not keyword else [result for result in results if result.counts]


class _Held:
    """Prints lines as they come, but keeps back the last one."""

    def __init__(self) -> None:
        self._last: str | None = None

    def take(self, text: str) -> None:
        if text.startswith("generated xml file"):
            return
        self.release()
        self._last = text

    def release(self) -> None:
        if self._last is not None:
            print(self._last, flush=True)
        self._last = None


def _environment(provision: Provision) -> dict[str, str | None]:
    """The tests shall see neither the user's settings nor the host tool's own environment."""
    own: dict[str, str | None] = {name: None for name in os.environ if name.startswith(PREFIX)}
    interpreters = {
        "DEPLOYKIT_SERVER_PYTHON": str(provision.server_python),
        "DEPLOYKIT_ENGINE_PYTHON": str(provision.speaking_python),
    }
    return own | interpreters | {"PYTEST_ADDOPTS": None, "PYTHONPATH": None}


def _results(report: Path, tiers: list[str], *, broken: bool) -> list[Result]:
    counts: dict[str, Counter[str]] = {tier: Counter() for tier in tiers}
    seconds = dict.fromkeys(tiers, 0.0)
    if report.is_file():
        for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314  # pytest wrote it just now
            parts = Path(case.get("file") or case.get("classname", "").replace(".", "/")).parts
            tier = next((part for part in parts if part in counts), tiers[0])
            counts[tier][_outcome(case)] += 1
            seconds[tier] += float(case.get("time") or 0)
    if broken:
        counts[tiers[0]]["failed"] += 1
    return [Result(tier, dict(found), seconds[tier]) for tier, found in counts.items()]


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


def _line(result: Result, words: Catalogue) -> str:
    shown = ", ".join(f"{words(f'cli.test_{kind}')} {count}" for kind, count in sorted(result.counts.items()))
    row = words("cli.test_tier", tier=result.tier, result=shown or words("cli.test_none"))
    return f"{row} ({result.seconds:.0f} s)" if result.seconds else row
