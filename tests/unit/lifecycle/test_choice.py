"""What is kept from the last decision, and what makes a host be looked at again."""

from __future__ import annotations

from typing import Any

import pytest

from deploy_kit.compat import DeviceRequest, RequestKind
from deploy_kit.lifecycle.site import Choice, wish_of
from tests.support import samples


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "indextts-2"},
        {"variant": "cu128"},
        {"device": "cuda"},
        {"gpus": ("GPU-1",)},
        {"memory": 1},
        {"pids": 99},
    ],
)
def test_a_wish_that_changed_is_decided_anew(changes: dict[str, Any]) -> None:
    assert wish_of(samples.request(**changes)) != wish_of(samples.request())


def test_what_no_host_decides_is_no_such_wish() -> None:
    assert wish_of(samples.request(name="radio", region="cn")) == wish_of(samples.request())


def test_the_last_decision_gives_the_same_stack_again() -> None:
    gpu = DeviceRequest(RequestKind.CDI, ("nvidia.com/gpu=all",))
    previous = samples.model_stack(gpu)
    request = samples.request(engine="indextts-2.5")
    again = Choice.again(request, previous)

    assert (again.variant, again.device, again.gpu) == ("cu128", "cuda", gpu)
    assert (again.memory, again.pids) == (previous.limits.memory, previous.limits.pids)
