"""A stack on the simulated host, and what its service says of itself."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command import Cli, Done
from tests.support.gpu_host import Host

ENGINE = "indextts-2.5"
TEXT = "The card is inside."


@dataclass
class Stack(Cli):
    """The command line on the simulated host, for one stack of its own."""

    host: Host | None = None
    product: Path = Path()

    @property
    def there(self) -> Host:
        assert self.host is not None
        return self.host

    def variables(self) -> dict[str, str]:
        return super().variables() | {"PYTHONPATH": str(self.product)}

    def command(self, *args: str) -> tuple[str, ...]:
        return self.there.machine.inside(sys.executable, "-m", "deploy_kit", *args)

    def ask(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> tuple[int, bytes]:
        with self.there.machine.network():
            return super().ask(path, body, key=key)

    def up(self, *args: str, check: bool = True) -> Done:
        return self("up", "--yes", "--output", "json", *args, check=check, timeout=300)

    def json(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.ask(path)[1])
        return document

    def ready(self) -> dict[str, Any]:
        return self.json("/readyz")

    def model(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ready()["engines"][ENGINE]
        return found

    def until(self, what: Callable[[], object], seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"{self.ready()}\n{self('logs', '--tail', '40', check=False).out}"
            time.sleep(0.2)

    def says(self, **fields: Any) -> tuple[int, bytes]:
        return self.ask("/v1/audio/speech", {"input": TEXT, "response_format": "wav", **fields})

    def container(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.there.docker("container", "inspect", self.name))
        return found[0]

    def start_of(self) -> tuple[str, str]:
        """What changes when the service is started or made anew."""
        found = self.container()
        return found["Id"], found["State"]["StartedAt"]

    def asked_for(self) -> list[dict[str, Any]]:
        """The engine's requests for devices."""
        found: list[dict[str, Any]] = self.container()["HostConfig"]["DeviceRequests"] or []
        return found

    def nodes(self) -> list[str]:
        """NVIDIA's device nodes in the container."""
        listing = self.there.docker("exec", self.name, "sh", "-c", "ls /dev | grep nvidia || true")
        return listing.split()

    def verdict(self) -> dict[str, Any]:
        """What the guard says in the container."""
        guard = ("/opt/deploykit/engine/bin/python", "-m", "tts_worker.guard", "--json")
        text = self.there.docker("exec", "--env", "PYTHONPATH=/opt/deploykit/app", self.name, *guard, check=False)
        found: dict[str, Any] = json.loads(text.splitlines()[-1])
        return found

    def gone(self) -> None:
        """Leave nothing behind but the weights."""
        self.there.docker("rm", "--force", self.name, check=False)
        self.there.docker("network", "rm", f"{self.name}_default", check=False)
        self.there.docker("volume", "rm", "--force", f"{self.name}_outputs", check=False)
        shutil.rmtree(self.there.machine.path(str(self.state)), ignore_errors=True)


def codes(done: Done) -> list[str]:
    """The codes of a command's findings, wherever it tells them."""
    found: list[str] = []
    for event in done.events():
        found += [finding["code"] for finding in event.get("findings", ())]
        found += [event["code"]] if "code" in event else []
    return found
