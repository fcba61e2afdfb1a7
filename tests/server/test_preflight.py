"""The preflight from within: what the start says of cards, and when it does not even look."""

from __future__ import annotations

from tests.server.running import Running
from tests.server.stage import Stage


def findings(server: Running) -> dict[str, str]:
    server.until("/startupz")
    return {row["code"]: row["severity"] for row in server.get("/startupz").json["findings"]}


def test_a_cuda_image_without_a_card_says_so_at_the_start(stage: Stage) -> None:
    stage.fill()
    server = stage.serve(TTS_VARIANT="cu128")

    assert findings(server) == {"GPU-NOT-GIVEN": "info"}


def test_a_demanded_card_that_was_not_handed_in_blocks(stage: Stage) -> None:
    stage.fill()
    server = stage.serve(wait="/livez", TTS_VARIANT="cu128", TTS_DEVICE="cuda")
    server.until("/v1/models")

    assert findings(server) == {"GPU-NOT-GIVEN": "blocker"}
    assert "GPU-NOT-GIVEN" in server.text()


def test_a_stack_for_the_processor_says_nothing_of_cards(stage: Stage) -> None:
    stage.fill()
    for settings in ({"TTS_VARIANT": "cpu"}, {"TTS_VARIANT": "cu128", "TTS_DEVICE": "cpu"}):
        assert findings(stage.serve(**settings)) == {}
