"""What cannot be spoken is answered with an OpenAI error object, and never with a 500."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.server.running import Running

CASES: list[tuple[Any, int, str, str | None]] = [
    ({}, 400, "missing_input", "input"),
    ({"input": None}, 400, "missing_input", "input"),
    ({"input": ""}, 400, "empty_text", "input"),
    ({"input": " \n\t　"}, 400, "empty_text", "input"),
    ({"input": "!!! … ？？ 😀 ♥"}, 400, "nothing_to_say", "input"),
    ({"input": "\x00\x01\x02"}, 400, "nothing_to_say", "input"),
    ({"input": "a" * 100_000}, 400, "text_too_long", "input"),
    ({"input": "\ud800 hello"}, 400, "invalid_text", "input"),
    ({"input": 3}, 400, "wrong_type", "input"),
    ({"input": ["hello"]}, 400, "wrong_type", "input"),
    ({"input": "x", "speed": "fast"}, 400, "wrong_type", "speed"),
    ({"input": "x", "speed": True}, 400, "wrong_type", "speed"),
    ({"input": "x", "speed": 0.2}, 400, "out_of_range", "speed"),
    ({"input": "x", "speed": 4.01}, 400, "out_of_range", "speed"),
    ({"input": "x", "pitch": -1}, 400, "out_of_range", "pitch"),
    ({"input": "x", "pitch": 101}, 400, "out_of_range", "pitch"),
    ({"input": "x", "voice": "nobody"}, 400, "unknown_voice", "voice"),
    ({"input": "x", "voice": "../../etc/passwd"}, 400, "unknown_voice", "voice"),
    ({"input": "x", "voice": {}}, 400, "wrong_type", "voice"),
    ({"input": "x", "voice": 7}, 400, "wrong_type", "voice"),
    ({"input": "x", "language": "fr"}, 400, "unsupported_language", "language"),
    ({"input": "x", "model": "indextts-2.5"}, 404, "model_not_found", "model"),
    ({"input": "x", "model": "\ud800"}, 404, "model_not_found", "model"),
    ({"input": "x", "response_format": "mp3"}, 400, "format_not_yet", "response_format"),
    ({"input": "x", "response_format": "zip"}, 400, "unknown_format", "response_format"),
    ({"input": "x", "stream_format": "sse"}, 400, "unsupported_stream_format", "stream_format"),
    ({"input": "x", "emo_vector": [0] * 8}, 400, "unknown_parameter", "emo_vector"),
    ([], 400, "not_an_object", None),
    ("hello", 400, "not_an_object", None),
    (b"", 400, "invalid_json", None),
    (b"{", 400, "invalid_json", None),
    (b"\xff\xfe\x00", 400, "invalid_json", None),
    (b"[" * 100_000, 400, "invalid_json", None),
    (b'{"input": "x", "speed": NaN}', 400, "invalid_json", None),
    (b'{"input": "x", "speed": 1e999}', 400, "out_of_range", "speed"),
    (b'{"input": "x", "speed": ' + b"9" * 6000 + b"}", 400, "invalid_json", None),
    (b"x" * 1_000_000, 413, "body_too_large", None),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"), CASES, ids=[f"{case[2]}-{i}" for i, case in enumerate(CASES)]
)
def test_a_bad_request_is_told_what_is_wrong(
    service: Running, body: Any, status: int, code: str, param: str | None
) -> None:
    answer = service.ask("POST", "/v1/audio/speech", body)

    assert (answer.status, answer.code, answer.json["error"]["param"]) == (status, code, param)


def test_another_content_type_is_refused(service: Running) -> None:
    answer = service.ask("POST", "/v1/audio/speech", b'{"input": "x"}', content_type="text/plain")

    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/audio/speech", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/audio/voices", 405),
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/chat/completions", 404),
        ("GET", "/v1/models/gpt-4", 404),
    ],
)
def test_an_unknown_address_or_method_gets_an_error_object_too(
    service: Running, method: str, path: str, status: int
) -> None:
    answer = service.ask(method, path)

    assert answer.status == status
    assert answer.code in ("not_found", "method_not_allowed", "model_not_found")


def test_the_error_speaks_the_language_of_the_client(service: Running) -> None:
    assert (
        service.say("", headers={"accept_language": "zh-CN,zh;q=0.9,en;q=0.5"}).json["error"]["message"] == "文本为空。"
    )
    assert service.say("", headers={"accept_language": "fr, en;q=0.5"}).json["error"]["message"] == "The text is empty."


def test_the_limit_is_the_configured_one(launch: Any) -> None:
    server = launch(TTS_MAX_CHARS="100")

    assert server.say("a" * 100).status == 200
    assert server.say("a" * 101).code == "text_too_long"


def test_the_users_text_is_in_no_log_line(service: Running) -> None:
    secret = "Xylophone marmalade"
    service.say(f"{secret}.", headers={"x_request_id": "trace-1"})
    service.say(f"{secret}\ud800")
    service.say(secret, voice=secret)
    service.ask("POST", "/v1/audio/speech", f'{{"input": "{secret}'.encode())

    assert "marmalade" not in service.text()
    assert "request=trace-1" in service.text()


def test_a_request_id_that_could_forge_log_lines_is_replaced(service: Running) -> None:
    assert service.say("Hi.", headers={"x_request_id": "a b=c"}).headers["x-request-id"] != "a b=c"
    assert service.say("Hi.", headers={"x_request_id": "mine-1"}).headers["x-request-id"] == "mine-1"


def test_noise_on_the_port_does_not_hurt(service: Running) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\x00" * 4096):
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1024)

    assert service.say("Hi.").status == 200
