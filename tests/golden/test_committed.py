"""The committed files are what the templates give; ``pytest --update-golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit import render
from deploy_kit.render.drift import drift

ROOT = Path(__file__).parents[2]


def test_the_repository_holds_exactly_what_is_rendered(request: pytest.FixtureRequest) -> None:
    files = render.committed()
    if request.config.getoption("--update-golden"):
        for name, text in files.items():
            (ROOT / name).write_text(text, encoding="utf-8")

    assert drift(files, ROOT) == ""


def test_rendering_depends_on_nothing_but_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = render.committed()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPLOYKIT_LISTEN", "0.0.0.0:1")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Shanghai")

    assert render.committed() == before
