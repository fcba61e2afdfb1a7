"""The log of a service whose output nobody else rotates."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, os, sys
from pathlib import Path
from tts_server.start import logs
logs.configure("info", "plain", Path(sys.argv[1]) if sys.argv[1] else None, limit=4000)
for number in range(200):
    logging.getLogger("x").info("event %d", number)
    if number % 50 == 0:
        os.write(2, b"noise of a worker\\n")
"""


def write(log: Path, *, capped: bool, interpreter: str) -> None:
    """Two hundred events by a process whose standard output and error append to ``log``."""
    with log.open("ab") as sink:
        subprocess.run(
            (interpreter, "-c", SCRIPT, str(log) if capped else ""),
            stdout=sink,
            stderr=sink,
            check=True,
            timeout=60,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'images/server'}:{ROOT}"},
        )


def test_it_never_grows_beyond_its_limit_and_keeps_one_older_part(tmp_path: Path, interpreter: str) -> None:
    log = tmp_path / "service.log"
    write(log, capped=True, interpreter=interpreter)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["service.log", "service.log.1"]
    older, newer = (tmp_path / "service.log.1").read_text(), log.read_text()
    assert len(newer) <= 4000 < len(older) < 4200
    rows = [row for row in (older + newer).splitlines() if "event" in row]
    numbers = [int(row.rpartition(" ")[2]) for row in rows]
    assert numbers == list(range(numbers[0], 200))
    assert "\0" not in newer


def test_without_a_file_of_its_own_it_is_left_alone(tmp_path: Path, interpreter: str) -> None:
    log = tmp_path / "service.log"
    write(log, capped=False, interpreter=interpreter)

    assert len(log.read_text().splitlines()) == 204
