"""Every address answers every method in one way; bodies come plain; half of a connection is enough to be answered."""

from __future__ import annotations

import json
import time

import pytest

from tests.server.conftest import Launch
from tests.server.running import Running


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/auto", "/v1/audio/voices", "/metrics", "/openapi.json", "/"]
)
def test_head_is_get_without_the_body(service: Running, path: str) -> None:
    head, get = service.ask("HEAD", path), service.get(path)

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "SECRETWORD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/models", "GET, HEAD"),
        ("/v1/models/auto", "GET, HEAD"),
        ("/v1/audio/voices", "GET, HEAD"),
        ("/v1/audio/speech", "POST"),
        ("/livez", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/gradio_api/queue/join", "POST"),
    ],
)
def test_another_method_is_told_which_ones_there_are(service: Running, method: str, path: str, allowed: str) -> None:
    answer = service.ask(method, path)

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/health", "/startupz"])
def test_probes_are_read_and_not_written(service: Running, path: str) -> None:
    assert service.ask("POST", path, {}).status == 405


def test_words_of_a_method_or_an_address_are_in_no_log_line(launch) -> None:
    server: Running = launch(TTS_LOG_LEVEL="debug")
    server.ask("MARMALADE", "/v1/models")
    server.get("/v1/models/marmalade")
    server.get("/v1/marmalade?marmalade")

    assert "marmalade" not in server.text().lower()
    assert "/v1/models/… 404" in server.text()


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip"])
@pytest.mark.parametrize("path", ["/v1/audio/speech", "/gradio_api/queue/join"])
def test_a_compressed_body_is_refused(service: Running, path: str, encoding: str) -> None:
    answer = service.ask("POST", path, b"{}", content_encoding=encoding)

    assert (answer.status, answer.code) == (415, "unsupported_encoding")


def test_identity_is_no_compression(service: Running) -> None:
    assert service.say("Hello.", headers={"content_encoding": "identity"}).status == 200


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_client_that_closes_its_side_after_the_request_still_gets_the_answer(service: Running, version: str) -> None:
    body = json.dumps({"input": "Hello, this is one sentence. And this is another one."}).encode()
    head = f"POST /v1/audio/speech HTTP/{version}\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = service.raw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, half_closed=True)

    assert b"HTTP/1.1 200" in answer
    assert b"RIFF" in answer


def test_a_client_that_leaves_during_its_upload_is_nobodys_fault(launch: Launch) -> None:
    service = launch(wait="/startupz")
    time.sleep(0.3)  # until the start has said its last word
    before = service.text()
    head = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{{"
    for path in ("/v1/audio/speech", "/gradio_api/queue/join"):
        assert service.raw(head.format(path).encode(), half_closed=True) == b""
    time.sleep(0.3)

    assert service.text().removeprefix(before) == ""
