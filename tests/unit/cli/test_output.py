"""How things look: tables, findings, progress."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from deploy_kit import codec
from deploy_kit.cli.commands.doctor import without_credentials
from deploy_kit.cli.output import findings, program, text
from deploy_kit.cli.output.bars import Bars
from deploy_kit.cli.output.events import JsonLines
from deploy_kit.cli.output.plain import PlainLines
from deploy_kit.cli.output.progress import Progress
from deploy_kit.facts import Fact, HostFacts, State
from deploy_kit.findings import Evidence, Finding, Message, Severity
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event, EventKind, line
from tests.support.hosts import FACTS

EN = Catalogue("en")
STORY = (
    Event(EventKind.STEP, "build-image", "deploykit/core:1", Message.of("plan.image-missing")),
    line("build-image", "#1 [internal] load"),
    Event(EventKind.PROGRESS, "build-image", text="layers", fraction=0.5),
    Event(EventKind.DONE, "build-image", "deploykit/core:1", seconds=12.4),
)


def test_columns_stay_aligned_with_wide_letters() -> None:
    first, second = text.rows([("状态", "a"), ("name", "b")])
    assert text.width(first[: first.index("a")]) == text.width(second[: second.index("b")])


def test_further_lines_of_a_value_stand_below_its_first() -> None:
    assert text.rows([("a", "1\n2")], indent="") == ["a  1", "   2"]


@pytest.mark.parametrize(("duration", "shown"), [(0.237, "0.24 s"), (12.4, "12 s"), (185, "3 min 5 s")])
def test_durations_for_people(duration: float, shown: str) -> None:
    assert text.seconds(duration) == shown


FINDING = Finding.of(
    "CONFIG-EXISTS",
    Severity.BLOCKER,
    "a file",
    evidence=(Evidence("stat", "12 bytes"),),
    commands=(("deploykit", "init", "a file"),),
)


def test_a_finding_says_what_why_what_was_seen_and_what_to_do() -> None:
    assert findings.text(FINDING, EN).splitlines() == [
        "✗ CONFIG-EXISTS  a file exists already.",
        "  It may hold your settings.",
        "  seen: stat: 12 bytes",
        "  → To overwrite it all the same:",
        "      deploykit init 'a file'",
    ]


def test_a_command_is_shown_as_it_must_be_typed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "name", lambda: "./deploykit")
    assert findings.text(FINDING, EN).splitlines()[-1] == "      ./deploykit init 'a file'"
    assert program.shown(("docker", "ps")) == "docker ps"


def test_a_finding_is_coloured_only_when_asked() -> None:
    assert "\x1b[31m" in findings.text(FINDING, EN, colour=True)
    assert "\x1b" not in findings.text(FINDING, EN)


def test_a_finding_without_sentences_is_still_shown() -> None:
    assert "HOST-NEVER-WRITTEN" in findings.text(Finding.of("HOST-NEVER-WRITTEN", Severity.INFO, "x"), EN)


def test_blockers_come_first() -> None:
    mixed = tuple(Finding.of("X", severity) for severity in (Severity.INFO, Severity.BLOCKER, Severity.WARNING))
    assert [finding.severity for finding in findings.ordered(mixed)] == list(Severity)


def test_plain_progress_is_one_line_an_event() -> None:
    sink = io.StringIO()
    display = PlainLines(sink, EN, clock=lambda: 0.0)
    for event in STORY:
        display.show(event)
    assert sink.getvalue().splitlines() == [
        "==> build the image deploykit/core:1 — there is no image of these inputs yet",
        "     50% layers",
        "    done 12 s",
    ]


def test_what_a_tool_printed_last_is_shown_when_its_step_fails() -> None:
    sink = io.StringIO()
    display = PlainLines(sink, EN, clock=lambda: 0.0)
    for number in range(100):
        display.show(Event(EventKind.LINE, "build-image", text=f"line {number}"))
    display.show(Event(EventKind.FAILED, "build-image"))

    shown = sink.getvalue().splitlines()
    assert shown[-2] == "    | line 99"
    assert len(shown) == 21


def test_plain_progress_does_not_flood() -> None:
    sink = io.StringIO()
    display = PlainLines(sink, EN, clock=lambda: 0.0)
    for number in range(1000):
        display.show(Event(EventKind.PROGRESS, "build-image", text="x", fraction=number / 1000))
    assert len(sink.getvalue().splitlines()) == 10


def test_json_progress_is_one_object_a_line() -> None:
    sink = io.StringIO()
    display = JsonLines(sink, EN)
    for event in STORY:
        display.show(event)
    first, *_, last = (json.loads(row) for row in sink.getvalue().splitlines())
    assert first == {
        "event": "step",
        "step": "build-image",
        "subject": "deploykit/core:1",
        "message": "there is no image of these inputs yet",
        "key": "plan.image-missing",
    }
    assert (last["event"], last["seconds"]) == ("done", 12.4)


def bars(events: tuple[Event, ...]) -> str:
    from rich.console import Console

    sink = io.StringIO()
    display = Bars(EN, Console(file=sink, force_terminal=True, width=100, color_system=None))
    for event in events:
        display.show(event)
    display.close()
    return sink.getvalue()


def test_bars_leave_a_line_for_each_finished_step() -> None:
    assert "✓ build the image deploykit/core:1  12 s" in bars(STORY)


def test_bars_print_the_last_output_of_a_failed_step() -> None:
    shown = bars((*STORY[:2], Event(EventKind.FAILED, "build-image")))
    assert "| #1 [internal] load" in shown
    assert "✗ build the image" in shown


def test_bars_take_brackets_in_output_literally() -> None:
    assert "[red]no[/markup]" in bars((STORY[0], line("x", "[red]no[/markup]"), Event(EventKind.FAILED, "x")))


def test_a_display_is_made_only_when_there_is_something_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr("deploy_kit.cli.output.progress._display", lambda style, *_: made.append(style))
    Progress("auto", False, EN).close()
    assert made == []


def test_quiet_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("quiet", False, EN)
    progress.report(STORY[0])
    progress.close()
    assert capsys.readouterr() == ("", "")


def test_json_output_puts_events_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("auto", True, EN)
    progress.report(STORY[0])
    progress.close()
    out, err = capsys.readouterr()
    assert (json.loads(out)["event"], err) == ("step", "")


def test_saved_facts_hold_no_password_of_a_registry_mirror() -> None:
    facts = codec.loads(HostFacts, (FACTS / "ubuntu-2404-ready.json").read_text(encoding="utf-8"))
    mirror = Fact(State.KNOWN, ("https://joe:s3cret@mirror.example/",), "engine")
    shown = without_credentials(replace(facts, engine=replace(facts.engine, mirrors=mirror)))
    assert shown.engine.mirrors.value == ("https://mirror.example/",)
