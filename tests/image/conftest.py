"""The images, built by our own builder from what stands in the checkout, and spoilt copies of them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import detect
from deploy_kit.builder import base, engine_source, image, payload
from deploy_kit.config.request import BuildSettings, Listen
from deploy_kit.facts import HostFacts
from deploy_kit.plan.stack import Image
from deploy_kit.tools import docker

BASE = "docker.io/library/debian:bookworm-slim"
SETTINGS = BuildSettings(BASE)
STAND_IN = Path(__file__).parents[1] / "support/standin"


@pytest.fixture(scope="session")
def facts() -> HostFacts:
    return detect.observe(detect.here(), listen=Listen("127.0.0.1", 7860), places={})


@pytest.fixture(scope="session")
def core(facts: HostFacts) -> Iterator[Image]:
    """The image of this checkout under a name of its own; nearly free when ``up`` built it before."""
    made = Image("core", f"deploykit/core:test-{uuid.uuid4().hex[:8]}", payload.inputs("core", BASE), BASE)
    found = base.acquire(SETTINGS, facts, lambda _: None, consent=lambda *_: True)
    image.build(made, found, SETTINGS, facts.site, lambda _: None)
    yield made
    subprocess.run(("docker", "image", "rm", "--force", made.reference), capture_output=True, check=True)


@pytest.fixture(scope="session")
def engine(facts: HostFacts) -> Iterator[Image]:
    """The cu128 image around the stand-in for IndexTTS: everything in it is real but the engine's own code."""
    settings = replace(SETTINGS, engine_source=str(STAND_IN))
    inputs = payload.inputs("cu128", BASE, engine_source.identity(settings.engine_source))
    made = Image("cu128", f"deploykit/standin-cu128:test-{uuid.uuid4().hex[:8]}", inputs, BASE)
    found = base.acquire(settings, facts, lambda _: None, consent=lambda *_: True)
    image.build(made, found, settings, facts.site, lambda _: None)
    yield made
    subprocess.run(("docker", "image", "rm", "--force", made.reference), capture_output=True, check=True)


@pytest.fixture
def changed_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on what is staged differs in a line of the server; the checkout itself stays as it is."""
    stage = payload.stage

    def stage_changed(folder: Path, *rest: object) -> None:
        stage(folder, *rest)  # type: ignore[arg-type]
        with (folder / payload.SERVER / "tts_server/settings.py").open("a", encoding="utf-8") as file:
            file.write(f"# {uuid.uuid4().hex}\n")

    monkeypatch.setattr(payload, "stage", stage_changed)


def digests(reference: str) -> list[str]:
    """Those of an image's layers."""
    return json.loads(docker.call("image", "inspect", "--format={{json .RootFS.Layers}}", reference).stdout)


@contextlib.contextmanager
def beside(made: Image, settings: BuildSettings, facts: HostFacts) -> Iterator[tuple[str, set[str]]]:
    """Built once more under another name and removed at the end; that name, and the layers that the first has not."""
    other = Image(made.variant, f"{made.reference}-other", made.inputs, BASE)
    found = base.acquire(settings, facts, lambda _: None, consent=lambda *_: True)
    try:
        image.build(other, found, settings, facts.site, lambda _: None)
        yield other.reference, set(digests(other.reference)) - set(digests(made.reference))
    finally:
        docker.call("image", "rm", "--force", other.reference, check=False)


Spoil = Callable[..., str]


@contextlib.contextmanager
def spoiling(reference: str, folder: Path) -> Iterator[Spoil]:
    """Gives a function that builds an image FROM another one with more instructions, and returns its name."""
    names: list[str] = []

    def build(*instructions: str, **files: str) -> str:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "Dockerfile").write_text("\n".join((f"FROM {reference}", *instructions)), encoding="utf-8")
        names.append(f"{reference.partition(':')[0]}:spoilt-{uuid.uuid4().hex[:8]}")
        subprocess.run(
            ("docker", "build", "--quiet", f"--tag={names[-1]}", str(folder)),
            capture_output=True,
            check=True,
            text=True,
        )
        return names[-1]

    yield build
    for name in names:
        subprocess.run(("docker", "image", "rm", "--force", name), capture_output=True, check=True)


@pytest.fixture
def spoilt(core: Image, tmp_path: Path) -> Iterator[Spoil]:
    """Build an image FROM the core image with more instructions; returns its name."""
    with spoiling(core.reference, tmp_path) as build:
        yield build


@pytest.fixture
def spoilt_engine(engine: Image, tmp_path: Path) -> Iterator[Spoil]:
    """Build an image FROM the engine's image with more instructions; returns its name."""
    with spoiling(engine.reference, tmp_path) as build:
        yield build
