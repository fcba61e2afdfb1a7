"""Cards while the service runs: shared by two stacks, chosen by name, two at once, and lost."""

from __future__ import annotations

from collections.abc import Callable

from tests.gpu.conftest import Arrange
from tests.gpu.stack import ENGINE, Stack
from tests.support.gpu_host import Form, Host
from tests.support.gpu_host.driver import GIB, Card

StackOf = Callable[..., Stack]
TEN = Card(name="NVIDIA GeForce RTX 3080", capability="8.6", total=10 * GIB, device="2206")
FIRST, SECOND = (Card(at, name="NVIDIA GeForce RTX 4080", total=16 * GIB, device="2704") for at in range(2))


def test_two_stacks_share_a_card_by_what_they_promise_each_other(
    stack_of: StackOf, host: Host, engine: Arrange
) -> None:
    engine(Form.HOOK, TEN)
    first, second = stack_of(), stack_of(device="cuda")
    first.up("--wait-for-model")
    host.driver.inside(used=5_500_000_000)  # what the first has taken of what it was promised
    host.driver.host(used=5_500_000_000)
    refused = second.up("--wait-for-model", check=False)
    finding = refused.events()[-1]["findings"][0]

    assert (refused.code, finding["code"]) == (4, "GPU-REFUSED")
    assert "6.2 GB needed, 5.2 GB free" in finding["why"]
    assert second.model()["code"] == "GPU-NO-ROOM"
    assert second.says(model="espeak")[0] == 200
    volumes = [
        {mount["Name"] for mount in one.container()["Mounts"] if mount["Destination"] == "/run/deploykit/gpu"}
        for one in (first, second)
    ]
    assert volumes == [{"deploykit_gpu"}] * 2

    first("down")
    host.driver.inside(used=500_000_000)
    second.until(lambda: second.model()["state"] == "ready")
    assert second.model()["device"] == "cuda"


def test_a_card_lost_at_run_time_is_noticed_and_the_cpu_takes_over(stack: Stack, host: Host, engine: Arrange) -> None:
    engine(Form.HOOK)
    stack.up("--wait-for-model")
    host.driver.inside(nvml_call=15, cu_init=999)
    stack.until(lambda: stack.ready()["fallback"])

    assert stack.ready()["fallback"]["code"] == "GPU-LOST"
    stack.until(lambda: stack.model()["state"] == "ready")
    assert (stack.ready()["device"], stack.ready()["answers"]) == ("cpu", ENGINE)
    assert "tts_fallback 1" in stack.ask("/metrics")[1].decode()
    status = stack("status", "--output", "json").json()
    assert status["device"] == "cpu"
    assert "GPU-LOST" in stack("status").out


def test_a_card_chosen_by_name_is_the_only_one_in_the_container(stack_of: StackOf, engine: Arrange) -> None:
    engine(Form.HOOK, FIRST, SECOND)
    stack = stack_of(gpus=SECOND.uuid)
    stack.up("--wait-for-model")

    assert [one["DeviceIDs"] for one in stack.asked_for()] == [[SECOND.uuid]]
    assert stack.nodes() == ["nvidia-uvm", "nvidia1", "nvidiactl"]
    assert {card["uuid"] for card in stack.ready()["gpus"]} == {SECOND.uuid}
    assert {one["gpu"] for one in stack.model()["workers"]} == {SECOND.uuid}


def test_two_cards_are_both_at_work(stack: Stack, engine: Arrange) -> None:
    engine(Form.CDI, FIRST, SECOND)
    stack.up("--wait-for-model")
    stack.until(lambda: [one["state"] for one in stack.model()["workers"]] == ["ready", "ready"])

    assert {one["gpu"] for one in stack.model()["workers"]} == {FIRST.uuid, SECOND.uuid}
    assert stack.nodes() == ["nvidia-uvm", "nvidia0", "nvidia1", "nvidiactl"]
