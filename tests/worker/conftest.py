"""Workers as processes, in the engine's own environment, around the stand-in engine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import standin_weights, stubs
from tests.worker.peer import ROOT, Peer

sys.path.insert(0, str(ROOT / "images/server"))

Start = Callable[..., Peer]
ENGINES = ("indextts-2.5", "indextts-2")


@pytest.fixture(scope="session")
def interpreter() -> str:
    """The interpreter of an environment with the engine's libraries (torch, numpy, soundfile)."""
    path = os.environ.get("DEPLOYKIT_ENGINE_PYTHON")
    if not path:
        pytest.fail("DEPLOYKIT_ENGINE_PYTHON is not set: name the Python of an environment made from the engine's lock")
    return path


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stubs of NVIDIA's libraries, for LD_LIBRARY_PATH."""
    return stubs.build(tmp_path_factory.mktemp("nvidia"))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the stand-in, for PYTHONPATH: it writes into itself at its first use, as upstream does."""
    skipped = shutil.ignore_patterns("__pycache__", "tagger_cache")
    return Path(
        shutil.copytree(
            ROOT / "tests/support/standin", tmp_path_factory.mktemp("package"), ignore=skipped, dirs_exist_ok=True
        )
    )


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model directory for each engine; not to be changed."""
    folder = tmp_path_factory.mktemp("models")
    return {engine: standin_weights.write(folder / engine, engine) for engine in ENGINES}


@pytest.fixture
def start(interpreter: str, package: Path, tmp_path: Path) -> Iterator[Start]:
    """Start workers; all are ended afterwards."""
    workers: list[Peer] = []

    def begin(engine: str = "indextts-2.5", source: Path | None = package, **environment: str) -> Peer:
        temporary = tmp_path / "tmp"
        temporary.mkdir(exist_ok=True)
        workers.append(Peer(interpreter, engine, environment, temporary, source))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.close()


@pytest.fixture(scope="module")
def speaking(
    interpreter: str, package: Path, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Peer]]:
    """A loaded worker for each engine, for tests that leave it able to speak."""
    workers = {name: Peer(interpreter, name, {}, tmp_path_factory.mktemp("tmp"), package) for name in ENGINES}
    try:
        for name, worker in workers.items():
            assert worker.load(models[name], emotion_text=True).kind == "ready"
        yield workers
    finally:
        for worker in workers.values():
            worker.close()
