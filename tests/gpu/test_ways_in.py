"""A card reaches the service in every form in which a container engine hands one in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.gpu.stack import ENGINE, Stack
from tests.support.gpu_host import Form
from tests.support.gpu_host.driver import Card

Arrange = Callable[..., None]
ASKED: dict[Form, list[tuple[str, Any]]] = {
    Form.HOOK: [("nvidia", None)],
    Form.CDI: [("cdi", ["nvidia.com/gpu=all"])],
    Form.RUNTIME: [],
}


@pytest.mark.parametrize("form", list(ASKED), ids=lambda form: form.value)
def test_the_card_is_asked_for_handed_in_proved_and_speaks(stack: Stack, engine: Arrange, form: Form) -> None:
    engine(form)
    done = stack.up("--wait-for-model")
    outcome, seen = done.events()[-1], stack.ready()

    assert (outcome["device"], outcome["proof"]["answered_by"]) == ("cuda", ENGINE)
    assert [(one["Driver"], one["DeviceIDs"]) for one in stack.asked_for()] == ASKED[form]
    assert stack.container()["HostConfig"]["Runtime"] == ("nvidia" if form is Form.RUNTIME else "runc")
    assert stack.nodes() == ["nvidia-uvm", "nvidia0", "nvidiactl"]
    assert (stack.verdict()["code"], stack.verdict()["uuid"]) == (None, Card().uuid)
    assert (seen["device"], seen["fallback"], seen["answers"]) == ("cuda", None, ENGINE)
    assert [card["uuid"] for card in seen["gpus"]] == [Card().uuid]
    assert [one["device"] for one in stack.model()["workers"]][:1] == ["cuda"]
