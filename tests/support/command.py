"""The real command line in a process of its own, for one stack that nobody else uses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STATE = Path("/var/lib/deploykit") if os.getuid() == 0 else Path.home() / ".local/state/deploykit"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Done:
    """A command of ours that ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self.out.splitlines()]


@dataclass
class Cli:
    """The command line for one stack of its own: name, port and cache volume that nobody else uses."""

    name: str
    port: int
    cache: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        return STATE / self.name

    def variables(self) -> dict[str, str]:
        own = {
            "DEPLOYKIT_NAME": self.name,
            "DEPLOYKIT_LISTEN": f"127.0.0.1:{self.port}",
            "DEPLOYKIT_CACHE_VOLUME": self.cache,
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }
        if "DEPLOYKIT_CACHE_PATH" in self.environment or self.environment.get("DEPLOYKIT_TARGET") == "local":
            del own["DEPLOYKIT_CACHE_VOLUME"]
        return os.environ | own | self.environment

    def command(self, *args: str) -> tuple[str, ...]:
        """How the command line is started."""
        return (sys.executable, "-m", "deploy_kit", *args)

    def __call__(self, *args: str, check: bool = True, timeout: float = 600, cwd: Path | None = None) -> Done:
        done = subprocess.run(
            self.command(*args),
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.variables(),
            cwd=cwd or "/",
            check=False,
        )
        assert not check or done.returncode == 0, f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """The command in the background, its output piped."""
        return subprocess.Popen(
            self.command(*args),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.variables(),
            cwd="/",
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a background job's SIGINT is ignored
        )

    def ask(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def until_ready(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while self.ask("/readyz")[0] != 200:
            assert time.monotonic() < deadline, self("logs", "--tail", "30", check=False).out
            time.sleep(0.1)
