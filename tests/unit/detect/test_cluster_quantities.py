"""Kubernetes' quantities, and what a pod asks of its node."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit.detect.site.cluster.nodes import by_node, requests
from deploy_kit.detect.site.cluster.quantity import amounts, number

GIB = 1024**3


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0), ("12", 12), ("16Gi", 16 * GIB), ("1.5Gi", 3 * GIB // 2), ("64Mi", 64 << 20),
        ("7Ki", 7168), ("1k", 1000), ("2M", 2_000_000), ("3G", 3 * 10**9), ("1e3", 1000), ("9E", 9 * 10**18),
        ("1.5e3", 1500), ("100m", 1), ("1500m", 2), ("1Ti", 1024 * GIB), ("5u", 1), ("900000000n", 1), (8, 8),
    ],
)  # fmt: skip
def test_a_quantity_is_a_whole_number_rounded_up(text: str, count: int) -> None:
    assert number(text) == count


@pytest.mark.parametrize(
    ("text", "thousandths"), [("4", 4000), ("100m", 100), ("1.5", 1500), ("250000u", 250), ("1n", 1)]
)
def test_processors_count_in_thousandths(text: str, thousandths: int) -> None:
    assert amounts({"cpu": text, "requests.cpu": text}) == {"cpu": thousandths, "requests.cpu": thousandths}


@pytest.mark.parametrize("text", ["", "Gi", "4 cores", "1.2.3", "0x10", "1e", "--1", "NaN", "1Zi", ".", "9" * 60])
def test_what_is_no_quantity_is_left_out(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        number(text)
    assert amounts({"memory": text, "cpu": "1"}) == {"cpu": 1000}


@given(st.text())
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    assert set(amounts({"memory": text})) <= {"memory"}


@given(st.integers(0, 2**62))
def test_a_whole_number_is_itself(count: int) -> None:
    assert number(str(count)) == count


def test_a_number_beyond_all_clusters_stays_countable() -> None:
    assert number("1e300") == 2**63 - 1


def container(name: str = "main", **asked: str) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": asked}}


def test_containers_run_together() -> None:
    pod = {"spec": {"containers": [container(cpu="1", memory="1Gi"), container(cpu="500m")]}}

    assert requests(pod) == {"cpu": 1500, "memory": GIB, "pods": 1}


def test_containers_of_the_start_run_one_by_one() -> None:
    pod = {
        "spec": {
            "containers": [container(cpu="1", memory="1Gi")],
            "initContainers": [container(memory="3Gi"), container(memory="2Gi", cpu="100m")],
        }
    }

    assert requests(pod) == {"cpu": 1000, "memory": 3 * GIB, "pods": 1}


def test_a_side_car_runs_beside_all_that_comes_after_it() -> None:
    side_car = container(memory="1Gi") | {"restartPolicy": "Always"}
    pod = {
        "spec": {
            "containers": [container(memory="2Gi")],
            "initContainers": [container(memory="3500Mi"), side_car, container(memory="4Gi")],
        }
    }

    assert requests(pod)["memory"] == 5 * GIB  # the last one of the start beside the side-car


def test_a_limit_without_a_request_is_one() -> None:
    pod = {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "2", "memory": "1Gi"}}}]}}

    assert requests(pod) == {"nvidia.com/gpu": 2, "memory": GIB, "pods": 1}


def test_what_the_whole_pod_asks_for_takes_the_place_of_its_containers() -> None:
    pod = {
        "spec": {
            "resources": {"requests": {"cpu": "4"}},
            "containers": [container(cpu="1", memory="1Gi")],
            "overhead": {"cpu": "250m", "memory": "120Mi"},
        }
    }

    assert requests(pod) == {"cpu": 4250, "memory": GIB + (120 << 20), "pods": 1}


def test_a_pod_that_asks_for_nothing_still_takes_a_place() -> None:
    assert requests({"spec": {"containers": [{}]}}) == {"pods": 1}


def test_sums_are_by_node() -> None:
    pods = [("a", {"cpu": 100, "pods": 1}), ("b", {"pods": 1}), ("a", {"cpu": 50, "nvidia.com/gpu": 1, "pods": 1})]

    assert by_node(pods) == {"a": {"cpu": 150, "nvidia.com/gpu": 1, "pods": 2}, "b": {"pods": 1}}
