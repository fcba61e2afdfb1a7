"""The proof: only a whole WAV with sound in it counts."""

from __future__ import annotations

import io
import math
import struct
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy_kit.client import Client, Reply, Unreachable, prove, wav
from deploy_kit.config.request import Listen
from deploy_kit.errors import ExitCode, Failure


def tone(seconds: float, level: float = 0.5, rate: int = 22050) -> bytes:
    samples = [round(32767 * level * math.sin(index / 10)) for index in range(int(seconds * rate))]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return buffer.getvalue()


@contextmanager
def service(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[Client]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Client(Listen("127.0.0.1", server.server_port))
        finally:
            server.shutdown()
            thread.join()


def code_of(status: int, body: bytes) -> str:
    with service(status, body) as client, pytest.raises(Failure) as caught:
        prove(client, "hello", timeout=30)
    return caught.value.finding.code


def test_a_spoken_sentence_is_proof() -> None:
    with service(200, tone(1.0), {"X-TTS-Model": "espeak"}) as client:
        proof = prove(client, "hello", timeout=30)

    assert (proof.rate, proof.answered_by) == (22050, "espeak")
    assert proof.seconds == pytest.approx(1.0)
    assert proof.peak == pytest.approx(0.5, abs=0.01)


def test_silence_is_no_proof() -> None:
    assert code_of(200, tone(1.0, level=0.001)) == "SPEECH-SILENT"


def test_a_click_is_no_proof() -> None:
    assert code_of(200, tone(0.1)) == "SPEECH-SHORT"


def test_a_page_is_no_proof() -> None:
    assert code_of(200, b"<html>hello</html>") == "SPEECH-NO-WAV"


def test_a_header_that_promises_more_is_no_proof() -> None:
    assert code_of(200, tone(1.0)[:-2000]) == "SPEECH-CUT"


def test_the_words_of_a_refusal_are_passed_on() -> None:
    with service(503, b'{"error": {"message": "draining"}}') as client, pytest.raises(Failure) as caught:
        client.speak("hello", timeout=30)

    assert caught.value.finding.code == "SPEECH-REFUSED"
    assert ("reason", "draining") in caught.value.finding.args


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_wish_that_cannot_be_spoken_is_the_users_to_mend(status: int) -> None:
    with service(status, b'{"error": {"message": "no such voice"}}') as client, pytest.raises(Failure) as caught:
        client.speak("hello", timeout=30, voice="nosuch")

    assert (caught.value.finding.code, caught.value.exit_code) == ("USAGE-SPEECH", ExitCode.USAGE)
    assert ("reason", "no such voice") in caught.value.finding.args


def test_a_refusal_without_words_shows_what_was_sent() -> None:
    with service(502, b"<h1>Bad gateway</h1>") as client, pytest.raises(Failure) as caught:
        client.speak("hello", timeout=30)

    assert ("reason", "<h1>Bad gateway</h1>") in caught.value.finding.args


def test_a_wrong_key_has_a_code_of_its_own() -> None:
    assert code_of(401, b"{}") == "SPEECH-KEY"


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Client(Listen("127.0.0.1", 9)).ask("GET", "/readyz", timeout=1)
    assert Client(Listen("127.0.0.1", 9)).ready() is None


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen("127.0.0.1", 7860), "http://127.0.0.1:7860"),
        (Listen("0.0.0.0", 7860), "http://127.0.0.1:7860"),
        (Listen("::", 7860), "http://[::1]:7860"),
        (Listen("::1", 80), "http://[::1]:80"),
    ],
)
def test_a_wildcard_is_reached_over_loopback(listen: Listen, url: str) -> None:
    assert Client(listen).url == url


def test_stereo_is_refused() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(22050)
        file.writeframes(b"\0\0\0\0" * 10)

    with pytest.raises(Failure) as caught:
        wav(buffer.getvalue(), "x")
    assert caught.value.finding.code == "SPEECH-FORM"


@pytest.mark.parametrize("change", [(16, 0x40), (4, 0x10), (24, 0)])
def test_a_wav_with_a_false_header_is_a_finding(change: tuple[int, int]) -> None:
    content = bytearray(tone(0.4))
    content[change[0] : change[0] + 4] = bytes([change[1], 0, 0, 0])

    with pytest.raises(Failure) as caught:
        wav(bytes(content), "x")

    assert caught.value.finding.code.startswith("SPEECH-")


@pytest.mark.parametrize("body", [b"[" * 200_000, b'"text"', b"\xff"])
def test_an_answer_that_is_no_object_is_empty(body: bytes) -> None:
    assert Reply(200, {}, body, 0.0).json() == {}


@pytest.mark.parametrize("body", [b'{"error": "no"}', b'{"error": {"message": 7}}', b'{"error": null}', b"[" * 200_000])
def test_a_refusal_of_any_shape_is_passed_on(body: bytes) -> None:
    with service(503, body) as client, pytest.raises(Failure) as caught:
        client.speak("hello", timeout=30)

    assert caught.value.finding.code == "SPEECH-REFUSED"


def test_a_port_that_no_host_has_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Client(Listen("127.0.0.1", 99999)).ask("GET", "/readyz", timeout=1)
    assert Client(Listen("127.0.0.1", 99999)).ready() is None
