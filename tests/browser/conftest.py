"""A real Chromium on the real service, started as plain processes from the checkout."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).parents[2]
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def serve(folder: Path, **settings: str) -> Iterator[str]:
    """Run the service until the test is done with it; gives its address."""
    python = os.environ.get("DEPLOYKIT_SERVER_PYTHON")
    assert python, "DEPLOYKIT_SERVER_PYTHON must name the interpreter of the server's environment"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    outputs, cache = folder / "outputs", folder / "cache_hub"
    outputs.mkdir()
    cache.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'images/server'}:{ROOT}",
        "TTS_LISTEN": f"127.0.0.1:{port}",
        "TTS_OUTPUTS": str(outputs),
        "TTS_CACHE_HUB": str(cache),
        **settings,
    }
    log = (folder / "log").open("wb")
    server = subprocess.Popen((python, "-m", "tts_server"), env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        _until_started(f"http://127.0.0.1:{port}/startupz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


def _until_started(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "chromium is not installed"
    browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
    yield browser
    browser.close()


@pytest.fixture
def visit(browser: Browser, service: str) -> Iterator[Callable[..., Page]]:
    """Opens the page as a visitor: language, size, colours. Fails when the page asks anybody but the service."""
    contexts: list[BrowserContext] = []
    strangers: list[str] = []

    def open_page(locale: str = "en-US", size: dict[str, int] = DESKTOP, scheme: str = "light", url: str = "") -> Page:
        context = browser.new_context(locale=locale, viewport=size, color_scheme=scheme, accept_downloads=True)  # type: ignore[arg-type]
        contexts.append(context)
        address = url or service
        context.on(
            "request",
            lambda request: (
                None if request.url.startswith((address, "data:", "blob:")) else strangers.append(request.url)
            ),
        )
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strangers == []
