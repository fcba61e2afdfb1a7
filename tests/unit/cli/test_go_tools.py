"""Programs built from Go: once for each state of their module, under the versions that the module names."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.cli.testing import go_tools

MOD = "module kube\n\nrequire (\n\tk8s.io/kubernetes v1.34.4\n)\n\nrequire helm.sh/helm/v3 v3.19.5 // indirect\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    module = tmp_path / "tests/tools/kube"
    module.mkdir(parents=True)
    (module / "go.mod").write_text(MOD.replace("require helm", "\thelm"))
    (module / "go.sum").write_text("sums")
    (module / "main.go").write_text("package main")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    commands: list[tuple[str, ...]] = []

    def stream(argv, on_line, **given):
        commands.append(tuple(argv))
        folder = next(word for word in argv if word.startswith("-o=")).removeprefix("-o=")
        (Path(folder) / "kube").write_text("")
        return proc.Completed(tuple(argv), 0, "", "", 1.0)

    monkeypatch.setattr(proc, "stream", stream)
    return commands


def test_what_is_built_is_not_built_again(root: Path, built: list[tuple[str, ...]]) -> None:
    first = go_tools.build(root, "/go", print)
    assert (first, len(built)) == (go_tools.build(root, "/go", print), 1)
    assert (first / "kubectl").readlink() == Path("kube")
    assert first == go_tools.place(root)


def test_another_state_of_the_module_is_another_folder(root: Path, built: list[tuple[str, ...]]) -> None:
    first = go_tools.build(root, "/go", print)
    (root / "tests/tools/kube/main.go").write_text("package main // changed")
    assert go_tools.build(root, "/go", print) != first
    assert len(built) == 2


def test_programs_say_the_versions_that_the_module_names(root: Path, built: list[tuple[str, ...]]) -> None:
    go_tools.build(root, "/go", print)
    flags = next(word for word in built[0] if word.startswith("-ldflags="))
    assert "version.gitVersion=v1.34.4 " in flags
    assert "version.gitMinor=34 " in flags
    assert flags.endswith("version.version=v3.19.5")


def test_a_build_that_fails_leaves_nothing_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(argv, on_line, **given):
        on_line("main.go:1: undefined: x")
        raise proc.CommandFailed(proc.Completed(tuple(argv), 1, "main.go:1: undefined: x", "", 1.0))

    monkeypatch.setattr(proc, "stream", stream)
    words = go_tools.Building(root, "/go").end()
    assert "undefined: x" in words
    assert not go_tools.place(root).exists()
    assert [file.name for file in go_tools.place(root).parent.iterdir()] == ["kube.lock"]


def test_what_nobody_used_for_a_month_goes(root: Path, built: list[tuple[str, ...]]) -> None:
    old, new = (go_tools.place(root).with_name(f"kube-{name}") for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    month = time.time() - 40 * 86400
    os.utime(old, (month, month))
    go_tools.build(root, "/go", print)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize(("said", "found"), [("go1.26.8", True), ("go1.24", True), ("go1.19.8", False), ("", False)])
def test_a_go_that_is_too_old_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, found: bool
) -> None:
    go = tmp_path / "go"
    go.write_text("")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(proc, "run", lambda argv, **given: proc.Completed(tuple(argv), 0, said, "", 0.0))
    assert (go_tools.find_go() == str(go)) is found
