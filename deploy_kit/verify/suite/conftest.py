"""What the checks share: the image's configuration, its layers, and hardened containers that are always removed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

from deploy_kit.verify.runner import MARK
from deploy_kit.verify.suite import containers, engines, layers

_PREFIX = "test_"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--image", required=True, help="the image to check")
    parser.addoption(
        "--container", default=None, help="a running container of it; without one the suite starts its own"
    )
    parser.addoption("--markers-file", default=None, help="JSON list of secrets that must not occur in the image")
    parser.addoption("--only", default="", help="names of checks, separated by commas")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = [name for name in config.getoption("only").split(",") if name]
    if unknown := set(wanted) - {item.name.removeprefix(_PREFIX) for item in items}:
        raise pytest.UsageError(f"no such check: {', '.join(sorted(unknown))}")
    if wanted:
        items[:] = [item for item in items if item.name.removeprefix(_PREFIX) in wanted]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line for each check: its call, or the phase before or after it that failed."""
    if report.when != "call" and report.outcome == "passed":
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    detail = "" if report.passed else _first_line(crash.message if crash else str(report.longrepr))
    outcome = {"passed": "passed", "failed": "failed", "skipped": "not-asked"}[report.outcome]
    name = report.location[2].removeprefix(_PREFIX)
    row = {"name": name, "outcome": outcome, "detail": detail, "seconds": round(report.duration, 3)}
    sys.stdout.write(f"{MARK}{json.dumps(row)}\n")
    sys.stdout.flush()


def _first_line(text: str) -> str:
    return text.splitlines()[0].removeprefix("AssertionError: ") if text else ""


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> str:
    """The image's name."""
    return str(request.config.getoption("image"))


@pytest.fixture(scope="session")
def config(image: str) -> dict[str, Any]:
    """The image's configuration, as the engine tells it."""
    return containers.image_config(image)


@pytest.fixture(scope="session")
def variant(config: dict[str, Any]) -> str:
    """The image's variant, as its label tells it."""
    return str((config.get("Labels") or {}).get("io.deploykit.variant"))


@pytest.fixture(scope="session")
def saved(image: str, tmp_path_factory: pytest.TempPathFactory) -> layers.Saved:
    """Every layer of the image, files that later layers hide included."""
    return layers.save(image, tmp_path_factory.mktemp("image") / "image.tar")


@pytest.fixture(scope="session")
def markers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Secrets of this site that the caller named."""
    path = request.config.getoption("markers_file")
    return tuple(json.loads(Path(path).read_text(encoding="utf-8"))) if path else ()


@pytest.fixture(scope="session")
def container(request: pytest.FixtureRequest, image: str) -> Iterator[str]:
    """A ready container: the one named, else one of our own, as locked down as deploykit starts it."""
    if given := request.config.getoption("container"):
        yield str(given)
        return
    with containers.started(image, *engines.room(image)) as name:
        containers.await_ready(name)
        yield name


@pytest.fixture(scope="session")
def host(container: str) -> Host:
    """The inside of the container."""
    return testinfra.get_host(f"docker://{container}")
