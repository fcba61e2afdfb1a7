"""On the host all is well, the engine grants the card, and still it does not work in the container."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gpu.conftest import Arrange
from tests.gpu.stack import ENGINE, Stack
from tests.support.gpu_host import Form, Host

CASES: dict[str, dict[str, Any]] = {
    "GPU-DRIVER-MISMATCH": {"cu_init": 803},
    "GPU-FORWARD-COMPAT": {"cu_init": 804},
    "GPU-UVM": {"cu_init": 999},
    "GPU-PROBE-CRASHED": {"crash": "cuInit"},
    "GPU-CARD-UNSUPPORTED": {"kernel": "CUDA error: no kernel image is available for execution on the device"},
}


@pytest.mark.parametrize("code", CASES)
def test_auto_falls_back_and_every_witness_names_the_same_cause(
    stack: Stack, host: Host, engine: Arrange, code: str
) -> None:
    engine(Form.HOOK)
    host.driver.inside(**CASES[code])
    outcome = stack.up().events()[-1]
    finding = next(one for one in outcome["findings"] if one["code"] == "GPU-NOT-INSIDE")

    assert (finding["severity"], code in finding["evidence"][0]["observed"]) == ("warning", True)
    assert stack.says(model="espeak")[0] == 200
    stack.until(lambda: stack.ready()["fallback"])
    assert stack.ready()["fallback"]["code"] == code
    assert stack.model()["device"] == "cpu"


@pytest.mark.parametrize("code", ["GPU-UVM", "GPU-FORWARD-COMPAT"])
def test_a_card_that_was_demanded_is_refused_and_every_witness_names_the_same_cause(
    stack: Stack, host: Host, engine: Arrange, code: str
) -> None:
    engine(Form.HOOK)
    host.driver.inside(**CASES[code])
    done = stack.up("--device", "cuda", check=False)
    finding = done.events()[-1]["findings"][0]

    assert (done.code, finding["code"], finding["severity"]) == (4, "GPU-NOT-INSIDE", "blocker")
    assert code in finding["evidence"][0]["observed"]
    stack.until(lambda: stack.model()["state"] == "refused")
    assert stack.model()["code"] == code
    assert {step.get("reason") for step in stack.json("/startupz")["steps"] if step["name"] == "engine"} == {code}
    assert stack.says(model="espeak")[0] == 200
    assert stack.says(model=ENGINE)[0] == 503


@pytest.mark.parametrize("form", [Form.HOOK, Form.CDI], ids=lambda form: form.value)
def test_libraries_without_device_nodes(stack: Stack, host: Host, engine: Arrange, form: Form) -> None:
    engine(form)
    host.toolkit.nodeless(form)
    outcome = stack.up().events()[-1]
    finding = next(one for one in outcome["findings"] if one["code"] == "GPU-NOT-INSIDE")

    assert not stack.nodes()
    stack.until(lambda: stack.ready()["fallback"])
    assert stack.ready()["fallback"]["code"] in finding["evidence"][0]["observed"]
