"""Closed and full standard streams: the exit code stays right, and nobody sees a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy_kit.cli.output import progress
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event, EventKind

ROOT = Path(__file__).parents[3]
NOBODY = "--listen 127.0.0.1:9"


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command line in which ``dk`` is ours."""
    whole = f'dk() {{ {sys.executable} -m deploy_kit "$@"; }}\n{line}'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **environment}
    return subprocess.run(("bash", "-c", whole), capture_output=True, cwd=folder, env=env, timeout=60)


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("dk --help >&-", 0, b""),
        ("dk --help >&- 2>&- <&-", 0, b""),
        ("dk --help >/dev/full", 2, b"USAGE-WRITE"),
        ("dk init --dry-run >/dev/full", 2, b"USAGE-WRITE"),
        ("dk schema --output json >/dev/full", 2, b"USAGE-WRITE"),
        (f"dk say - {NOBODY} <&-", 2, b"USAGE-NO-TEXT"),
        (f"dk say - {NOBODY} 0>sink", 2, b"USAGE-READ"),
        ("dk say hi -o - >&-", 2, b"USAGE-WRITE"),
        ("dk bogus --output json >/dev/full", 2, b"USAGE-COMMAND"),
        ("dk bogus 2>/dev/full", 2, b""),
        ("dk bogus 2>&-", 2, b""),
        ("dk bogus 2>&1 | true; exit ${PIPESTATUS[0]}", 141, b""),
        ("dk --config $'\\xff.yaml' status", 2, b"\\udcff.yaml"),
        ("dk --config $'\\xff.yaml' --output json status", 2, b"\\udcff.yaml"),
        ("mkdir gone; cd gone; rmdir ../gone; dk status", 2, b"USAGE-NO-FOLDER"),
        ("mkdir gone; cd gone; rmdir ../gone; dk bogus", 2, b"USAGE-COMMAND"),
    ],
)
def test_every_ending_keeps_its_exit_code(tmp_path: Path, line: str, code: int, word: bytes) -> None:
    done = shell(line, tmp_path, PYTHONIOENCODING="utf-8:strict")

    said = done.stdout + done.stderr
    assert (done.returncode, b"INTERNAL" in said, b"Traceback" in said, b"Exception" in said) == (
        code,
        False,
        False,
        False,
    )
    assert word in said


def test_sound_that_cannot_be_poured_out_is_a_finding(tmp_path: Path) -> None:
    script = (
        "import sys; from deploy_kit.cli import main; from deploy_kit.lifecycle import speak;"
        "speak.say = lambda *_, **__: speak.Said(bytes(100_000));"
        "sys.argv[1:] = ['say', 'hi', '-o', '-']; sys.exit(main.entry())"
    )
    done = shell(f'{sys.executable} -c "{script}" >/dev/full', tmp_path)

    assert done.returncode == 2
    assert b"USAGE-WRITE" in done.stderr


def test_progress_that_nobody_can_see_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8", buffering=1) as full:
        monkeypatch.setattr("sys.stderr", full)
        shown = progress.Progress("plain", False, Catalogue("en"))

        for _ in range(3):
            shown.report(Event(EventKind.STEP, "prove", "x"))

        shown.close()
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
