"""The WebUI as a person uses it: in both languages, on a desk and on a phone."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, serve

Visit = Callable[..., Page]
SPOKEN = 20_000
"""Milliseconds within which a sentence must be heard on the busiest machine."""


def speak(page: Page, text: str) -> None:
    page.locator("#text textarea").fill(text)
    page.locator("#speak").click()
    expect(page.locator("#sound a[download]")).to_be_visible(timeout=SPOKEN)


def sound(page: Page, name: str = "sound") -> wave.Wave_read:
    """What the download button gives."""
    with page.expect_download() as waiting:
        page.locator(f"#{name} a[download]").click()
    return wave.open(io.BytesIO(Path(waiting.value.path()).read_bytes()))


def seconds(file: wave.Wave_read) -> float:
    return file.getnframes() / file.getframerate()


def picture(page: Page, name: str) -> None:
    """A screenshot, kept where DEPLOYKIT_SCREENSHOTS names a folder."""
    if folder := os.environ.get("DEPLOYKIT_SCREENSHOTS"):
        page.wait_for_timeout(500)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize(
    ("locale", "button", "text"),
    [
        ("en-US", "Speak", "Hello! This sentence was spoken in a browser."),
        ("zh-CN", "朗读", "你好!这句话是在浏览器里合成的。"),
    ],
)
def test_a_visitor_types_a_text_and_hears_it(visit: Visit, locale: str, button: str, text: str) -> None:
    page = visit(locale)
    expect(page.locator("#speak")).to_have_text(button)

    speak(page, text)
    picture(page, f"webui-{locale[:2]}")

    with sound(page) as file:
        assert seconds(file) > 1.5
        assert file.getframerate() == 22050
        assert max(file.readframes(file.getnframes())) > 10


def test_speed_acts(visit: Visit) -> None:
    page = visit()
    text = "The quick brown fox jumps over the lazy dog, and then it rests for a while."
    speak(page, text)
    with sound(page) as file:
        plain = seconds(file)

    page.locator("#speed input[type=number]").fill("2")
    page.locator("#speed input[type=number]").press("Tab")
    page.locator("#speak").click()
    page.wait_for_timeout(200)
    expect(page.locator("#sound a[download]")).to_be_visible(timeout=SPOKEN)
    page.wait_for_timeout(1500)

    with sound(page) as file:
        assert seconds(file) < 0.7 * plain


def test_a_voice_and_a_language_can_be_chosen(visit: Visit) -> None:
    page = visit()
    page.locator("#language input").click()
    page.get_by_role("option", name="中文").click()
    page.locator("#voice input").click()
    page.get_by_role("option").nth(2).click()

    speak(page, "你好,世界。")

    with sound(page) as file:
        assert seconds(file) > 0.5


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_an_example_fills_the_field_and_can_be_spoken(visit: Visit, locale: str) -> None:
    page = visit(locale)
    page.get_by_text("Hello, and welcome!").click()
    expect(page.locator("#text textarea")).to_have_value("Hello, and welcome! How can I help you today?")
    page.get_by_text("我正在用 Python").click()
    expect(page.locator("#text textarea")).to_have_value("我正在用 Python 写一个小工具。")

    page.locator("#speak").click()
    expect(page.locator("#sound a[download]")).to_be_visible(timeout=SPOKEN)


def test_an_empty_text_is_answered_in_the_visitors_language(visit: Visit) -> None:
    for locale, script in (("en-US", "ascii"), ("zh-CN", "chinese")):
        page = visit(locale)
        page.locator("#text textarea").fill("   ")
        page.locator("#speak").click()
        fault = page.locator("#note .fault")

        expect(fault).to_be_visible(timeout=SPOKEN)
        chinese = any("\u4e00" <= character <= "\u9fff" for character in fault.inner_text())
        assert chinese is (script == "chinese")


def test_markup_is_spoken_as_text_and_never_becomes_part_of_the_page(visit: Visit) -> None:
    page = visit()

    speak(page, "<img src=x onerror=document.title='broken'><b>bold</b> [[h@'loU]]")

    assert page.title() == "IndexTTS"


def test_a_long_text_can_be_stopped(visit: Visit) -> None:
    page = visit()
    page.locator("#text textarea").fill("This is one sentence of many, and it goes on for quite a while. " * 150)
    page.locator("#speak").click()
    page.locator("#stop").click()

    speak(page, "And now a short one.")
    with sound(page) as file:
        assert seconds(file) < 5


def test_the_banner_tells_engine_and_device(visit: Visit) -> None:
    expect(visit().get_by_text("espeak").first).to_be_visible()
    expect(visit("zh-CN").get_by_text("设备").first).to_be_visible()


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_over_the_edge_of_a_phone(visit: Visit, locale: str, scheme: str) -> None:
    page = visit(locale, PHONE, scheme)
    speak(page, "Hello. 你好。")
    picture(page, f"webui-phone-{locale[:2]}-{scheme}")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    button = page.locator("#speak").bounding_box()
    assert button is not None
    assert button["width"] >= 200
    assert button["height"] >= 36


def test_dark_is_dark(visit: Visit) -> None:
    page = visit(scheme="dark")
    expect(page.locator("#text textarea")).to_be_visible(timeout=SPOKEN)
    picture(page, "webui-dark")

    colour = page.evaluate("getComputedStyle(document.querySelector('#text textarea')).backgroundColor")
    channels = [int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    assert sum(channels) < 300


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    key = tmp_path / "key"
    key.write_text("a-key-for-tests")
    yield from serve(tmp_path, TTS_API_KEY_FILE=str(key))


def test_a_service_with_a_key_asks_for_it(visit: Visit, guarded: str) -> None:
    page = visit(url=guarded)
    field = page.locator("input[type=password]")
    expect(field).to_be_visible()
    expect(page.locator("#speak")).to_have_count(0)
    picture(page, "webui-login")

    field.fill("a wrong one")
    field.press("Enter")
    expect(page.locator("input[type=password]")).to_be_visible()
    page.locator("input[type=password]").fill("a-key-for-tests")
    page.locator("input[type=password]").press("Enter")

    expect(page.locator("#speak")).to_be_visible(timeout=SPOKEN)
    speak(page, "The door is open.")
