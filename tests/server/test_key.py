"""The API key: asked of programs and people alike, never of probes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.server.running import Running

KEY = "correct-horse-battery-staple"


@pytest.fixture
def guarded(launch, tmp_path: Path) -> Running:
    (tmp_path / "key").write_text(f"{KEY}\n")
    return launch(TTS_API_KEY_FILE=str(tmp_path / "key"))


def test_the_api_and_the_metrics_ask_for_the_key_and_the_probes_do_not(guarded: Running) -> None:
    for path in ("/v1/models", "/v1/audio/voices", "/metrics", "/openapi.json", "/gradio_api/info"):
        answer = guarded.get(path)
        assert (answer.status, answer.code) == (401, "invalid_api_key")
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/livez", "/readyz", "/healthz", "/health"):
        assert guarded.get(path).status == 200
    assert guarded.get("/startupz").status in (200, 503)


@pytest.mark.parametrize("header", ["Bearer wrong", f"Bearer {KEY}x", f"Basic {KEY}", KEY, "Bearer", "Bearer ü", ""])
def test_anything_but_the_key_is_refused(guarded: Running, header: str) -> None:
    assert guarded.say("Hello.", headers={"authorization": header}).status == 401


def test_the_key_opens(guarded: Running) -> None:
    assert guarded.say("Hello.", headers={"authorization": f"Bearer {KEY}"}).status == 200


def test_a_person_types_the_key_and_gets_the_page(guarded: Running) -> None:
    guarded.until("/startupz", seconds=60)
    door = guarded.get("/", accept="text/html", accept_language="zh")
    wrong = guarded.ask("POST", "/login", urlencode({"key": "guess"}).encode())
    right = guarded.ask("POST", "/login", urlencode({"key": KEY}).encode())
    cookie = right.headers["set-cookie"].split(";")[0]

    assert door.status == 401
    assert "需要密钥" in door.body.decode()
    assert wrong.status == 401
    assert "set-cookie" not in wrong.headers
    assert (right.status, right.headers["location"]) == (303, "/")
    assert "HttpOnly" in right.headers["set-cookie"]
    assert "SameSite=Strict" in right.headers["set-cookie"]
    assert KEY not in right.headers["set-cookie"]
    assert "IndexTTS" in guarded.get("/", accept="text/html", cookie=cookie).body.decode()


@pytest.mark.parametrize("cookie", ["x", "9999999999.x", ".", "9999999999." + "0" * 64, "abc." + "0" * 64, "ü.ü"])
def test_a_made_up_cookie_does_not_open(guarded: Running, cookie: str) -> None:
    assert guarded.get("/v1/models", cookie=f"deploykit_session={cookie}").status == 401


def test_the_key_is_in_no_log_and_no_workers_environment(guarded: Running) -> None:
    guarded.ask("POST", "/login", urlencode({"key": KEY}).encode())
    guarded.say("Hello.", headers={"authorization": f"Bearer {KEY}"})

    assert KEY not in guarded.text()
    assert b"TTS_API_KEY" not in Path(f"/proc/{guarded.worker()}/environ").read_bytes()


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_key_file_without_a_key_does_not_open_the_service(launch, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    server: Running = launch(wait=None, TTS_API_KEY_FILE=str(tmp_path / "key"))

    assert server.process.wait(10) == 2
    assert server.text().startswith("CONFIG-KEY-FILE")
