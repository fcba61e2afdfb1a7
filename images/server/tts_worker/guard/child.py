"""The first stage, from outside: the driver's probe in a child that may hang or crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

from deploy_kit.data import table
from tts_worker.guard.verdict import Verdict

_REAP_SECONDS = 1.0


def judge(seconds: float | None = None) -> Verdict:
    """The driver's verdict within ``seconds`` (default: of the table)."""
    limit = table("guard")["seconds"]["driver"] if seconds is None else seconds
    child = subprocess.Popen(
        [sys.executable, "-m", "tts_worker.guard.driver"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        out, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _abandon(child)
        return Verdict("GPU-PROBE-HUNG", f"no answer of the driver within {limit:g} s")
    if child.returncode < 0:
        return Verdict("GPU-PROBE-CRASHED", f"ended by {signal.Signals(-child.returncode).name}")
    try:
        return Verdict.of_json(json.loads(out.decode(errors="replace").strip().rpartition("\n")[2]))
    except (ValueError, AttributeError):
        return Verdict("GPU-PROBE-CRASHED", f"exit {child.returncode} without a verdict")


def _abandon(child: subprocess.Popen[bytes]) -> None:
    """Kill it and go on: a process that hangs inside the kernel dies only when the driver lets go of it."""
    child.kill()
    end = time.monotonic() + _REAP_SECONDS
    while child.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    if child.stdout is not None:
        child.stdout.close()
    child.returncode = child.returncode if child.returncode is not None else -signal.SIGKILL
