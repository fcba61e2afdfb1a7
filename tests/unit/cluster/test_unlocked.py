"""Images that nobody has locked yet are not promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deploy_kit import cluster
from deploy_kit.cluster import ClusterVerdict
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.findings import Severity
from tests.support.made_cluster import WISH, codes, gpu, node
from tests.support.made_cluster import cluster as made

PASCAL = {"product": "Tesla-P40", "capability": "6.1"}
LOCK = ("uv", "pip", "compile")
WITHOUT = replace(WISH, unlocked=(("cpu", LOCK), ("cu126", LOCK)))


def judge(facts: ClusterFacts, **wish: Any) -> ClusterVerdict:
    return cluster.judge(facts, replace(WITHOUT, **wish))


def test_cards_that_only_such_an_image_serves_are_left_to_the_cpu() -> None:
    facts = made(node(), gpu(card=PASCAL))
    with_lock = cluster.judge(facts, WISH)
    verdict = judge(facts)

    assert (with_lock.variant, with_lock.device) == ("cu126", "cuda")
    assert (verdict.variant, verdict.device, verdict.chosen) == ("cu128", "cpu", ("node-1",))
    (told,) = [one for one in verdict.findings if one.code == "BUILD-TORCH-INSTEAD"]
    assert (told.severity, told.commands, dict(told.args)["wanted"]) == (Severity.WARNING, (LOCK,), "cu126")
    assert not verdict.blockers


def test_without_cards_the_usual_image_stands_in_for_that_of_the_cpu() -> None:
    verdict = judge(made(node()))

    assert (verdict.variant, verdict.device) == ("cu128", "cpu")
    assert verdict.values["image"]["variant"] == "cu128"
    assert "BUILD-TORCH-INSTEAD" in codes(verdict)


def test_cards_of_an_image_that_can_be_made_go_first() -> None:
    verdict = judge(made(gpu("new", 1), gpu("old", 8, card=PASCAL)), replicas=2)

    assert (verdict.variant, verdict.device, verdict.chosen) == ("cu128", "cuda", ("new",))


def test_who_names_such_an_image_may_have_it_from_elsewhere_and_is_told() -> None:
    verdict = judge(made(node(), gpu(card=PASCAL)), variant="cu126")

    assert (verdict.variant, verdict.device) == ("cu126", "cuda")
    assert "BUILD-TORCH-UNLOCKED" in codes(verdict)
    assert not verdict.blockers
