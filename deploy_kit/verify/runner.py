"""Runs the suite in a pytest of its own and turns what it says into a report."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from deploy_kit import assets, proc
from deploy_kit.errors import fail
from deploy_kit.findings import Finding, Message, Severity
from deploy_kit.progress import Event, EventKind, Reporter, line

STEP = "verify"
MARK = "deploykit-check "
"""Begins each line of the suite's output that holds a result."""

_SECONDS = 3600.0
_SILENCE = 1200.0


class Outcome(str, Enum):
    """How a check ended. ``not-asked``: it makes no sense for this image."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its stable name, its outcome, what was seen when it failed, and how long it took."""

    name: str
    outcome: Outcome
    detail: str
    seconds: float

    @property
    def message(self) -> Message:
        """What the check asserts, as a sentence."""
        return Message.of(f"verify.{self.name}")


@dataclass(frozen=True, slots=True)
class Report:
    """All checks on one image, in the order in which they ran."""

    image: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.outcome is not Outcome.FAILED for check in self.checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One blocking finding for each check that failed."""
        return tuple(
            Finding.of("VERIFY-CHECK-FAILED", Severity.BLOCKER, self.image, check=check.name, seen=check.detail)
            for check in self.checks
            if check.outcome is Outcome.FAILED
        )


def run(
    image_reference: str,
    container: str | None,
    report: Reporter,
    *,
    only: tuple[str, ...] = (),
    markers: tuple[str, ...] = (),
) -> Report:
    """Check an image, and the running container if one is named; otherwise a hardened one is started and removed.

    Args:
        only: Names of checks; without any, all run.
        markers: Secrets of this site (a password of the package index, say) that must not occur in the image.

    Raises:
        Failure: VERIFY-NO-TOOL without pytest and testinfra, VERIFY-BROKEN when the suite itself cannot run.
    """
    if find_spec("pytest") is None or find_spec("testinfra") is None:
        raise fail(
            "VERIFY-NO-TOOL",
            "pytest-testinfra",
            commands=((sys.executable, "-m", "pip", "install", "pytest", "pytest-testinfra"),),
        )
    checks: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="deploykit-verify-") as folder:
        secret = Path(folder) / "markers"
        secret.touch(mode=0o600)
        secret.write_text(json.dumps(markers), encoding="utf-8")
        argv = _command(image_reference, container, Path(folder), only)
        try:
            result = proc.stream(
                argv,
                lambda text: _read(text, checks, report),
                timeout=_SECONDS,
                silence=_SILENCE,
                env=_environment(),
                check=False,
            )
        except proc.CommandError as error:
            raise fail("VERIFY-BROKEN", image_reference, lines=str(error)) from error
    if result.returncode not in (0, 1) or not checks:
        raise fail("VERIFY-BROKEN", image_reference, lines="\n".join(result.stdout.splitlines()[-15:]))
    return Report(image_reference, tuple(checks))


def _command(image: str, container: str | None, folder: Path, only: tuple[str, ...]) -> tuple[str, ...]:
    suite = assets.package() / "verify" / "suite"
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no"]
    argv += [f"--config-file={suite / 'pytest.ini'}", f"--rootdir={suite}", f"--basetemp={folder / 'work'}"]
    argv += [f"--image={image}", f"--markers-file={folder / 'markers'}"]
    if container is not None:
        argv.append(f"--container={container}")
    if only:
        argv.append(f"--only={','.join(only)}")
    return (*argv, str(suite))


def _environment() -> dict[str, str | None]:
    """The suite imports the very ``deploy_kit`` that runs it; options meant for the user's own pytest stay out."""
    return {"PYTHONPATH": str(assets.package().parent), "PYTEST_ADDOPTS": None, "PYTHONDONTWRITEBYTECODE": "1"}


def _read(text: str, checks: list[Check], report: Reporter) -> None:
    if not text.startswith(MARK):
        report(line(STEP, text))
        return
    row = json.loads(text.removeprefix(MARK))
    check = Check(row["name"], Outcome(row["outcome"]), row["detail"], row["seconds"])
    checks.append(check)
    kind = EventKind.FAILED if check.outcome is Outcome.FAILED else EventKind.DONE
    report(Event(kind, STEP, check.name, check.message, check.detail, seconds=check.seconds))
