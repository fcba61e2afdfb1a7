"""The page of a service with an IndexTTS engine, whose workers are scripted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, serve
from tests.browser.test_page import SPOKEN, picture, speak
from tests.server.stage import Stage
from tests.server.test_model_speech import clip

Visit = Callable[..., Page]


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[tuple[Stage, str]]:
    """A service that has loaded, on the CPU for want of a GPU; and what its workers were asked for."""
    python = os.environ["DEPLOYKIT_SERVER_PYTHON"]
    with ExitStack() as ending:

        def start(wait: str | None, **settings: str) -> Any:
            del wait
            (tmp_path / "server").mkdir()
            serving = serve(tmp_path / "server", **settings)
            ending.callback(lambda: next(serving, None))
            return next(serving)

        stage = Stage(tmp_path / "stage", python, start, tmp_path)
        stage.fill()
        (stage.cache / "voices").mkdir(exist_ok=True)
        (stage.cache / "voices/anna.wav").write_bytes(clip())
        yield stage, str(stage.serve())


def test_a_visitor_brings_a_voice_and_an_emotion(visit: Visit, staged: tuple[Stage, str], tmp_path: Path) -> None:
    stage, url = staged
    page = visit(url=url)
    (tmp_path / "mine.wav").write_bytes(clip(2))
    page.locator("#reference-file").set_input_files(tmp_path / "mine.wav")
    page.get_by_role("button", name="Emotion").click()
    page.locator("#emo_happy input[type=number]").fill("0.5")
    page.locator("#emo_happy input[type=number]").press("Tab")
    speak(page, "Hello, this is my own voice.")
    picture(page, "webui-model")

    told = stage.told("speak")[-1]
    assert told["emotion"] == {"kind": "vector", "vector": [0.5, 0, 0, 0, 0, 0, 0, 0], "alpha": 1.0}
    assert (told["head"], len(Path(told["reference"]).name)) == ("RIFF", 68)
    expect(page.locator("#note")).to_contain_text("indextts-2.5")


def test_a_clip_of_the_cache_can_be_chosen(visit: Visit, staged: tuple[Stage, str]) -> None:
    stage, url = staged
    page = visit(url=url)
    page.locator("#voice input").click()
    page.get_by_role("option", name="anna").click()
    speak(page, "Hello.")

    assert stage.told("speak")[-1]["reference"].endswith("voices/anna.wav")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_fallback_is_said_and_nothing_runs_over_the_edge_of_a_phone(
    visit: Visit, staged: tuple[Stage, str], locale: str
) -> None:
    page = visit(locale, PHONE, url=staged[1])
    banner = page.locator(".banner").first
    expect(banner).to_contain_text("GPU" if locale == "en-US" else "正在用 CPU", timeout=SPOKEN)
    picture(page, f"webui-model-phone-{locale[:2]}")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
