"""How results of the suite are read, and what a report says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy_kit import proc
from deploy_kit.errors import ExitCode, Failure
from deploy_kit.messages import LOCALES, Catalogue, topic
from deploy_kit.progress import Event, EventKind
from deploy_kit.verify import Outcome, runner

SUITE = Path(runner.__file__).parent / "suite"


def row(name: str, outcome: str, detail: str = "") -> str:
    return runner.MARK + json.dumps({"name": name, "outcome": outcome, "detail": detail, "seconds": 0.1})


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Any:
    def prints(*lines: str, code: int = 0) -> list[tuple[str, ...]]:
        calls: list[tuple[str, ...]] = []

        def stream(argv: tuple[str, ...], on_line: Any, **_: Any) -> proc.Completed:
            calls.append(argv)
            for text in lines:
                on_line(text)
            return proc.Completed(argv, code, "\n".join(lines), "", 1.0)

        monkeypatch.setattr(proc, "stream", stream)
        return calls

    return prints


def test_a_report_holds_every_check_in_order(suite: Any) -> None:
    suite(row("user", "passed"), "something else", row("size", "failed", "400 MB"), row("labels", "not-asked"), code=1)
    events: list[Event] = []

    report = runner.run("x:1", None, events.append)

    assert [(check.name, check.outcome) for check in report.checks] == [
        ("user", Outcome.PASSED),
        ("size", Outcome.FAILED),
        ("labels", Outcome.NOT_ASKED),
    ]
    assert [event.kind for event in events] == [EventKind.DONE, EventKind.LINE, EventKind.FAILED, EventKind.DONE]
    assert not report.passed


def test_a_failed_check_is_a_finding_with_the_exit_code_of_verification(suite: Any) -> None:
    suite(row("size", "failed", "400 MB"), code=1)

    (finding,) = runner.run("x:1", None, lambda _: None).findings

    assert dict(finding.args)["seen"] == "400 MB"
    assert Failure(finding).exit_code is ExitCode.VERIFY


def test_a_suite_that_says_nothing_has_not_passed(suite: Any) -> None:
    suite("ImportError: no module named nonsense")

    with pytest.raises(Failure) as caught:
        runner.run("x:1", None, lambda _: None)
    assert caught.value.finding.code == "VERIFY-BROKEN"


def test_a_suite_that_breaks_half_way_has_not_passed(suite: Any) -> None:
    suite(row("user", "passed"), "INTERNALERROR", code=3)

    with pytest.raises(Failure) as caught:
        runner.run("x:1", None, lambda _: None)
    assert caught.value.finding.code == "VERIFY-BROKEN"


def test_secrets_to_look_for_are_no_arguments(suite: Any) -> None:
    calls = suite(row("user", "passed"))

    runner.run("x:1", "name", lambda _: None, markers=("hunter2",))

    assert "hunter2" not in " ".join(calls[0])
    assert "--container=name" in calls[0]


def test_every_check_has_a_sentence_in_every_language() -> None:
    names = {
        line.split("(")[0].removeprefix("def test_")
        for path in SUITE.glob("test_*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("def test_")
    }
    for locale in LOCALES:
        assert set(topic(locale, "verify")) == names
        assert all(Catalogue(locale).text(f"verify.{name}") for name in names)
