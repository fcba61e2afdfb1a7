"""``doctor --target kubernetes``: its page, its JSON, its files, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit.cli.main import main


@pytest.mark.parametrize("command", ["up", "plan", "render out", "build", "verify", "cache list"])
def test_other_commands_refuse_a_cluster_by_name(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--target", "kubernetes"], {}) == 2
    said = capsys.readouterr().err
    assert f"CONFIG-TARGET  --target: `{command.split()[0]}` does not know `target: kubernetes` yet." in said
    assert "deploykit doctor --target kubernetes" in said


@pytest.mark.parametrize("command", ["status", "down", "logs"])
def test_what_stands_in_the_file_is_refused_too(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploykit.yaml").write_text("name: radio\ntarget: kubernetes\n")
    monkeypatch.chdir(tmp_path)
    assert main([command], {}) == 2
    assert "deploykit.yaml:2: " in capsys.readouterr().err
