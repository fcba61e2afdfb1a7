"""A real container engine, the real command line, and stacks that are gone when a test ends."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.command import Cli, free_port


def docker(*args: str, check: bool = True, timeout: float = 120) -> str:
    """Run docker and give its output."""
    done = subprocess.run(("docker", *args), capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


class Stack(Cli):
    """A stack whose container can be looked at."""

    def container(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(docker("container", "inspect", self.name))
        return found[0]

    def start_of(self) -> tuple[str, str]:
        """What changes when the service is started or made anew."""
        found = self.container()
        return found["Id"], found["State"]["StartedAt"]


def remove(cli: Stack) -> None:
    """Everything that a stack left behind."""
    docker("rm", "--force", cli.name, check=False)
    docker("network", "rm", f"{cli.name}_default", check=False)
    docker("volume", "rm", "--force", cli.cache, f"{cli.name}_outputs", check=False)
    shutil.rmtree(cli.state, ignore_errors=True)


@contextlib.contextmanager
def fresh(prefix: str) -> Iterator[Stack]:
    port = free_port()
    cli = Stack(f"{prefix}-{port}", port, f"{prefix}-{port}-cache")
    try:
        yield cli
    finally:
        remove(cli)


@pytest.fixture(scope="session", autouse=True)
def _nothing_grows() -> Iterator[None]:
    """Images that the session made and nobody uses any more go again, and the build cache is kept small."""
    listing = ("images", "--filter", "label=io.deploykit.inputs", "--format", "{{.Repository}}:{{.Tag}}")
    before = set(docker(*listing).split())
    yield
    for reference in set(docker(*listing).split()) - before:
        docker("image", "rm", reference, check=False)
    docker("image", "prune", "--force", "--filter", "label=io.deploykit.inputs", check=False)
    docker("builder", "prune", "--force", "--keep-storage", "14GB", check=False)


@pytest.fixture
def cli() -> Iterator[Stack]:
    """A stack that does not exist yet."""
    with fresh("dk-test") as one:
        yield one


@pytest.fixture(scope="module")
def up() -> Iterator[Stack]:
    """A stack that is up."""
    with fresh("dk-up") as one:
        one("up", "--yes")
        yield one
