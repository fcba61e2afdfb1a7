"""Waiting: as long as something moves, and never longer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deploy_kit.client import Reply
from deploy_kit.errors import Failure
from deploy_kit.progress import Event, EventKind
from deploy_kit.run import wait
from deploy_kit.run.wait import Pulse, until_ready


class Service:
    """Answers with one ledger after another; the last one for ever. Its seconds pass as they do in the real one."""

    def __init__(self, *ledgers: dict[str, Any], ready: bool = False) -> None:
        self._ledgers: Iterator[dict[str, Any]] = iter(ledgers)
        self._last: dict[str, Any] = {}
        self._ready = ready
        self._asked = 0

    def ready(self) -> Reply:
        self._asked += 1
        self._last = next(self._ledgers, self._last)
        body = json.dumps(self._last.get("document", {})).encode()
        return Reply(200 if self._last.get("ready") else 503, {}, body, 0.0)

    def startup(self) -> dict[str, Any]:
        return {"seconds": self._asked, "steps": [dict(step, seconds=self._asked) for step in self._last["steps"]]}


def ledger(state: str, *, ready: bool = False) -> dict[str, Any]:
    return {"steps": [{"name": "worker", "state": state}, {"name": "api", "state": "waiting"}], "ready": ready}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes only by sleeping."""
    now = [0.0]
    monkeypatch.setattr(wait.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(wait.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def run(service: Service, pulses: Iterator[Pulse] | None = None) -> list[Event]:
    events: list[Event] = []
    beats = pulses if pulses is not None else iter(lambda: Pulse(True, "start 1"), None)
    until_ready(service, "indextts", lambda: next(beats), lambda count: ["last words"], events.append)  # type: ignore[arg-type]
    return events


def code(service: Service, pulses: Iterator[Pulse] | None = None) -> str:
    with pytest.raises(Failure) as caught:
        run(service, pulses)
    return caught.value.finding.code


def test_it_ends_when_the_service_is_ready() -> None:
    events = run(Service(ledger("running"), ledger("done"), ledger("done", ready=True)))

    assert [event.kind for event in events] == [EventKind.PROGRESS, EventKind.PROGRESS]


def test_passing_seconds_are_no_movement() -> None:
    assert code(Service(ledger("running"))) == "HEALTH-STUCK"


def test_a_step_that_fails_and_begins_anew_for_ever_is_no_movement() -> None:
    again = [ledger(state) for _ in range(5000) for state in ("running", "failed")]

    assert code(Service(*again)) == "HEALTH-STUCK"


def test_a_device_that_was_demanded_and_refused_ends_the_wait_at_once() -> None:
    told = {"state": "refused", "auto": "m", "engines": {"m": {"state": "refused", "code": "GPU-UVM", "reason": "…"}}}

    assert code(Service(ledger("running") | {"document": told})) == "GPU-REFUSED"


def test_a_process_that_ended_is_told_with_its_code() -> None:
    assert code(Service(ledger("running")), iter([Pulse(False, "", 7)])) == "HEALTH-EXITED"


def test_a_process_without_a_code_is_gone() -> None:
    assert code(Service(ledger("running")), iter([Pulse(False, "")])) == "HEALTH-GONE"


def test_the_last_words_are_passed_on() -> None:
    events: list[Event] = []
    with pytest.raises(Failure):
        until_ready(
            Service(ledger("running")),  # type: ignore[arg-type]
            "indextts",
            lambda: Pulse(False, "", 1),
            lambda count: ["last words"],
            events.append,
        )

    assert [event.text for event in events if event.kind is EventKind.LINE] == ["last words"]
