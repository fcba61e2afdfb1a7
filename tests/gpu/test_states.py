"""Whatever the driver says on the host, ``auto`` plans for the CPU with the cause, and ``cuda`` is refused with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gpu.conftest import Arrange
from tests.gpu.stack import Stack, codes
from tests.support.gpu_host import Form, Host
from tests.support.gpu_host.driver import GIB, Card

KEPLER = Card(name="NVIDIA Tesla K40", capability="3.5", total=12 * GIB, device="1024")
SMALL = Card(name="NVIDIA GeForce GTX 1650", capability="7.5", total=4 * GIB, device="1f82")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ({"nvml_init": 18}, "GPU-DRIVER-MISMATCH"),
        ({"nvml_init": 9}, "GPU-NOT-LOADED"),
        ({"nvml_init": 15}, "GPU-LOST"),
        ({"nvml_init": 4}, "GPU-NOT-ALLOWED"),
        ({"nvml_init": 999}, "GPU-DRIVER-ERROR"),
        ({"count": 0}, "GPU-NOT-VISIBLE"),
        ({"crash": "nvmlInit_v2"}, "GPU-PROBE-CRASHED"),
        ({"driver": "470.256.02", "cuda": 11040}, "GPU-DRIVER-OLD"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_driver_that_is_not_well(stack: Stack, host: Host, engine: Arrange, rows: dict[str, Any], code: str) -> None:
    engine(Form.HOOK)
    host.driver.host(**rows)

    assert_planned_without(stack, code)


@pytest.mark.parametrize(
    ("card", "code"), [(KEPLER, "GPU-CARD-UNSUPPORTED"), (SMALL, "GPU-SMALL")], ids=["old", "small"]
)
def test_a_card_that_will_never_do(stack: Stack, engine: Arrange, card: Card, code: str) -> None:
    engine(Form.HOOK, card)

    assert_planned_without(stack, code)


def test_a_card_without_its_driver(stack: Stack, host: Host, engine: Arrange) -> None:
    engine(Form.HOOK)
    host.driver.unload()

    assert_planned_without(stack, "GPU-NO-DRIVER")


def test_a_host_without_a_card(stack: Stack, host: Host, engine: Arrange) -> None:
    engine(Form.HOOK)
    host.driver.remove()

    assert_planned_without(stack, "GPU-NONE")


def assert_planned_without(stack: Stack, code: str) -> None:
    """``auto`` goes on with the cause as a warning, ``cuda`` does not."""
    auto = stack("up", "--dry-run", "--output", "json")
    severities = {finding["code"]: finding["severity"] for finding in auto.json()["findings"]}
    assert severities.get(code) == "warning"
    assert "blocker" not in severities.values()
    refused = stack("up", "--dry-run", "--device", "cuda", "--output", "json", check=False)
    assert refused.code == 4
    assert code in codes(refused)
