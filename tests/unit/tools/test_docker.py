"""Asking the container engine over its socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.tools import docker


def test_an_engine_that_does_not_answer_is_not_asked_again_through_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(argv: tuple[str, ...], **_: object) -> proc.Completed:
        raise AssertionError(argv)

    place = tmp_path / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setattr(docker, "QUICK", 0.05)
    monkeypatch.setattr(proc, "run", refuse)

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen()
        with pytest.raises(proc.CommandTimeout):
            docker.container("indextts")
