"""Nothing is done to a host without a yes."""

from __future__ import annotations

import io
import json

import pytest

from deploy_kit.cli.output.ask import consent
from deploy_kit.cli.session import Session
from deploy_kit.cli.table import find
from deploy_kit.findings import Message

MESSAGE = Message.of("cli.test_ask_install", packages="docker.io")
COMMANDS = (("apt-get", "install", "docker.io"),)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def session(*argv: str) -> Session:
    command = find("up")
    assert command is not None
    opened = Session.open(command, list(argv), {})
    assert opened is not None
    return opened


def test_yes_answers_and_still_shows_what_will_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert consent(session("--yes"), MESSAGE, COMMANDS) is True
    assert "apt-get install docker.io" in capsys.readouterr().err


def test_without_a_terminal_the_answer_is_no(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert consent(session(), MESSAGE, COMMANDS) is False
    assert "apt-get install docker.io" in capsys.readouterr().err


@pytest.mark.parametrize(("reply", "answer"), [("y", True), ("YES", True), ("是", True), ("n", False), ("", False)])
def test_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch, reply: str, answer: bool) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{reply}\n"))
    monkeypatch.setattr("sys.stderr", Terminal())
    assert consent(session(), MESSAGE, COMMANDS) is answer


def test_a_closed_terminal_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(""))
    monkeypatch.setattr("sys.stderr", Terminal())
    assert consent(session(), MESSAGE, COMMANDS) is False


def test_json_output_tells_of_the_question_as_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    assert consent(session("--output", "json"), MESSAGE, COMMANDS) is False
    assert json.loads(capsys.readouterr().out) == {
        "event": "consent",
        "message": "The tests need these packages of the distribution: docker.io",
        "commands": [["apt-get", "install", "docker.io"]],
        "given": False,
    }
