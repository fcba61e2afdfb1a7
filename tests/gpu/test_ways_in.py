"""A card reaches the service in every form in which an engine hands one in; where there is none, that is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gpu.conftest import Arrange
from tests.gpu.stack import ENGINE, Stack, codes
from tests.support.gpu_host import Form, Host
from tests.support.gpu_host.driver import Card

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
    assert not [code for code in codes(done) if code.startswith("GPU-")]
    assert [(one["Driver"], one["DeviceIDs"]) for one in stack.asked_for()] == ASKED[form]
    assert stack.container()["HostConfig"]["Runtime"] == ("nvidia" if form is Form.RUNTIME else "runc")
    assert stack.nodes() == ["nvidia-uvm", "nvidia0", "nvidiactl"]
    assert (stack.verdict()["code"], stack.verdict()["uuid"]) == (None, Card().uuid)
    assert (seen["device"], seen["fallback"], seen["answers"]) == ("cuda", None, ENGINE)
    assert [card["uuid"] for card in seen["gpus"]] == [Card().uuid]
    assert {one["device"] for one in stack.model()["workers"]} == {"cuda"}
    assert stack("status", "--output", "json").json()["device"] == "cuda"

    before = stack.start_of()
    again = stack("up", "--yes").out
    assert stack.start_of() == before
    assert "cuda" in again


def test_without_a_way_in_auto_takes_the_cpu_and_says_how_to_get_one(stack: Stack, engine: Arrange) -> None:
    engine(Form.NONE)
    refused = stack.up("--device", "cuda", check=False)
    assert (refused.code, codes(refused)) == (4, ["GPU-NO-TOOLKIT"])
    assert not stack.there.docker("ps", "--all", "--quiet"), "nothing was started"
    assert not stack.there.machine.path(str(stack.state)).exists(), "nothing was left behind"

    done = stack.up()
    outcome = done.events()[-1]
    finding = next(one for one in outcome["findings"] if one["code"] == "GPU-NO-TOOLKIT")
    assert (outcome["device"], finding["severity"]) == ("cpu", "warning")
    assert any("nvidia-container-toolkit" in command for command in finding["commands"])
    assert not stack.asked_for()
    assert not stack.nodes()
    assert stack.container()["HostConfig"]["Runtime"] == "runc"
    assert stack.ready()["device"] == "cpu"
    assert stack.says(model="espeak")[0] == 200
    stack.until(lambda: stack.ready()["fallback"])
    assert stack.ready()["fallback"]["code"] == "GPU-NOT-GIVEN"


def test_a_toolkit_that_is_installed_later_moves_the_service_to_the_card(stack: Stack, engine: Arrange) -> None:
    engine(Form.NONE)
    stack.up()
    engine(Form.HOOK)
    outcome = stack.up("--wait-for-model").events()[-1]

    assert (outcome["device"], stack.ready()["device"]) == ("cuda", "cuda")


def test_a_specification_in_json_on_one_line_is_understood(stack: Stack, engine: Arrange, host: Host) -> None:
    engine(Form.CDI)
    host.toolkit.specify(ending="json")

    assert not [code for code in codes(stack("up", "--dry-run", "--output", "json")) if code.startswith("GPU-")]


def test_a_specification_that_names_a_library_of_the_last_driver_is_said_to_be_old(
    stack: Stack, engine: Arrange, host: Host
) -> None:
    engine(Form.CDI)
    host.toolkit.specify(gone="/usr/lib/x86_64-linux-gnu/libcuda.so.565.57.01")
    done = stack.up("--device", "cuda", check=False)

    assert (done.code, codes(done)) == (4, ["GPU-CDI-STALE"])
    finding = done.events()[-1]["findings"][0]
    assert ["nvidia-ctk", "cdi", "generate", "--output=/etc/cdi/nvidia.yaml"] in [
        command[-4:] for command in finding["commands"]
    ]
    assert codes(stack("up", "--dry-run", "--output", "json"))[0] == "GPU-CDI-STALE"


def test_an_engine_that_does_not_hand_the_card_in_is_understood_and_auto_goes_on_without(
    stack: Stack, engine: Arrange, host: Host
) -> None:
    engine(Form.HOOK)
    words = "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown"
    host.toolkit.refuse(words)
    refused = stack.up("--device", "cuda", check=False)
    assert (refused.code, codes(refused)) == (4, ["GPU-NOT-GRANTED", "D06"])
    assert refused.events()[-1]["findings"][0]["why"] == f"It says: {words}"

    outcome = stack.up().events()[-1]
    found = {one["code"]: one["severity"] for one in outcome["findings"]}
    assert (outcome["device"], found["GPU-NOT-GRANTED"], found["D06"]) == ("cpu", "warning", "warning")
    assert not stack.asked_for()
    assert stack.says(model="espeak")[0] == 200
    stack.until(lambda: stack.ready()["fallback"])

    host.toolkit.install(Form.HOOK)
    outcome = stack.up().events()[-1]
    assert outcome["device"] == "cuda"
    assert not [one for one in outcome["findings"] if one["code"].startswith("GPU-")]
