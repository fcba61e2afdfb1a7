"""What is taken out of the server's environment, and what is left."""

from __future__ import annotations

import importlib.util
import marshal
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "images/tools/slim.py"


@pytest.fixture
def slim() -> ModuleType:
    spec = importlib.util.spec_from_file_location("slim", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """An environment with a bit of everything."""
    folder = tmp_path / "lib/python3.11/site-packages"
    for name in (
        "gradio/__init__.py",
        "gradio/templates/node/build/server.js",
        "gradio/templates/frontend/static/ffmpeg/ffmpeg-core.wasm",
        "gradio/templates/frontend/index.html",
        "gradio/media_assets/images/cat.jpg",
        "hf_xet/__init__.py",
        "hf_xet-1.0.dist-info/METADATA",
        "numpy/core/tests/test_x.py",
        "numpy/testing/__init__.py",
        "numpy/tests/sub/tests/test_y.py",
        "template.py",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name != "template.py" else "{{ not python }}")
    return folder


def test_what_a_server_never_reads_is_gone_and_the_rest_is_there(slim: ModuleType, packages: Path) -> None:
    slim.slim(packages.parents[2])

    left = {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert left == {
        "gradio/__init__.py",
        "gradio/templates/frontend/index.html",
        "numpy/testing/__init__.py",
        "template.py",
    }


def test_byte_code_is_there_and_never_checked_against_its_source(slim: ModuleType, packages: Path) -> None:
    slim.slim(packages.parents[2])

    (code,) = (packages / "gradio/__pycache__").glob("*.pyc")
    content = code.read_bytes()
    assert int.from_bytes(content[4:8], "little") == 0b01  # hash-based, check_source off
    marshal.loads(content[16:])


def test_all_times_are_equal(slim: ModuleType, packages: Path) -> None:
    slim.slim(packages.parents[2])

    assert {int(path.stat().st_mtime) for path in packages.rglob("*")} == {slim.TIMESTAMP}
