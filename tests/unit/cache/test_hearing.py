"""What the cache's work tells becomes progress, a result, or a failure."""

from __future__ import annotations

import json
from typing import Any

from deploy_kit.cache.hearing import Hearing
from deploy_kit.errors import ExitCode
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.progress import Event, EventKind


def heard(*told: dict[str, Any] | str) -> tuple[Hearing, list[Event]]:
    events: list[Event] = []
    hearing = Hearing("cache-pull", events.append)
    for one in told:
        hearing.line(one if isinstance(one, str) else json.dumps(one))
    return hearing, events


def test_progress_has_a_fraction_and_a_sentence() -> None:
    _, events = heard({"event": "progress", "file": "gpt.pth", "done_bytes": 25, "total_bytes": 100, "speed": 2500})

    assert events[0].kind is EventKind.PROGRESS
    assert events[0].fraction == 0.25
    assert events[0].message is not None
    for locale in LOCALES:
        assert "2.5 kB/s" in Catalogue(locale).text(events[0].message.key, events[0].message.args)


def test_notes_start_and_source_are_sentences_in_every_language() -> None:
    _, events = heard(
        {"event": "start", "need_bytes": 10, "have_bytes": 0, "files": 2, "source": "auto"},
        {"event": "source", "name": "modelscope", "reason": ""},
        {"event": "source", "name": "modelscope", "reason": "3 MB/s"},
        {"event": "note", "code": "busy", "args": {"holder": "pid 7"}},
        {"event": "reading", "files": 2, "need_bytes": 10},
    )

    assert [event.kind for event in events] == [EventKind.NOTE] * 5
    for event in events:
        assert event.message is not None
        assert {Catalogue(locale).text(event.message.key, event.message.args) for locale in LOCALES}


def test_a_failure_keeps_code_and_values_and_ends_with_9() -> None:
    hearing, _ = heard(
        {"event": "failed", "code": "CACHE-CORRUPT", "args": {"subject": "a/b", "wanted": "0", "reasons": "x"}}
    )

    assert hearing.failure is not None
    assert hearing.failure.exit_code is ExitCode.CACHE
    assert hearing.failure.finding.subject == "a/b"
    what = hearing.failure.finding.sentence("what")
    assert "a/b" in Catalogue("en").text(what.key, what.args)


def test_the_last_word_is_the_result() -> None:
    hearing, events = heard({"event": "done", "files": 0, "have_bytes": 5})

    assert hearing.result == {"event": "done", "files": 0, "have_bytes": 5}
    assert events == []


def test_what_is_no_event_is_passed_on_and_kept() -> None:
    hearing, events = heard("Traceback", "", '"text"', "[1]")

    assert hearing.tail == ["Traceback", '"text"', "[1]"]
    assert {event.kind for event in events} == {EventKind.LINE}
