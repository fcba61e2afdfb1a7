"""The real server as a process, spoken to over HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "images/server"))

from tests.server.running import Running  # noqa: E402
from tests.server.stage import Stage  # noqa: E402
from tests.support import stubs  # noqa: E402


@pytest.fixture(scope="session")
def interpreter() -> str:
    """The interpreter of the server's environment (images/requirements/server.txt installed)."""
    path = os.environ.get("DEPLOYKIT_SERVER_PYTHON")
    if not path:
        pytest.fail(
            "DEPLOYKIT_SERVER_PYTHON is not set: name the Python of an environment with images/requirements/server.txt"
        )
    return path


Launch = Callable[..., Running]


@pytest.fixture
def launch(interpreter: str, tmp_path: Path) -> Iterator[Launch]:
    """Start servers with settings of their own; all are ended afterwards."""
    servers: list[Running] = []

    def start(*, wait: str | None = "/readyz", under: tuple[str, ...] = (), **settings: str) -> Running:
        server = Running(interpreter, tmp_path / f"server-{len(servers)}", settings, under)
        servers.append(server)
        if wait:
            server.until(wait)
        return server

    yield start
    for server in servers:
        server.end()


@pytest.fixture(scope="session")
def service(interpreter: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server with its page, for tests that leave it as it is."""
    server = Running(interpreter, tmp_path_factory.mktemp("service"), {})
    server.until("/startupz", seconds=60)
    yield server
    server.end()


@pytest.fixture(scope="session")
def gpu_stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stand-ins for NVIDIA's libraries."""
    return stubs.build(tmp_path_factory.mktemp("stubs"))


@pytest.fixture
def stage(interpreter: str, launch: Launch, tmp_path: Path, gpu_stubs: Path) -> Stage:
    """A server with scripted workers, not started yet; its cache_hub is empty."""
    return Stage(tmp_path / "stage", interpreter, launch, gpu_stubs)
