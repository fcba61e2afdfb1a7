"""Exit codes and the events of Kubernetes."""

from __future__ import annotations

import pytest

from deploy_kit import diagnose
from deploy_kit.diagnose import Fallback
from deploy_kit.errors import ExitCode
from deploy_kit.findings import Severity


@pytest.mark.parametrize(
    ("code", "oom", "row"),
    [
        (125, False, "E11"),
        (126, False, "D51"),
        (127, False, "D51"),
        (132, False, "D50"),
        (134, False, "E12"),
        (135, False, "P32"),
        (137, True, "D47"),
        (137, False, "D48"),
        (139, False, "D49"),
        (143, False, "D52"),
        (130, False, "D52"),
        (-9, True, "D47"),
        (-11, False, "D49"),
        (1, False, "E01"),
    ],
)
def test_an_exit_code_has_a_meaning(code: int, oom: bool, row: str) -> None:
    match = diagnose.exit_code(code, oom)

    assert match is not None
    assert match.row == row


@pytest.mark.parametrize("code", [int(code) for code in ExitCode if 0 < code < 100])
def test_each_of_our_own_exit_codes_has_one(code: int) -> None:
    assert diagnose.exit_code(code) is not None


def test_our_own_codes_mean_nothing_of_others() -> None:
    assert diagnose.exit_code(4, own=False) is None
    assert diagnose.exit_code(137, True, own=False) is not None


@pytest.mark.parametrize("code", [0, 77, 255])
def test_some_say_nothing(code: int) -> None:
    assert diagnose.exit_code(code) is None


def test_a_normal_stop_is_harmless() -> None:
    match = diagnose.exit_code(143)

    assert match is not None
    assert match.severity is Severity.INFO
    assert match.fallback is Fallback.IGNORE


def test_an_end_is_the_root_of_what_the_log_says_of_it() -> None:
    end = diagnose.exit_code(137, oom_killed=True)
    assert end is not None
    log = diagnose.read(["worker lost: engine=x pid=7 exit -9 in phase ready after 1.0 s"])

    assert diagnose.ordered((*log, end))[0].row == "D47"


def test_a_mere_exit_code_stands_behind_what_the_log_says() -> None:
    end = diagnose.exit_code(1)
    assert end is not None
    log = diagnose.read(["CUDA out of memory"])

    assert [match.row for match in diagnose.ordered((end, *log))] == ["P18", "E01"]


@pytest.mark.parametrize(
    ("reason", "message", "row"),
    [
        ("FailedScheduling", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3", "K01"),
        ("FailedScheduling", "0/3 nodes are available: 3 node(s) had untolerated taint {nvidia.com/gpu: }.", "K02"),
        ("FailedScheduling", "0/3 nodes are available: 3 Insufficient memory.", "K04"),
        ("FailedMount", "timed out waiting for the condition", "K08"),
        ("FailedCreatePodSandBox", 'failed to get sandbox runtime: no runtime for "nvidia" is configured', "K10"),
        ("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present", "K11"),
        ("UnexpectedAdmissionError", "Pod was rejected", "K12"),
        ("Failed", "Error: ImagePullBackOff", "K13"),
        ("BackOff", "Back-off restarting failed container indextts", "K17"),
        ("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503", "K19"),
        ("Unhealthy", "Readiness probe failed: Get x: connect: connection refused", "K20"),
        ("Evicted", "The node was low on resource: ephemeral-storage.", "K22"),
        ("NodeNotReady", "Node is not ready", "K23"),
        ("Preempted", "Preempted by pod 12 on node gpu-1", "K24"),
        ("FailedGetResourceMetric", "unable to get metrics for resource cpu", "K25"),
        ("StartError", 'could not select device driver "nvidia" with capabilities: [[gpu]]', "D01"),
    ],
)  # fmt: skip
def test_an_event_has_a_meaning(reason: str, message: str, row: str) -> None:
    match = diagnose.event(reason, message)

    assert match is not None
    assert match.row == row


def test_an_event_that_is_no_trouble_has_none() -> None:
    assert diagnose.event("Scheduled", "Successfully assigned default/x to node-1") is None
