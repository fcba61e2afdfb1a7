"""A server process, and what a client can do with it."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import time
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an OpenAI error object; fails when it is not one."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        assert error["type"]
        return str(error["code"])


class Running:
    """A started server. ``settings`` are environment variables; folders are made below ``home``.

    ``under`` is a command that starts it, ``prlimit`` say.
    """

    def __init__(
        self, interpreter: str, home: Path, settings: Mapping[str, str | bytes], under: Sequence[str] = ()
    ) -> None:
        for folder in ("outputs", "cache_hub"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log = home / "log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": f"{ROOT / 'images/server'}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TTS_LISTEN": f"127.0.0.1:{self.port}",
            "TTS_OUTPUTS": str(home / "outputs"),
            "TTS_CACHE_HUB": str(home / "cache_hub"),
            **settings,
        }
        self.outputs = home / "outputs"
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                [*under, interpreter, "-m", "tts_server"], cwd=home, env=self.environment, stdout=sink, stderr=sink
            )

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 30, **headers: str) -> Answer:
        """One request; a body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            sent = ({"content-type": "application/json"} if data is not None else {}) | names
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, fields, answer.read())
        finally:
            connection.close()

    def open(self, text: str, **fields: Any) -> socket.socket:
        """A connection on which a request for speech was just sent; the caller reads or closes it."""
        body = json.dumps({"input": text, **fields}).encode()
        head = "POST /v1/audio/speech HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection

    def raw(self, data: bytes, *, half_closed: bool = False, seconds: float = 10) -> bytes:
        """Everything that comes back for these bytes until the server closes or says nothing more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
            answer = bytearray()
            with suppress(OSError):
                while chunk := connection.recv(65536):
                    answer += chunk
            return bytes(answer)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def say(self, text: str, **fields: Any) -> Answer:
        """Speech; ``headers`` among the fields are headers."""
        headers = fields.pop("headers", {})
        return self.ask("POST", "/v1/audio/speech", {"input": text, **fields}, **headers)

    def until(self, path: str, status: int = 200, seconds: float = 30) -> float:
        """Wait for an answer with this status; how long it took. Fails when the process ends or time is over."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            assert self.process.poll() is None, f"the server ended: {self.text()}"
            with suppress(OSError, http.client.HTTPException):
                if self.get(path).status == status:
                    return time.monotonic() - began
            time.sleep(0.01)
        raise AssertionError(f"{path} did not answer {status} within {seconds} s: {self.text()}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def metric(self, line: str) -> float:
        """The value of one line of /metrics (name with labels); 0 when it is not there yet."""
        for row in self.get("/metrics").body.decode().splitlines():
            if row.startswith(line + " "):
                return float(row.split()[-1])
        return 0.0

    def worker(self, seconds: float = 30) -> int:
        """The process id of the worker."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for pid in children(self.process.pid):
                with suppress(OSError):
                    if b"tts_worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        return pid
            time.sleep(0.01)
        raise AssertionError("no worker")

    def end(self) -> None:
        if self.process.poll() is None:
            with suppress(AssertionError):  # a stopped worker would hold up the exit
                os.kill(self.worker(0.1), signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(frozen=True)
class Sound:
    """Samples with a rate."""

    rate: int
    samples: array[int]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def loudness(self) -> float:
        """Root mean square, 0 … 1."""
        return (sum(sample * sample for sample in self.samples) / max(1, len(self.samples))) ** 0.5 / 32768

    @property
    def tone(self) -> float:
        """How often the wave crosses zero in a second: rises with the pitch of the voice."""
        signs = [sample > 0 for sample in self.samples]
        return sum(a != b for a, b in itertools.pairwise(signs)) / self.seconds


def wav(data: bytes) -> Sound:
    """A WAV file of ours; fails when the header is not exact."""
    assert data[:4] + data[8:16] == b"RIFFWAVEfmt "
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert data[36:40] == b"data"
    assert int.from_bytes(data[40:44], "little") == len(data) - 44
    assert int.from_bytes(data[20:24], "little") == 0x00010001, "PCM, one channel"
    return Sound(int.from_bytes(data[24:28], "little"), array("h", data[44:]))


def pcm(data: bytes, rate: int = 24_000) -> Sound:
    return Sound(rate, array("h", data))
