"""Shared by the tests of the command line."""

from __future__ import annotations

import pytest

from deploy_kit.cli.output import program


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are shown as if the program were on PATH, wherever the tests run."""
    monkeypatch.setattr(program, "name", lambda: "deploykit")
    program.typed(())
