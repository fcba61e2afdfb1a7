"""From the start of the container to: it lives, it speaks, its WebUI is there."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime

from benchmarks.measure import Row

NAME = "dk-bench-start"
PORT = 17861
_AIMS = {"live": 0.3, "speech over HTTP": 1.0, "WebUI": 3.5}


def rows(image: str, *, times: int = 5) -> Iterator[Row]:
    """Medians over several fresh containers, counted from the engine's own StartedAt."""
    found: dict[str, list[float]] = {what: [] for what in _AIMS}
    for _ in range(times):
        for what, spent in _once(image).items():
            found[what].append(spent)
    for what, aim in _AIMS.items():
        yield Row(f"container start → {what}", statistics.median(found[what]), None, "s", aim)


def _once(image: str) -> dict[str, float]:
    hardened = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
    publish = f"--publish=127.0.0.1:{PORT}:7860"
    subprocess.run(
        ("docker", "run", "--detach", "--name", NAME, publish, *hardened, image), check=True, capture_output=True
    )
    try:
        moments = {"live": _when("/livez"), "speech over HTTP": _when("/v1/audio/speech", {"input": "Hello."})}
        moments["WebUI"] = _when("/startupz")
        raw = subprocess.run(
            ("docker", "inspect", "--format", "{{.State.StartedAt}}", NAME), check=True, capture_output=True, text=True
        ).stdout.strip()
        started = datetime.fromisoformat(raw[:26] + "+00:00").timestamp()
        return {what: moment - started for what, moment in moments.items()}
    finally:
        subprocess.run(("docker", "rm", "--force", "--volumes", NAME), check=True, capture_output=True)


def _when(path: str, body: dict[str, str] | None = None) -> float:
    """The moment at which this address first answered 200."""
    data = None if body is None else json.dumps(body).encode()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
                return time.time()
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"{path} never answered 200")
