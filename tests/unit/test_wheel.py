"""The project as a wheel: what `pipx install` gets works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy_kit import __version__

ROOT = Path(__file__).parents[2]


def run(*argv: object, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DEPLOYKIT_"))}
    words = [str(word) for word in argv]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, env=environment | changes, timeout=300)
    assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built by the project's own build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``deploykit`` of an environment that holds the wheel; its dependencies are those of the tests' environment."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return folder / "bin/deploykit"


def test_the_wheel_holds_what_an_image_is_built_from_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "deploy_kit/assets/images/Dockerfile.j2",
        "deploy_kit/assets/images/core/Dockerfile",
        "deploy_kit/assets/images/requirements/server.txt",
        "deploy_kit/assets/requirements/uv.txt",
        "deploy_kit/assets/images/server/tts_server/__main__.py",
        "deploy_kit/messages/zh/findings/host.json",
        "deploy_kit/data/settings.json",
    ):
        assert needed in names
    strangers = [name for name in names if not name.startswith(("deploy_kit/", f"deploykit-{__version__}.dist-info/"))]
    assert strangers == []
    assert [name for name in names if "__pycache__" in name] == []


def test_the_installed_program_tells_its_version(program: Path, tmp_path: Path) -> None:
    assert run(program, "--version", cwd=tmp_path).stdout == f"deploykit {__version__}\n"


def test_the_installed_program_renders_the_same_files_as_the_checkout(program: Path, tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": ""}
    run(program, "render", "installed", cwd=tmp_path, **state)
    run(sys.executable, "-m", "deploy_kit", "render", "checkout", cwd=tmp_path, **state | {"PYTHONPATH": str(ROOT)})
    installed = {path.name: path.read_text() for path in (tmp_path / "installed").rglob("*") if path.is_file()}
    checkout = {path.name: path.read_text() for path in (tmp_path / "checkout").rglob("*") if path.is_file()}
    assert installed
    assert installed == checkout


def test_the_installed_program_says_that_tests_need_a_checkout(program: Path, tmp_path: Path) -> None:
    done = subprocess.run((str(program), "test"), capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert "USAGE-CHECKOUT" in done.stderr
