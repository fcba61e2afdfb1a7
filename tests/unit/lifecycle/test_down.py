"""``down`` of what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit.cli.main import main
from deploy_kit.lifecycle import down
from deploy_kit.lifecycle.site import Running
from deploy_kit.run.state import State
from tests.support import samples


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A name that never was."""
    found = State("never-was", tmp_path)
    monkeypatch.setattr(down, "state_of", lambda request: found)
    monkeypatch.setattr(down, "surely_running", lambda state: Running(None, None))
    monkeypatch.chdir(tmp_path)
    return found


def test_a_name_that_never_was_leaves_no_trace(nothing: State, tmp_path: Path) -> None:
    told: list[object] = []

    assert down.down(samples.request(name="never-was"), told.append) is False

    assert (told, list(tmp_path.iterdir())) == ([], [])


def test_the_user_is_told_that_there_was_nothing(nothing: State, tmp_path: Path, capsys) -> None:
    assert main(["down", "--name", "never-was"], {}) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
