"""The command line against the bare interpreter and against docker compose on the same file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Row, against

NAME = "dk-bench"
PORT = 17860


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that is up for the measurements: how to call us, and its compose file."""

    launcher: str
    interpreter: str
    compose: Path
    environment: dict[str, str]


@contextmanager
def stack(root: Path) -> Iterator[Running]:
    """Bring a stack up through the launcher, and take everything of it down again."""
    environment = os.environ | {
        "DEPLOYKIT_NAME": NAME,
        "DEPLOYKIT_LISTEN": f"127.0.0.1:{PORT}",
        "DEPLOYKIT_CACHE_VOLUME": f"{NAME}-cache",
    }
    launcher = str(root / "deploykit")
    subprocess.run((launcher, "up", "--yes"), env=environment, check=True, stdout=sys.stderr)
    interpreter = subprocess.run(
        (launcher, "status", "--output", "json"), env=environment, check=True, capture_output=True, text=True
    )
    assert json.loads(interpreter.stdout)["ready"]
    state = Path("/var/lib/deploykit") if os.getuid() == 0 else Path.home() / ".local/state/deploykit"
    try:
        yield Running(launcher, str(root / ".venv/bin/python"), state / NAME / "files/compose.yaml", environment)
    finally:
        subprocess.run((launcher, "down"), env=environment, check=True, stdout=sys.stderr)
        subprocess.run(("docker", "volume", "rm", f"{NAME}-cache", f"{NAME}_outputs"), check=False, capture_output=True)


def rows(running: Running) -> Iterator[Row]:
    """``--help``, ``status``, the no-op ``up`` and ``render``, each against the nearest other way."""
    env, us = running.environment, running.launcher
    compose = ("docker", "compose", "--file", str(running.compose))
    bare = (running.interpreter, "-c", "pass")
    ours, rival = against((us, "--help"), bare, env=env)
    yield Row("`--help` against the bare interpreter", ours, rival, "s", 3.0, "through the launcher")
    ours, rival = against((us, "status"), (*compose, "ps"), env=env)
    yield Row("`status` against `docker compose ps`", ours, rival, "s", 1.0, "ours also asks the service")
    ours, rival = against((us, "up"), (*compose, "up", "--detach"), env=env)
    yield Row("no-op `up` against `docker compose up -d`", ours, rival, "s", 1.3, "ours also asks the service")
    with tempfile.TemporaryDirectory() as folder:
        ours, rival = against((us, "render", folder), (*compose, "config"), env=env)
    yield Row("`render` against `docker compose config`", ours, rival, "s", None, "ours looks at the host first")
