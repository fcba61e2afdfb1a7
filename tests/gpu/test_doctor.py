"""``doctor`` on a host with a card: it proves the card inside, and mends the way in."""

from __future__ import annotations

import pytest

from tests.gpu.conftest import Arrange
from tests.gpu.stack import ENGINE, Stack
from tests.support.gpu_host import Form


@pytest.mark.parametrize("form", [Form.HOOK, Form.CDI, Form.RUNTIME], ids=lambda form: form.value)
def test_the_card_is_proved_in_a_container_of_its_own(stack: Stack, engine: Arrange, form: Form) -> None:
    engine(form)

    seen = stack("doctor", "--prove", "--offline", "--output", "json", check=False).events()[-1]["prove"]

    assert (seen["outcome"], seen["findings"]) == ("usable", [])
    assert seen["guard"]["torch"].startswith("2.8.0")
    assert not stack.there.docker("ps", "--all", "--quiet"), "the container is gone"


def test_the_page_names_card_image_and_way(stack: Stack, engine: Arrange) -> None:
    engine(Form.HOOK)

    first = stack("doctor", "--offline").out.splitlines()[0]

    assert f"{ENGINE} runs here on NVIDIA" in first
    assert "from the image cu128" in first


def test_an_engine_that_does_not_know_the_toolkit_is_taught(stack: Stack, engine: Arrange) -> None:
    """What the toolkit is told to do is done; this host has no init system that could restart its engine."""
    engine(Form.NONE)

    shown = stack("doctor", "--fix", "--dry-run", "--offline", "--output", "json", check=False).events()[-1]["fix"]
    refused = stack("doctor", "--fix", "--offline", "--output", "json", check=False).events()[-1]["fix"]

    assert [(one["code"], one["result"]) for one in shown["offers"]] == [("GPU-NO-TOOLKIT", "shown")]
    assert refused["offers"][0]["result"] in ("no-source", "declined")
