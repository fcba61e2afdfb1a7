"""The same gates from within a container: same codes, and silence where no card is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from deploy_kit import compat, proc
from deploy_kit.compat import Wish
from deploy_kit.compat import inside as within
from deploy_kit.detect.machine import inside
from deploy_kit.facts import EngineFacts, HostFacts, RouteFacts, UpkeepFacts, not_asked
from deploy_kit.findings import Finding, Severity
from tests.support.hosts import HOSTS
from tests.support.recorded import RECORDED, but

WISH = Wish("indextts-2.5", "auto", "cu128", "local", "127.0.0.1", 7860, 0, 0)
DRIVER_GATES = [
    "gpu-cuda-999", "gpu-cuda-803", "gpu-cuda-hung", "gpu-driver-515", "gpu-mig-empty", "gpu-prohibited",
    "gpu-fabric-missing", "gpu-wsl2-driver-old",
]  # fmt: skip


def contained(name: str) -> HostFacts:
    """A machine as a container on it sees it: no engine, no way in, no records of the host."""
    nothing = EngineFacts(**{one.name: not_asked("inside a container") for one in fields(EngineFacts)})
    host = but(RECORDED[name], platform={"container": "docker"})
    return replace(host, engine=nothing, route=RouteFacts(), upkeep=UpkeepFacts())


def look(
    name: str, *, variant: str = "cu128", device: str = "auto", engine: str = "indextts-2.5"
) -> tuple[Finding, ...]:
    return within.judge(contained(name), engine=engine, variant=variant, device=device)


def cards(findings: Sequence[Finding]) -> list[str]:
    return [one.code for one in findings if one.code.startswith("GPU-")]


@pytest.mark.parametrize("name", DRIVER_GATES)
def test_a_gate_has_the_same_code_inside_and_outside(name: str) -> None:
    outside = compat.judge(RECORDED[name], WISH, port_is_ours=False).findings

    assert cards(look(name)) == [one.code for one in outside if one.code.startswith("GPU-")] != []


@pytest.mark.parametrize("name", DRIVER_GATES)
def test_a_demanded_card_that_does_not_work_blocks_and_another_only_warns(name: str) -> None:
    severities = {
        device: [one.severity for one in look(name, device=device) if one.code.startswith("GPU-")]
        for device in ("auto", "cuda")
    }

    assert severities == {"auto": [Severity.WARNING], "cuda": [Severity.BLOCKER]}


@pytest.mark.parametrize(
    ("variant", "device", "engine"),
    [("cpu", "auto", "indextts-2.5"), ("cu128", "cpu", "indextts-2.5"), ("core", "auto", "espeak")],
)
def test_where_no_card_is_wanted_none_is_spoken_of(variant: str, device: str, engine: str) -> None:
    assert cards(look("gpu-cuda-999", variant=variant, device=device, engine=engine)) == []
    assert not within.wants_card(engine, variant, device)


def test_a_card_that_works_is_no_news() -> None:
    assert look("gpu-h200") == ()
    assert look("gpu-desktop") == ()


def test_a_card_that_was_not_handed_in_is_told_without_asking_the_driver() -> None:
    host = but(contained("gpu-h200"), gpu={"nvml": not_asked("the GPU was not asked for"), "nodes": ()})

    for device, severity in (("auto", Severity.INFO), ("cuda", Severity.BLOCKER)):
        (finding,) = within.judge(host, engine="indextts-2.5", variant="cu128", device=device)
        assert (finding.code, finding.severity) == ("GPU-NOT-GIVEN", severity)


def test_the_other_cards_of_the_host_are_nobodys_business_here() -> None:
    assert cards(look("gpu-one-silent")) == []


def test_the_image_for_other_cards_does_not_serve_this_one() -> None:
    assert cards(look("gpu-gtx-1080")) == ["GPU-CARD-UNSUPPORTED"]
    assert cards(look("gpu-gtx-1080", variant="cu126")) == []


def test_the_processor_and_the_sandbox_are_looked_at_too() -> None:
    host = but(contained("cpu-no-avx2"), platform={"container": "gvisor"})
    found = within.judge(host, engine="indextts-2.5", variant="cpu", device="auto")

    assert [(one.code, one.severity.value) for one in found] == [("HOST-NO-AVX2", "warning"), ("HOST-GVISOR", "info")]


def test_the_driver_is_left_alone_unless_it_is_asked_for(tmp_path: Path) -> None:
    context = HOSTS["gpu-ready"].context(tmp_path)
    asked: list[tuple[str, ...]] = []

    def run(argv: Sequence[str], **options: object) -> proc.Completed:
        asked.append(tuple(argv))
        raise proc.CommandMissing(argv, "not found on PATH")

    quiet = replace(context, run=run)  # type: ignore[arg-type]
    facts = inside.observe(quiet, {"state": "/outputs"})

    assert asked == []
    assert not facts.gpu.nvml.known
    inside.observe(quiet, {"state": "/outputs"}, driver=True)
    assert any(argv[-1].endswith("nvml.py") for argv in asked)
