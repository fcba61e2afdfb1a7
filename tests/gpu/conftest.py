"""The simulated host with an image, weights and a stack; made once, arranged by each test."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gpu.stack import ENGINE, Stack
from tests.support import gpu_host, standin_weights
from tests.support.command import ROOT, STATE
from tests.support.gpu_host import Form, Host
from tests.support.gpu_host.driver import Card
from tests.support.hub import Hub, write_lock

_PARTS = ("deploy_kit", "images", "requirements", "tests/support/standin")
_PORTS = itertools.count(17860)
_CACHE = "dk-gpu-cache"
Arrange = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def _ends_orderly() -> Iterator[None]:
    """Who ends this run from outside gets a clean machine all the same."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as it is now: what is built from it stays the same while the tests run."""
    folder = tmp_path_factory.mktemp("product")
    for part in _PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def image(product: Path) -> Iterator[str]:
    """The CUDA image around the stand-in engine, built by this machine's own engine."""
    own = {
        "PYTHONPATH": str(product), "DEPLOYKIT_ENGINE": ENGINE, "DEPLOYKIT_VARIANT": "cu128",
        "DEPLOYKIT_BUILD_ENGINE_SOURCE": str(product / "tests/support/standin"), "DEPLOYKIT_NAME": "dk-gpu-build",
    }  # fmt: skip
    listing = ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}")
    before = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()
    command = (sys.executable, "-m", "deploy_kit", "build", "--yes", "--output", "json")
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=1800, cwd="/")
    shutil.rmtree(STATE / "dk-gpu-build", ignore_errors=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    reference = str(json.loads(done.stdout.splitlines()[-1])["image"])
    yield reference
    if reference not in before:
        subprocess.run(("docker", "image", "rm", reference), capture_output=True, check=False)


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory, image: str) -> Iterator[Host]:
    with gpu_host.made(tmp_path_factory.mktemp("gpu-host"), image) as made:
        made.driver.install(Card())
        made.engine()
        yield made


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in's weights as a hub has them, with the lock beside."""
    folder = tmp_path_factory.mktemp("weights")
    standin_weights.write(folder / "model", ENGINE)
    (folder / "model/reference_voice.wav").unlink()
    write_lock(folder / "model", folder / "lock.json", engine=ENGINE, licence="bilibili")
    return folder


@pytest.fixture(scope="session")
def hub(host: Host, weights: Path) -> Iterator[Hub]:
    with host.machine.network(), Hub(weights / "model", ("0.0.0.0", 0)) as hub:
        yield hub


@pytest.fixture
def stack_of(host: Host, hub: Hub, weights: Path, product: Path) -> Iterator[Callable[..., Stack]]:
    """Makes stacks with IndexTTS configured, which do not exist yet; all share one cache."""
    made: list[Stack] = []

    def make(**settings: str) -> Stack:
        port = next(_PORTS)
        own = {
            "DEPLOYKIT_ENGINE": ENGINE,
            "DEPLOYKIT_BUILD_ENGINE_SOURCE": str(product / "tests/support/standin"),
            "DEPLOYKIT_WEIGHTS_LOCK": str(weights / "lock.json"),
            "DEPLOYKIT_WEIGHTS_SOURCE": f"http://{host.gateway()}:{hub.port}",
            "DEPLOYKIT_ACCEPT_LICENSE": "true",
        } | {f"DEPLOYKIT_{name.upper()}": value for name, value in settings.items()}
        made.append(Stack(f"dk-gpu-{port}", port, _CACHE, own, host, product))
        return made[-1]

    yield make
    for one in made:
        one.gone()


@pytest.fixture
def stack(stack_of: Callable[..., Stack]) -> Stack:
    return stack_of()


@pytest.fixture
def engine(host: Host) -> Arrange:
    """Arranges one card, a driver that is well, and the toolkit in a form."""

    def arrange(form: Form, *cards: Card) -> None:
        host.driver.install(*(cards or (Card(),)))
        if host.form is form:
            host.toolkit.install(form)
        else:
            host.engine(form)

    return arrange
