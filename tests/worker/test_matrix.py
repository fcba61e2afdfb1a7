"""The table of cards against the torch that the image installs: measured, not believed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.worker.peer import ROOT

SCRIPT = ROOT / "images/tools/measure_torch.py"


def test_the_table_says_what_the_locked_torch_has_code_for(interpreter: str) -> None:
    command = (sys.executable, SCRIPT, Path(interpreter).parent.parent)

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "cu128: matrix.json is right" in done.stdout
