"""The model beside the built-in voice: what is read of it, how long it is waited for, what is said when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from deploy_kit.client import Client, Reply
from deploy_kit.data import table
from deploy_kit.errors import Failure
from deploy_kit.lifecycle import model
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.progress import Event, EventKind
from tests.support import samples

ENGINE = "indextts-2.5"
STACK = samples.stack(engine=ENGINE)


def document(state: str, **more: Any) -> dict[str, Any]:
    return {"engines": {ENGINE: {"state": state, **more}}, "fallback": None}


class Service:
    """A client whose service says these documents, one after another, and the last for ever; time flies meanwhile."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._left = list(documents)

    def ready(self, *, timeout: float) -> Reply:
        now = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return Reply(503, {}, json.dumps(now).encode(), 0.0)

    def startup(self) -> dict[str, Any]:
        return {"steps": [{"name": "engine", "state": "running", "seconds": 1}, None]}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    own = SimpleNamespace(now=0.0)
    monkeypatch.setattr(model.time, "monotonic", lambda: own.now)
    monkeypatch.setattr(model.time, "sleep", lambda seconds: setattr(own, "now", own.now + seconds))
    return own


def wait(*documents: dict[str, Any]) -> tuple[model.ModelStatus, list[Event]]:
    events: list[Event] = []
    service: Any = Service(*documents)
    return model.wait(service, STACK, events.append), events


def test_bytes_and_phases_are_told_until_it_is_ready() -> None:
    fetching = [document("fetching", progress={"done_bytes": n, "total_bytes": 4, "eta_seconds": 90}) for n in (1, 2)]
    found, events = wait(*fetching, document("loading", device="cpu"), document("ready", device="cpu"))

    assert (found.ready, found.device) == (True, "cpu")
    assert [event.fraction for event in events if event.kind is EventKind.PROGRESS] == [0.25, 0.5, None]
    assert events[-1].kind is EventKind.DONE


@pytest.mark.parametrize(
    ("state", "code", "expected", "exit_code"),
    [
        ("unlicensed", None, "CACHE-UNLICENSED", 9),
        ("failed", "CACHE-NO-SOURCE", "CACHE-FAILED", 9),
        ("failed", "engine", "HEALTH-MODEL", 7),
        ("refused", "GPU-NOT-GIVEN", "GPU-REFUSED", 4),
    ],
)
def test_a_model_that_does_not_come_ends_the_wait(state: str, code: str | None, expected: str, exit_code: int) -> None:
    with pytest.raises(Failure) as caught:
        wait(document("loading"), document(state, code=code, reason="because"))

    assert (caught.value.finding.code, int(caught.value.exit_code)) == (expected, exit_code)


def test_a_load_that_says_nothing_is_waited_for_as_long_as_the_table_gives_it(clock: SimpleNamespace) -> None:
    with pytest.raises(Failure) as caught:
        wait(document("loading"))

    assert caught.value.finding.code == "HEALTH-MODEL-STUCK"
    assert clock.now >= table("engines")[ENGINE]["deadlines"]["cpu"]["load"]


def test_fetching_that_stands_still_is_given_up_once_the_service_has_said_why(clock: SimpleNamespace) -> None:
    progress = {"done_bytes": 1, "total_bytes": 4, "eta_seconds": None}
    stuck = document("fetching", code="CACHE-NO-SOURCE", reason="Nobody answers.", progress=progress)
    with pytest.raises(Failure) as raised:
        wait(stuck)

    assert (raised.value.finding.code, int(raised.value.exit_code)) == ("CACHE-FAILED", 9)
    assert ("reason", "Nobody answers.") in raised.value.finding.args
    assert 60 < clock.now < 70


def test_what_stops_the_fetching_is_told() -> None:
    progress = {"done_bytes": 1, "total_bytes": 4, "eta_seconds": None}
    told = model.sentence(model.read(document("fetching", code="CACHE-X", reason="Nobody.", progress=progress), ENGINE))

    assert "Nobody." in Catalogue("en").text(told.key, told.args)


def test_the_built_in_voice_has_nothing_to_be_waited_for() -> None:
    assert model.look(Client(STACK.listen), samples.stack()) is None


def test_a_document_of_another_kind_says_nothing() -> None:
    strange: Iterator[Any] = iter([{}, {"engines": []}, {"engines": {ENGINE: "ready"}}, {"engines": {"other": {}}}])

    assert [model.read(one, ENGINE) for one in strange] == [None] * 4


def test_a_model_without_its_licence_is_accepted_by_a_command_that_keeps_the_engine() -> None:
    found = model.read(document("unlicensed"), ENGINE)
    assert found is not None

    (command,) = model.failure(found, STACK).finding.commands
    assert command[:4] == ("deploykit", "up", "--engine", ENGINE)


def test_the_proof_of_a_model_is_given_the_time_of_its_device() -> None:
    assert model.proof_seconds(STACK, "cpu") > 20 * model.proof_seconds(STACK, "cuda") / 2


STATES = [
    "starting",
    "unlicensed",
    "fetching",
    "loading",
    "ready",
    "asleep",
    "restarting",
    "failed",
    "refused",
    "stopped",
]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_sentence(state: str, locale: str) -> None:
    for progress in (None, {"done_bytes": 1, "total_bytes": 2}, {"done_bytes": 1, "total_bytes": 2, "eta_seconds": 9}):
        found = model.read(document(state, progress=progress, reason="why", device="cpu"), ENGINE)
        assert found is not None
        said = model.sentence(found)
        assert ENGINE in Catalogue(locale).text(said.key, said.args)
