"""Putting the engine's source into its environment, and what is written down of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from deploy_kit import assets, data
from deploy_kit.builder import taken as rules

RULE = data.table("engine_source")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name in ("indextts/__init__.py", "indextts/utils/front.py", "indextts/utils/x.cu", "LICENSE", "webui.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n")
    return folder


@pytest.fixture
def wish(tmp_path: Path, source: Path) -> dict[str, Any]:
    return {
        "variant": "cu128",
        "source": str(source),
        "licences": str(tmp_path / "licences"),
        "matrix": str(assets.package() / "data/matrix.json"),
        "rule": str(assets.package() / "data/engine_source.json"),
        "lock": str(assets.root() / "images/requirements/engine-cu128.txt"),
    }


@pytest.fixture
def install(install_engine: ModuleType, packages: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script in an environment of its own, whose check finds nothing wrong; the first run writes its rules."""

    def first_run() -> None:
        rules = packages / "indextts/utils/tagger_cache/zh.fst"
        rules.parent.mkdir()
        rules.write_text("rules")

    monkeypatch.setattr(install_engine.sys, "prefix", str(packages.parents[2]))
    monkeypatch.setattr(install_engine, "_first_run", first_run)
    monkeypatch.setattr(install_engine.check_engine, "check", lambda *_: {"torch": "2.8.0", "problems": []})
    return install_engine


def test_modules_go_to_the_packages_and_licences_beside(
    install: ModuleType, wish: dict[str, Any], packages: Path, tmp_path: Path
) -> None:
    install.install(wish)

    assert {str(p.relative_to(packages)) for p in packages.rglob("*.py")} == {
        "indextts/__init__.py",
        "indextts/utils/front.py",
    }
    assert [path.name for path in (tmp_path / "licences").iterdir()] == ["LICENSE"]
    assert (packages / "indextts/utils/tagger_cache/zh.fst").is_file()
    assert list(packages.rglob("*.pyc"))


def test_what_is_there_is_written_down(install: ModuleType, wish: dict[str, Any], packages: Path, source: Path) -> None:
    install.install(wish)

    digest = rules.digest(rules.files(source, RULE))
    assert json.loads((packages.parents[2] / "deploykit.json").read_text()) == {
        "variant": "cu128",
        "torch": "2.8.0",
        "source": {"commit": None, "digest": digest, "locked": False},
        "stand_in": False,
    }


def test_the_pinned_source_is_known_by_its_digest(
    install: ModuleType, wish: dict[str, Any], packages: Path, source: Path, tmp_path: Path
) -> None:
    pinned = {**RULE, "digest": rules.digest(rules.files(source, RULE))}
    (tmp_path / "rule.json").write_text(json.dumps(pinned))

    report = install.install({**wish, "rule": str(tmp_path / "rule.json")})

    assert report["source"] == {"commit": RULE["commit"], "digest": pinned["digest"], "locked": True}


def test_a_stand_in_is_written_down_as_one(install: ModuleType, wish: dict[str, Any], source: Path) -> None:
    (source / "STAND-IN").touch()

    assert install.install(wish)["stand_in"] is True


def test_without_a_source_the_build_stops_with_the_option_to_give_one(
    install: ModuleType, wish: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(SystemExit) as caught:
        install.install({**wish, "source": str(tmp_path / "empty")})

    assert "--build-context engine=FOLDER" in str(caught.value)


def test_a_fault_stops_the_build_with_a_sentence_and_nothing_is_written_down(
    install: ModuleType, wish: dict[str, Any], packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.check_engine, "check", lambda *_: {"problems": ["cuda is 12.6, not 12.8"]})

    with pytest.raises(SystemExit) as caught:
        install.install(wish)

    assert str(caught.value) == "the engine's environment is not what it should be: cuda is 12.6, not 12.8"
    assert not (packages.parents[2] / "deploykit.json").exists()


def test_the_failures_of_a_build_know_these_sentences(install_engine: ModuleType) -> None:
    from deploy_kit.builder import image

    for text in (install_engine.EMPTY, "the engine's environment is not what it should be: x"):
        assert image.diagnose([f"#19 84.2 {text}"], "x").finding.code == "BUILD-ENGINE-CHECK"


def test_a_source_that_was_there_leaves_nothing_behind(
    install: ModuleType, wish: dict[str, Any], packages: Path
) -> None:
    (packages / "indextts").mkdir()
    (packages / "indextts/old.py").touch()

    install.install(wish)

    assert not (packages / "indextts/old.py").exists()
