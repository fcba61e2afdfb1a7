"""Planning for another host from its saved facts: nothing of this one may show through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import codec
from deploy_kit.builder import payload
from deploy_kit.config.request import Listen
from deploy_kit.data import table
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import doctor, up
from deploy_kit.plan.steps import Operation
from tests.support import samples

FACTS = Path(__file__).parents[2] / "facts"


def facts(name: str) -> HostFacts:
    return codec.loads(HostFacts, (FACTS / f"{name}.json").read_bytes())


def operations(prepared: up.Prepared) -> list[Operation]:
    return [step.operation for step in prepared.steps]


def test_a_bare_host_first_needs_its_packages_and_engine() -> None:
    prepared = up.prepare(samples.request(), facts=facts("debian-12-bare"))

    assert operations(prepared)[:3] == [Operation.INSTALL_PACKAGES, Operation.START_ENGINE, Operation.GET_BASE]


def test_a_ready_host_needs_neither() -> None:
    prepared = up.prepare(samples.request(), facts=facts("ubuntu-2404-ready"))

    assert operations(prepared)[0] is Operation.GET_BASE


def test_target_local_never_starts_an_engine() -> None:
    prepared = up.prepare(samples.request(target="local"), facts=facts("ubuntu-2404-ready"))

    assert Operation.START_ENGINE not in operations(prepared)
    assert Operation.BUILD_IMAGE not in operations(prepared)


def test_the_service_runs_as_the_user_of_that_host() -> None:
    bare = facts("ubuntu-2404-bare")

    assert up.prepare(samples.request(), facts=bare).stack.user == bare.privileges.uid.value


def test_the_plan_for_a_wide_listener_is_the_same_every_time() -> None:
    wide = samples.request(listen=Listen("0.0.0.0", 7860))
    ready = facts("ubuntu-2404-ready")

    first, second = (up.prepare(wide, facts=ready).stack for _ in range(2))

    assert first == second
    assert first.secret_version is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_the_firewall_rule_drops_requests_and_never_answers(host: str) -> None:
    from deploy_kit.lifecycle import access

    rules = access.firewall(replace(samples.stack(), listen=Listen(host, 8000)))

    assert all("--ctdir" in rule and "ORIGINAL" in rule for rule in rules)
    assert all("8000" in rule for rule in rules)
    assert [rule[1] for rule in rules] == (["iptables", "ip6tables"] if ":" in host else ["iptables"])


def test_a_host_without_a_card_is_planned_with_an_image_that_can_be_built() -> None:
    wish = samples.request(engine="indextts-2.5", variant="auto", device="auto")

    prepared = up.prepare(wish, facts=facts("cpu-large"))

    assert payload.own_lock(prepared.stack.image.variant) is not None
    assert prepared.verdict.blockers == ()


def test_the_table_says_which_locks_are_there() -> None:
    told = {name for name, row in table("matrix")["variants"].items() if not row["locked"]}

    assert {name for name, _ in doctor.wish(samples.request(engine="indextts-2.5")).unlocked} == told
