"""The scripts of ``images/tools`` as modules; in a build they lie beside each other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from deploy_kit import assets

NAMES = ("elf", "slim", "slim_engine", "stub_library", "check_engine", "install_engine", "taken")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(assets.root() / "images/tools"))
    monkeypatch.syspath_prepend(str(assets.package() / "builder"))
    yield
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def elf(tools: None) -> ModuleType:
    return import_module("elf")


@pytest.fixture
def slim_engine(tools: None) -> ModuleType:
    return import_module("slim_engine")


@pytest.fixture
def stub_library(tools: None) -> ModuleType:
    return import_module("stub_library")


@pytest.fixture
def check_engine(tools: None) -> ModuleType:
    return import_module("check_engine")


@pytest.fixture
def install_engine(tools: None) -> ModuleType:
    return import_module("install_engine")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The site-packages of an environment."""
    folder = tmp_path / "environment/lib/python3.11/site-packages"
    folder.mkdir(parents=True)
    (tmp_path / "environment/bin").mkdir()
    return folder
