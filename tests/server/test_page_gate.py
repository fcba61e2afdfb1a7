"""The page answers its own browsers and nobody else: no file, no address of the network, no call it did not make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.running import Answer, Running

FILE = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
GOOD = ["Hello.", "auto", "auto", 1, 50]


def call(service: Running, action: str, **fields: Any) -> Answer:
    document = {"data": GOOD, "fn_index": speak_index(service), "session_hash": "abc123", **fields}
    return service.ask("POST", f"/gradio_api/{action}", document)


def config(service: Running) -> dict[str, Any]:
    page = service.get("/", accept="text/html").body.decode()
    found: dict[str, Any] = json.JSONDecoder().raw_decode(page.partition("window.gradio_config = ")[2])[0]
    return found


def index_of(service: Running, event: str) -> int:
    """The number of the page's own call: ``click`` of the button with inputs, ``load`` of the page."""
    rows = config(service)["dependencies"]
    found = [row for row in rows if row["targets"][0][1] == event and row["backend_fn"]]
    return int(max(found, key=lambda row: len(row["inputs"]))["id"])


def speak_index(service: Running) -> int:
    return index_of(service, "click")


@pytest.mark.parametrize("action", ["run/predict", "queue/join", "api/predict", "call/on_speak", "run/on_speak"])
@pytest.mark.parametrize("place", range(5))
def test_no_file_of_the_machine_can_be_had_through_a_field(service: Running, action: str, place: int) -> None:
    data: list[Any] = [*GOOD]
    data[place] = FILE
    answer = call(service, action, data=data)

    assert answer.status in (400, 404, 405)
    assert answer.code in ("bad_request", "not_found", "method_not_allowed")
    assert b"hostname" not in answer.body
    assert not [path for path in service.outputs.rglob("*") if path.name == "hostname"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hostname",
        "/proc/self/environ",
        "{outputs}/../log",
        "{outputs}/page/../../log",
        "{outputs}/page/00000000000000000000000000000000/../../../log",
        "{outputs}/page/00000000000000000000000000000000/speech.wav",
        "http://127.0.0.1:{port}/livez",
    ],
)
def test_no_file_but_a_recording_can_be_fetched(service: Running, path: str) -> None:
    answer = service.get(f"/gradio_api/file={path.format(outputs=service.outputs, port=service.port)}")

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/component_server/"),
        ("POST", "/component_server"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1/"),
        ("GET", "/proxy=http://127.0.0.1/"),
        ("GET", "/gradio_api/file=https://example.org/x/00000000000000000000000000000000/speech.wav"),
        ("POST", "/gradio_api/stream/abc"),
        ("GET", "/gradio_api/stream/a/b/1/playlist.m3u8"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/heartbeat/abc"),
        ("GET", "/gradio_api/custom_component/a/client/b/c"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/config"),
        ("GET", "/monitoring"),
        ("GET", "/gradio_api/token"),
        ("GET", "/gradio_api/queue/status"),
        ("GET", "/assets/../__init__.py"),
        ("GET", "/assets/no-such-file.js"),
        ("GET", "/assets"),
        ("GET", "/nothing"),
        ("GET", "/nothing/at/all"),
        ("GET", "/robots.txt"),
        ("GET", "/metrics/"),
        ("GET", "/docs"),
        ("POST", "/login"),
        ("GET", "/login"),
    ],
)
def test_what_the_page_does_not_use_is_not_there(service: Running, method: str, path: str) -> None:
    answer = service.ask(method, path, {} if method == "POST" else None)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "fields",
    [
        {"fn_index": 999999},
        {"fn_index": -1},
        {"fn_index": "1"},
        {"fn_index": True},
        {"fn_index": None},
        {"data": []},
        {"data": [*GOOD, 1]},
        {"data": None},
        {"data": "text"},
        {"data": {"0": "text"}},
        {"data": [None, *GOOD[1:]]},
        {"data": [["nested"], *GOOD[1:]]},
        {"data": ["Hello.", "MARMALADE", "auto", 1, 50]},
        {"data": ["Hello.", "auto", "auto", "fast", 50]},
        {"data": ["Hello.", "auto", "auto", 1e300, 50]},
        {"data": ["Hello.", "auto", "auto", 1, 10**400]},
        {"data": ["MARMALADE\ud800", *GOOD[1:]]},
        {"data": ["M" * 100_000, *GOOD[1:]]},
        {"session_hash": "\ud800"},
        {"session_hash": ""},
        {"session_hash": "a/b"},
        {"session_hash": "a" * 5000},
        {"session_hash": None},
        {"session_hash": {"a": 1}},
    ],
    ids=lambda fields: ascii(fields)[:40],
)
@pytest.mark.parametrize("action", ["queue/join", "run/predict"])
def test_a_malformed_call_is_refused_in_one_line_without_its_words(
    service: Running, action: str, fields: dict[str, Any]
) -> None:
    before = len(service.text().splitlines())
    answer = call(service, action, **fields)
    service.get("/livez")

    assert answer.status == 400
    assert answer.code
    added = service.text().splitlines()[before:]
    assert len(added) <= 1
    assert "MARMALADE" not in service.text()
    assert "Traceback" not in service.text()


@pytest.mark.parametrize("action", ["queue/join", "run/predict", "cancel", "reset"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 50_000, b"\xff", b'{"event_id": {}}', b"{}"])
def test_a_body_that_is_no_call_is_refused(service: Running, action: str, body: bytes) -> None:
    answer = service.ask("POST", f"/gradio_api/{action}", body)

    assert answer.status == 400
    assert answer.code in ("invalid_json", "not_an_object", "bad_request")


def test_a_huge_body_is_refused(service: Running) -> None:
    answer = service.ask("POST", "/gradio_api/queue/join", b" " * 2_000_000)

    assert (answer.status, answer.code) == (413, "body_too_large")


def test_the_stream_of_a_stranger_is_not_there(service: Running) -> None:
    for session in ("unknown", "", "%ff", "a" * 3000):
        answer = service.get(f"/gradio_api/queue/data?session_hash={session}")
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "header",
    [
        {"host": "["},
        {"host": "a b"},
        {"x_forwarded_host": "[::1"},
        {"x_forwarded_host": "a/../b@c"},
        {"x_gradio_server": "http://[:::"},
        {"range": "bytes=5-2"},
        {"range": "bytes=a-b"},
        {"cookie": "access-token-unsecure-x=\xff"},
    ],
)
def test_headers_do_not_upset_the_page(service: Running, header: dict[str, str]) -> None:
    assert service.get("/", **header).status in (200, 400)
    assert "Traceback" not in service.text()


def test_what_the_page_does_itself_still_works(service: Running) -> None:
    session = "works1"
    told = service.ask(
        "POST", "/gradio_api/run/predict", {"data": [], "fn_index": index_of(service, "load"), "session_hash": session}
    )
    joined = call(service, "queue/join", session_hash=session)
    events = service.get(f"/gradio_api/queue/data?session_hash={session}").body.decode()
    done = next(json.loads(row[6:]) for row in events.splitlines() if '"process_completed"' in row)
    path = done["output"]["data"][0]["path"]

    assert "IndexTTS" in told.json["data"][0]
    assert joined.json["event_id"]
    assert service.get(f"/gradio_api/file={path}").body[:4] == b"RIFF"
    assert service.get(f"/gradio_api/file={path}", range="bytes=0-3").status == 206
    assert Path(path).is_relative_to(service.outputs / "page")
    Path(path).unlink()


def test_cancelling_what_is_not_there_is_harmless(service: Running) -> None:
    fields = {"event_id": "0" * 32, "fn_index": speak_index(service), "session_hash": "nobody"}

    assert service.ask("POST", "/gradio_api/cancel", fields).status == 200
    assert service.ask("POST", "/gradio_api/reset", {"event_id": "0" * 32}).status == 200
    assert service.ask("POST", "/gradio_api/cancel", fields | {"event_id": "../x"}).status == 400
