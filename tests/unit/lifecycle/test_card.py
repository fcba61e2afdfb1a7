"""What is made of an engine that will not hand a card in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deploy_kit.compat import DeviceRequest, RequestKind
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Severity
from deploy_kit.lifecycle import card
from deploy_kit.plan.stack import Stack
from deploy_kit.tools import docker
from tests.support.samples import stack as sample

HOOK = (
    "Error response from daemon: OCI runtime create failed: error running hook #0: exit status 1, stdout: , "
    "stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown"
)
CDI = 'Error response from daemon: could not select device driver "cdi" with capabilities: [[gpu]]'


class Guard:
    """The guard in the container, as `docker exec` gives its answer."""

    def __init__(self, code: str | None) -> None:
        self.stdout, self.stderr, self.returncode = json.dumps({"code": code, "detail": "cuInit says 999"}), "", 0

    def __call__(self, *command: str, **options: object) -> Guard:
        assert command[0] == "exec"
        return self


def failure(said: str) -> Failure:
    return fail("ENGINE-COMPOSE-FAILED", "here", reason=said, said=f" Container here  Starting\n{said}")


def asking(*, required: bool) -> Stack:
    return replace(sample(), gpu=DeviceRequest(RequestKind.RESERVATION, (), required))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (HOOK, "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown"),
        (CDI, 'could not select device driver "cdi" with capabilities: [[gpu]]'),
    ],
)
def test_a_card_that_was_hoped_for_becomes_a_warning_with_the_engines_words(said: str, words: str) -> None:
    (finding,) = card.withheld(failure(said), asking(required=False))

    assert (finding.code, finding.severity) == ("GPU-NOT-GRANTED", Severity.WARNING)
    assert dict(finding.args)["reason"] == words


def test_a_card_that_was_demanded_is_refused_with_all_causes() -> None:
    cause = fail("GPU-NOT-LOADED", "GPU").finding
    told = Failure(failure(HOOK).finding, cause)
    with pytest.raises(Failure) as caught:
        card.withheld(told, asking(required=True))

    assert (caught.value.finding.code, caught.value.more) == ("GPU-NOT-GRANTED", (cause,))


@pytest.mark.parametrize(
    ("said", "gpu"),
    [
        ("Error response from daemon: no space left on device", True),
        ("nvidia-container-cli: device error: GPU-9: unknown device", True),
        (HOOK, False),
    ],
    ids=["disk", "a card that does not exist", "no card asked for"],
)
def test_other_failures_stay_what_they_are(said: str, gpu: bool) -> None:
    told = failure(said)
    with pytest.raises(Failure) as caught:
        card.withheld(told, asking(required=False) if gpu else sample())

    assert caught.value is told


def test_a_server_that_refuses_before_the_guard_is_asked_from_here_makes_no_other_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = fail("GPU-REFUSED", "indextts-2.5", cause="GPU-UVM", reason="cuInit says 999")
    monkeypatch.setattr(docker, "call", Guard("GPU-UVM"))
    with pytest.raises(Failure) as caught:
        card.refused(told, asking(required=True), lambda _: None)

    assert (caught.value.finding.code, caught.value.finding.severity) == ("GPU-NOT-INSIDE", Severity.BLOCKER)
    assert caught.value.finding.evidence[0].observed == "GPU-UVM cuInit says 999"


def test_a_card_refused_for_another_reason_keeps_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "call", Guard(None))

    card.refused(fail("GPU-REFUSED", "indextts-2.5", cause="GPU-NO-ROOM", reason="-"), asking(required=True), print)
    monkeypatch.setattr(docker, "call", Guard("GPU-UVM"))
    card.refused(fail("HEALTH-STUCK", "here", seconds=1, step="-"), asking(required=True), print)
