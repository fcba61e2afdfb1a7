"""Workers that crash, hang or are killed; full queues; clients that leave; the end."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.server.running import Answer, Running, alive, wav

ENDLESS = "This is one sentence of very many. " * 2800


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


@contextmanager
def stopped(pid: int):
    """A worker that does nothing at all, as one that hangs in its engine."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)


def eventually(check, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def in_hand(server: Running, count: int) -> None:
    """Wait until so many requests were admitted."""
    eventually(lambda: server.metric("tts_queue_depth") >= count - 1)
    time.sleep(0.2)


def test_a_worker_killed_in_the_middle_of_a_request_is_an_error_and_the_next_request_works(launch, pool) -> None:
    server: Running = launch()
    worker = server.worker()
    with stopped(worker):
        request: Future[Answer] = pool.submit(server.say, "Hello.")
        time.sleep(0.3)
        os.kill(worker, signal.SIGKILL)
        answer = request.result(40)

    assert (answer.status, answer.code) == (503, "worker_lost")
    assert answer.headers["retry-after"]
    assert wav(server.say("Hello again.").body).loudness > 0.02
    assert server.worker() != worker
    assert server.metric('tts_worker_restarts_total{engine="espeak",reason="crashed"}') == 1


def test_a_worker_killed_between_requests_is_replaced_unnoticed(launch) -> None:
    server: Running = launch()
    for _ in range(3):
        worker = server.worker()
        os.kill(worker, signal.SIGKILL)
        eventually(lambda pid=worker: not alive(pid))
        assert server.say("Hello.").status == 200
        assert server.worker() != worker


def test_a_worker_that_hangs_is_given_up_at_the_deadline_and_replaced(launch) -> None:
    server: Running = launch(TTS_REQUEST_SECONDS="1")
    worker = server.worker()
    with stopped(worker):
        began = time.monotonic()
        answer = server.say("Hello.")
        seconds = time.monotonic() - began

        assert (answer.status, answer.code) == (504, "deadline")
        assert 1 <= seconds < 20
        eventually(lambda: not alive(worker))
    eventually(lambda: server.get("/readyz").status == 200)
    assert server.say("Hello.").status == 200
    assert server.metric('tts_worker_restarts_total{engine="espeak",reason="hung"}') == 1


def test_readiness_says_that_the_worker_is_gone_while_liveness_does_not_care(launch) -> None:
    server: Running = launch()
    states = set()
    for _ in range(4):  # each loss waits a little longer for the next worker
        os.kill(server.worker(), signal.SIGKILL)
        for _ in range(20):
            answer = server.get("/readyz")
            states.add((answer.status, answer.json["state"]))
            assert server.get("/livez").status == 200
            time.sleep(0.01)
        server.until("/readyz")

    assert (503, "restarting") in states


def test_a_full_queue_refuses_at_once_and_those_inside_are_served(launch, pool) -> None:
    server: Running = launch(TTS_QUEUE="1")
    with stopped(server.worker()):
        inside = [pool.submit(server.say, "Hello.") for _ in range(2)]
        in_hand(server, 2)
        answer = server.say("One too many.")

        assert (answer.status, answer.code) == (429, "queue_full")
        assert int(answer.headers["retry-after"]) > 0
        assert not any(request.done() for request in inside), "it did not wait for them"
    assert [request.result(40).status for request in inside] == [200, 200]
    assert server.metric('tts_requests_total{model="espeak",outcome="queue_full"}') == 1


def test_a_client_that_leaves_frees_its_place(launch) -> None:
    server: Running = launch(TTS_QUEUE="0")
    with stopped(server.worker()):
        with server.open("Hello."):
            eventually(lambda: server.say("Hello.").status == 429)
        eventually(lambda: server.metric('tts_requests_total{model="espeak",outcome="cancelled"}') == 1)
    assert server.say("Hello.").status == 200


def test_a_client_that_leaves_in_the_middle_of_a_stream_stops_the_work(launch) -> None:
    server: Running = launch(TTS_MAX_CHARS="100000")
    with server.open(ENDLESS, response_format="pcm") as client:
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    eventually(lambda: server.metric('tts_requests_total{model="espeak",outcome="cancelled"}') == 1)
    assert server.metric('tts_audio_seconds_total{model="espeak"}') < 2800


def test_a_slow_reader_does_not_hold_up_the_others(launch) -> None:
    server: Running = launch(TTS_MAX_CHARS="100000")
    with server.open(ENDLESS, response_format="pcm") as client:
        assert client.recv(1024).startswith(b"HTTP/1.1 200")
        time.sleep(0.5)
        began = time.monotonic()

        assert server.say("Hello.").status == 200
        assert time.monotonic() - began < 20


def test_sigterm_finishes_the_running_sentence_refuses_new_ones_and_exits_with_0(launch, pool) -> None:
    server: Running = launch()
    worker = server.worker()
    with stopped(worker):
        running = pool.submit(server.say, "This sentence was being spoken when the end came.")
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        server.until("/readyz", status=503)
        refused = server.say("Too late.")

        assert server.get("/readyz").json["state"] == "draining"
        assert (refused.status, refused.code) == (503, "draining")
        assert refused.headers["retry-after"]
        assert server.get("/livez").status == 200
    assert wav(running.result(10).body).loudness > 0.02
    assert server.process.wait(60) == 0
    assert not alive(worker)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_quick_and_clean_when_nothing_runs(launch, signum: int) -> None:
    server: Running = launch()
    worker = server.worker()
    server.process.send_signal(signum)

    assert server.process.wait(5) == 0
    assert not alive(worker)
    assert "Traceback" not in server.text()


def test_sigterm_right_after_the_start_ends_it_too(launch) -> None:
    server: Running = launch(wait="/livez")
    server.process.terminate()

    assert server.process.wait(60) == 0


def test_the_drain_time_is_a_limit(launch, pool) -> None:
    server: Running = launch(TTS_DRAIN_SECONDS="0.5")
    with stopped(server.worker()):
        request = pool.submit(server.say, "Never spoken.")
        time.sleep(0.3)
        server.process.terminate()

        assert server.process.wait(60) == 0
    with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is cut, in one of several ways
        assert request.result(40).status == 200


def test_a_worker_does_not_outlive_a_killed_server(launch) -> None:
    server: Running = launch()
    worker = server.worker()
    server.process.kill()
    server.process.wait()

    eventually(lambda: not alive(worker), 3)


def test_a_worker_ignores_the_signals_of_its_group(launch) -> None:
    server: Running = launch()
    worker = server.worker()
    os.kill(worker, signal.SIGTERM)
    os.kill(worker, signal.SIGINT)
    time.sleep(0.2)

    assert server.worker() == worker
    assert server.say("Hello.").status == 200


def test_without_the_speech_library_the_service_says_so_and_lives(launch) -> None:
    server: Running = launch(wait="/livez", ESPEAK_DATA_PATH="/nonexistent")
    eventually(lambda: server.get("/readyz").json["engines"]["espeak"]["state"] == "failed", 20)
    eventually(lambda: server.get("/readyz").json["state"] == "failed", 20)

    assert server.get("/readyz").status == 503
    assert server.get("/livez").status == 200
    answer = server.say("Hello.")
    assert (answer.status, answer.code) == (503, "not_ready")
