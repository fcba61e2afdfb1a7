"""Completion scripts, tried in a real bash."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from deploy_kit.cli.completion import script
from deploy_kit.cli.table import COMMANDS
from deploy_kit.messages import LOCALES, Catalogue


def complete(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    source = script("bash", Catalogue("en"))
    line = shlex.join(("deploykit", *words))
    ask = f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; _deploykit; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ("bash", "--norc", "-c", f"{source}\n{ask}"), capture_output=True, text=True, cwd=folder, timeout=20, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sta"], ["status"]),
        (["ren"], ["render"]),
        (["up", "--dry"], ["--dry-run"]),
        (["up", "--target", ""], ["compose", "local"]),
        (["doctor", "--target", ""], ["compose", "local", "kubernetes"]),
        (["--output", "json", "completion", ""], ["bash", "zsh", "fish"]),
        (["up", "--progress", "p"], ["plain"]),
        (["say", "--lang", ""], []),
        (["render", "fo"], ["folder"]),
        (["up", "--config", "fo"], ["folder"]),
    ],
)
def test_bash_offers(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    assert complete(tmp_path, *words) == offered


def test_bash_offers_every_command(tmp_path: Path) -> None:
    assert complete(tmp_path, "")[: len(COMMANDS)] == [command.name for command in COMMANDS]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_name_every_command(shell: str, locale: str) -> None:
    text = script(shell, Catalogue(locale))
    assert all(command.name in text for command in COMMANDS)


@pytest.mark.parametrize("locale", LOCALES)
def test_quotes_in_texts_do_not_end_a_word(locale: str) -> None:
    for shell in ("zsh", "fish"):
        for row in script(shell, Catalogue(locale)).splitlines():
            assert row.replace("'\\''", "").count("'") % 2 == 0
