"""Speaks to a running service over its published port, and checks the sound that comes back: the proof."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy_kit import http10
from deploy_kit.config.request import Listen
from deploy_kit.errors import fail

_SILENCE_PEAK = 0.02
_SHORTEST_SECONDS = 0.3
_WISHES_REFUSED = (400, 413, 422)
"""Answers that blame the text, voice or speed, not the service."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read whole. ``first_byte_seconds`` counts from the request to the first byte of the body."""

    status: int
    headers: dict[str, str]
    body: bytes
    first_byte_seconds: float

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, empty when it is none."""
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}


@dataclass(frozen=True, slots=True)
class Proof:
    """What was heard: ``rate`` in Hz, ``seconds`` of sound, ``peak`` from 0 to 1, which engine answered, how fast."""

    rate: int
    seconds: float
    peak: float
    answered_by: str
    first_byte_seconds: float


class Unreachable(Exception):
    """Nobody answers at the address (yet)."""


class Client:
    """One service at one address."""

    def __init__(self, listen: Listen, key: str | None = None) -> None:
        self.host = _address(listen)
        self.port = listen.port
        self._key = key

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float) -> Reply:
        """One request with a JSON body.

        Raises:
            Unreachable: No connection, or it broke before the answer was whole.
        """
        import http.client

        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        start = time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            response = connection.getresponse()
            first = response.read(1)
            waited = time.monotonic() - start
            content = first + response.read()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, content, waited)
        except (OSError, OverflowError, http.client.HTTPException) as error:
            raise Unreachable(str(error) or type(error).__name__) from None
        finally:
            connection.close()

    def probe(self, path: str, *, timeout: float) -> Reply:
        """One GET without a key.

        Raises:
            Unreachable: No connection, or no HTTP answer.
        """
        start = time.monotonic()
        # bytes, because looking up a text loads the IDNA tables, which takes 12 ms
        host = self.host.encode("ascii" if self.host.isascii() else "idna")
        try:
            with socket.create_connection((host, self.port), timeout) as connection:  # type: ignore[arg-type]
                status, headers, body = http10.get(connection, path)
        except (OSError, UnicodeError, OverflowError) as error:  # a damaged state may name port 99999
            raise Unreachable(str(error) or type(error).__name__) from None
        return Reply(status, headers, body, time.monotonic() - start)

    def ready(self, *, timeout: float = 2.0) -> Reply | None:
        """The answer of ``/readyz``, or None when nobody answers."""
        try:
            return self.probe("/readyz", timeout=timeout)
        except Unreachable:
            return None

    def startup(self, *, timeout: float = 2.0) -> dict[str, Any]:
        """The start-up ledger, empty when nobody answers."""
        try:
            return self.probe("/startupz", timeout=timeout).json()
        except Unreachable:
            return {}

    def speak(
        self,
        text: str,
        *,
        timeout: float,
        language: str | None = None,
        voice: str | None = None,
        speed: float | None = None,
        model: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> Reply:
        """A sentence as a WAV.

        Args:
            model: The engine that shall speak; the service decides by default.
            fields: Further fields of the request, by the names that the service knows.

        Raises:
            Failure: SPEECH-UNREACHABLE, SPEECH-KEY, USAGE-SPEECH when the wish itself was refused, or SPEECH-REFUSED
                (the service's own words are in the finding).
        """
        wish = {"input": text, "response_format": "wav", "language": language, "voice": voice, "speed": speed}
        wish |= {"model": model, **(fields or {})}
        body = {name: value for name, value in wish.items() if value is not None}
        try:
            reply = self.ask("POST", "/v1/audio/speech", body, timeout=timeout)
        except Unreachable as error:
            raise fail("SPEECH-UNREACHABLE", self.url, reason=error) from None
        if reply.status in (401, 403):
            raise fail("SPEECH-KEY", self.url)
        if reply.status != 200:
            code = "USAGE-SPEECH" if reply.status in _WISHES_REFUSED else "SPEECH-REFUSED"
            raise fail(code, self.url, status=reply.status, reason=_words(reply))
        return reply


def _words(reply: Reply) -> str:
    """What the service says about a refusal: its error's sentence, else the beginning of whatever it sent."""
    problem = reply.json().get("error")
    if isinstance(problem, dict) and problem.get("message"):
        return str(problem["message"])
    return reply.body[:200].decode(errors="replace").strip() or "-"


def prove(client: Client, text: str, *, timeout: float, model: str | None = None) -> Proof:
    """Let the service (or this engine of it) say ``text`` and check that it is sound: whole, long enough, not silent.

    Raises:
        Failure: as `Client.speak`, SPEECH-SHORT, SPEECH-SILENT, or as `wav`.
    """
    reply = client.speak(text, timeout=timeout, model=model)
    rate, samples = wav(reply.body, client.url)
    seconds, peak = len(samples) / rate, max(map(abs, samples), default=0) / 32768
    if seconds < _SHORTEST_SECONDS:
        raise fail("SPEECH-SHORT", client.url, seconds=f"{seconds:.2f}", least=_SHORTEST_SECONDS)
    if peak < _SILENCE_PEAK:
        raise fail("SPEECH-SILENT", client.url, peak=f"{peak:.4f}", least=_SILENCE_PEAK)
    return Proof(rate, seconds, peak, reply.headers.get("x-tts-model", "?"), reply.first_byte_seconds)


def wav(content: bytes, subject: str) -> tuple[int, Any]:
    """Rate and samples (an ``array`` of 16-bit integers) of a mono WAV whose header is true.

    Raises:
        Failure: SPEECH-NO-WAV, SPEECH-FORM for another kind of WAV, SPEECH-CUT when it is shorter than it says.
    """
    import array
    import io
    import sys
    import wave

    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, frames = (
                file.getnchannels(),
                file.getsampwidth(),
                file.getframerate(),
                file.getnframes(),
            )
            raw = file.readframes(frames)
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk that points outside the file
        raise fail("SPEECH-NO-WAV", subject, reason=str(error) or type(error).__name__) from None
    if rate < 1:
        raise fail("SPEECH-NO-WAV", subject, reason=f"{rate} Hz")
    if (channels, width) != (1, 2):
        raise fail("SPEECH-FORM", subject, channels=channels, bits=8 * width)
    if len(raw) != frames * 2:
        raise fail("SPEECH-CUT", subject, have=len(raw), need=frames * 2)
    samples = array.array("h", raw)
    if sys.byteorder == "big":
        samples.byteswap()
    return rate, samples


def _address(listen: Listen) -> str:
    """Where a client on this host reaches a listener: a wildcard is not an address."""
    if listen.wildcard:
        return "::1" if listen.host == "::" else "127.0.0.1"
    return listen.host


def addresses(listen: Listen) -> Iterator[str]:
    """Addresses under which other machines may reach a wildcard listener; empty for any other."""
    if not listen.wildcard:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # documentation address: nothing is sent, the kernel only picks a route
            yield probe.getsockname()[0]
        except OSError:
            return
