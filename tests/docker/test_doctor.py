"""``doctor`` on the machine that the tests run on: what it says holds when ``up`` comes."""

from __future__ import annotations

import pytest

from tests.docker.conftest import Stack


@pytest.mark.parametrize("engine", ["espeak", "indextts-2.5"])
def test_a_green_doctor_means_a_plan_without_obstacles(cli: Stack, engine: str) -> None:
    judged = cli("doctor", "--engine", engine, "--output", "json", check=False)
    planned = cli("up", "--dry-run", "--engine", engine, "--output", "json", check=False)

    of_the_network = [one for one in judged.json()["findings"] if one["code"].startswith("HOST-UNREACHABLE")]
    rest = [one for one in judged.json()["findings"] if one not in of_the_network and one["code"] != "HOST-CLOCK"]
    assert rest == planned.json()["findings"]
    assert (judged.code, planned.code) == (judged.json()["exit_code"], judged.code)
    assert judged.json()["verdict"]["runs"] is (judged.code == 0)


def test_doctor_leaves_a_running_stack_alone_and_sees_that_its_port_is_its_own(up: Stack) -> None:
    before = up.start_of()

    judged = up("doctor", "--offline", "--output", "json").json()

    assert [one["code"] for one in judged["findings"] if one["severity"] == "blocker"] == []
    assert up.start_of() == before


def test_there_is_nothing_to_mend_where_everything_holds(up: Stack) -> None:
    outcome = up("doctor", "--fix", "--prove", "--offline", "--output", "json").json()

    assert outcome["fix"]["offers"] == []
    assert outcome["prove"]["outcome"] == "no-model"
