"""The core image, built by our own builder from what stands in the checkout, and spoilt copies of it."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy_kit import detect
from deploy_kit.builder import base, image, payload
from deploy_kit.config.request import BuildSettings, Listen
from deploy_kit.facts import HostFacts
from deploy_kit.plan.stack import Image

BASE = "docker.io/library/debian:bookworm-slim"
SETTINGS = BuildSettings(BASE)


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


@pytest.fixture
def spoilt(core: Image, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Build an image FROM the core image with more instructions; returns its name."""
    names: list[str] = []

    def build(*instructions: str, **files: str) -> str:
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "Dockerfile").write_text("\n".join((f"FROM {core.reference}", *instructions)), encoding="utf-8")
        names.append(f"deploykit/core:spoilt-{uuid.uuid4().hex[:8]}")
        subprocess.run(
            ("docker", "build", "--quiet", f"--tag={names[-1]}", str(tmp_path)),
            capture_output=True,
            check=True,
            text=True,
        )
        return names[-1]

    yield build
    for name in names:
        subprocess.run(("docker", "image", "rm", "--force", name), capture_output=True, check=True)
