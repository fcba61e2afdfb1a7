"""Connections that say nothing, say half, or take nothing cost nobody else a place; neither does a full disk."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.server.running import Running

LONG = "This is one sentence of quite many. " * 400


def silent(server: Running, data: bytes, stack: ExitStack) -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
    connection.sendall(data)
    return connection


def test_many_half_sent_heads_hold_up_neither_probes_nor_speech_nor_fill_the_log(launch) -> None:
    server: Running = launch(under=("prlimit", "--nofile=160:160"))
    with ExitStack() as stack:
        for _ in range(400):
            silent(server, b"GET /readyz HTTP/1.1\r\nHost: x\r\n", stack)
        server.until("/readyz", seconds=20)  # those heads are let go after 30

        assert server.say("Hello.").status == 200
        assert len(server.text()) < 20_000


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(launch) -> None:
    server: Running = launch(under=("prlimit", "--nofile=200:700"))
    row = next(
        row
        for row in Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
        if row.startswith("Max open files")
    )

    assert row.split()[3:5] == ["700", "700"]


HURRIED = """
import sys
from tts_server.net.connection import Connection
Connection.seconds = {"head": 1.0, "body": 1.0, "answer": 1.0}
from tts_server.__main__ import main
sys.exit(main())
"""


@pytest.fixture
def hurried(interpreter: str, launch) -> Running:
    """The real server with deadlines of a second instead of half a minute."""
    server: Running = launch(wait=None)
    server.end()
    with server.log.open("wb") as sink:
        server.process = subprocess.Popen(
            [interpreter, "-c", HURRIED], cwd=server.log.parent, env=server.environment, stdout=sink, stderr=sink
        )
    server.until("/readyz")
    return server


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n",
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET",
    ],
    ids=["nothing", "half a head", "half a body", "half of the next head"],
)
def test_a_client_that_falls_silent_is_let_go(hurried: Running, data: bytes) -> None:
    began = time.monotonic()
    hurried.raw(data, seconds=25)

    assert 0.5 < time.monotonic() - began < 20
    assert "error" not in hurried.text()


def test_single_bytes_buy_no_time(hurried: Running) -> None:
    with ExitStack() as stack:
        connection = silent(hurried, b"GET /livez HTTP/1.1\r\n", stack)
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 25:
                connection.sendall(b"x")
                time.sleep(0.1)

        assert time.monotonic() - began < 20


def test_a_client_that_takes_nothing_is_let_go(hurried: Running) -> None:
    with hurried.open("Hello there. " * 380, response_format="pcm") as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        time.sleep(5)
        files = list(Path(f"/proc/{hurried.process.pid}/fd").iterdir())
        sockets = [path for path in files if path.exists() is False and "socket" in str(path.readlink())]

        assert len(sockets) <= 3, "the listener, the worker, the loop's own"


def test_clients_that_take_nothing_do_not_fill_the_queue(launch) -> None:
    server: Running = launch(TTS_QUEUE="1", TTS_MAX_CHARS="20000")
    name = 'tts_requests_total{model="espeak",outcome="ok"}'
    with ExitStack() as stack:
        for count in (1, 2, 3, 4):
            stack.enter_context(server.open(LONG, response_format="pcm" if count % 2 else "wav"))
            end = time.monotonic() + 20
            while server.metric(name) < count:
                assert time.monotonic() < end, "the request keeps its place although all of it was spoken"
                time.sleep(0.05)

        assert server.say("Hello.").status == 200


def test_a_disk_without_space_is_a_clear_error_and_the_next_request_works(launch) -> None:
    server: Running = launch(TTS_MAX_CHARS="20000", under=("prlimit", "--fsize=1000000"))
    answer = server.say(LONG)

    assert (answer.status, answer.code) == (507, "no_space")
    assert "space" in answer.json["error"]["message"]
    assert server.say("Hello.").status == 200
    assert server.metric('tts_requests_total{model="espeak",outcome="no_space"}') == 1
    assert "Traceback" not in server.text()
