"""``doctor`` and ``up`` judge a host alike: a doctor without blockers means an ``up`` without any."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from deploy_kit import codec
from deploy_kit.cli.commands.doctor import exit_code
from deploy_kit.cli.main import main
from deploy_kit.config.request import Request
from deploy_kit.errors import fail
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import doctor, up
from tests.support import samples
from tests.support.hosts import FACTS

HOSTS = sorted(path.stem for path in FACTS.glob("*.json"))
WISHES = {
    "built-in": samples.request(),
    "model": samples.request(engine="indextts-2.5"),
    "card": samples.request(engine="indextts-2.5", device="cuda"),
    "processes": samples.request(engine="indextts-2.5", target="local"),
}


def host(name: str) -> HostFacts:
    return codec.loads(HostFacts, (FACTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("request_", WISHES.values(), ids=WISHES)
@pytest.mark.parametrize("name", HOSTS)
def test_every_recorded_host_has_the_same_findings_in_doctor_and_in_the_plan(name: str, request_: Request) -> None:
    facts = host(name)

    _, verdict = doctor.examine(request_, facts)
    planned = up.prepare(request_, facts=facts).verdict

    assert verdict == planned
    assert exit_code(verdict) == (4 if planned.blockers else 0)


def test_this_host_is_judged_by_the_plan_of_up(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = host("gpu-ready")
    verdict = up.prepare(WISHES["model"], facts=facts).verdict
    asked: list[bool] = []

    def prepare(request: Request, *, network: bool) -> SimpleNamespace:
        asked.append(network)
        return SimpleNamespace(facts=facts, verdict=verdict)

    monkeypatch.setattr(up, "prepare", prepare)

    assert doctor.examine(WISHES["model"], network=True) == (facts, verdict)
    assert asked == [True]


def test_what_keeps_up_from_planning_is_a_finding_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(request: Request, **_: object) -> None:
        raise fail("ENGINE-NAME-TAKEN", "indextts")

    monkeypatch.setattr(up, "prepare", prepare)
    monkeypatch.setattr(doctor, "observe", lambda request, **_: host("gpu-ready"))

    assert main(["doctor", "--offline"], {}) == 4
    assert "ENGINE-NAME-TAKEN" in capsys.readouterr().out


def test_a_secret_that_cannot_be_read_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there (image, store, source) is looked for all the same, and is not said to be out of reach."""
    facts = host("gpu-ready")
    verdict = up.prepare(WISHES["model"], facts=facts).verdict
    request = dataclasses.replace(WISHES["model"], api_key_file="/nowhere")

    def prepare(request: Request, *, network: bool) -> SimpleNamespace:
        if request.api_key_file is not None:
            raise fail("CONFIG-KEY-FILE", request.api_key_file, reason="not there")
        return SimpleNamespace(facts=facts, verdict=verdict)

    monkeypatch.setattr(up, "prepare", prepare)

    seen, judged = doctor.examine(request)
    assert (seen, [one.code for one in judged.findings][1:]) == (facts, [one.code for one in verdict.findings])
    assert judged.findings[0].code == "CONFIG-KEY-FILE"
