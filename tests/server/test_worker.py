"""The worker alone, over its socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy_kit import wire
from deploy_kit.wire import Frame
from tests.support.line import Line

SENTENCE = "The quick brown fox jumps over the lazy dog."


class Peer(Line):
    """A worker of the built-in voice."""

    def __init__(self, interpreter: str) -> None:
        super().__init__(interpreter, "espeak", patience=10)

    def speak(self, ident: int, **changes: Any) -> None:
        job = {
            "text": SENTENCE,
            "language": "en",
            "voice": "en-us-m1",
            "speed": 1.0,
            "pitch": 50,
            "pause": False,
            "seconds": 10,
        }
        self.send("speak", id=ident, **(job | changes))

    def hear(self, ident: int) -> tuple[Frame, bytes]:
        end, parts = self.heard(ident)
        return end, b"".join(parts)


@pytest.fixture
def peer(interpreter: str) -> Iterator[Peer]:
    worker = Peer(interpreter)
    try:
        hello = worker.receive()
        assert hello is not None
        assert hello.kind == "hello"
        assert hello.fields == {"protocol": wire.PROTOCOL, "engine": "espeak", "pid": worker.process.pid}
        worker.send("load")
        assert worker.until("ready").fields["rate"] == 22_050
        yield worker
    finally:
        worker.close()


def test_sequence_numbers_count_up_and_done_names_the_length(peer: Peer) -> None:
    peer.speak(1)
    numbers, size = [], 0
    while (frame := peer.until("audio", "done")).kind == "audio":
        numbers.append(frame.fields["seq"])
        size += len(frame.payload)
        peer.send("ack", id=1, seq=numbers[-1])

    assert numbers == list(range(len(numbers)))
    assert frame.fields["seconds"] == pytest.approx(size / 2 / 22_050)


def test_the_worker_waits_when_nobody_acknowledges(peer: Peer) -> None:
    peer.speak(1, text=f"{SENTENCE} " * 20)
    received = [peer.until("audio") for _ in range(wire.UNACKNOWLEDGED_FRAMES)]
    peer.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        peer.receive()
    peer.socket.settimeout(10)
    peer.send("ack", id=1, seq=received[0].fields["seq"])

    assert peer.until("audio").fields["seq"] == wire.UNACKNOWLEDGED_FRAMES


def test_a_cancelled_job_stops_at_once_and_the_next_one_is_whole(peer: Peer) -> None:
    peer.speak(1, text=f"{SENTENCE} " * 2000)
    peer.until("audio")
    peer.send("cancel", id=1)
    ended = peer.until("error")

    assert ended.fields["code"] == "cancelled"
    peer.speak(2)
    frame, samples = peer.hear(2)
    assert frame.kind == "done"
    assert len(samples) > 2 * 22_050


def test_a_cancel_that_is_quicker_than_its_job_is_not_lost(peer: Peer) -> None:
    peer.send("cancel", id=1)
    peer.speak(1, text=f"{SENTENCE} " * 2000)
    ended = peer.until("audio", "done", "error")

    assert (ended.kind, ended.fields.get("code")) == ("error", "cancelled")
    peer.speak(2)
    assert peer.hear(2)[0].kind == "done"


def test_a_job_ends_by_itself_when_its_time_is_over(peer: Peer) -> None:
    peer.speak(1, text=f"{SENTENCE} " * 5000, seconds=0.3)
    frame, _ = peer.hear(1)

    assert (frame.kind, frame.fields["code"]) == ("error", "deadline")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"voice": "nobody"}, "voice"),
        ({"speed": 9.0}, "speed"),
        ({"pitch": 500}, "pitch"),
        ({"speed": "fast"}, "protocol"),
    ],
)
def test_what_the_table_does_not_hold_is_refused_and_the_worker_goes_on(
    peer: Peer, changes: dict[str, Any], code: str
) -> None:
    peer.speak(1, **changes)
    frame, samples = peer.hear(1)
    assert (frame.kind, frame.fields["code"], samples) == ("error", code, b"")

    peer.speak(2)
    assert peer.hear(2)[0].kind == "done"


def test_control_characters_and_half_characters_do_no_harm_even_if_the_server_lets_them_through(peer: Peer) -> None:
    peer.speak(1)
    before = len(peer.hear(1)[1])
    peer.speak(2, text="\x01 50S \x01 10P \x00 \ud800 hello \x01")
    assert peer.hear(2)[0].kind == "done"
    peer.speak(3)

    assert len(peer.hear(3)[1]) == pytest.approx(before, rel=0.02)


def test_shutdown_ends_it_with_0(peer: Peer) -> None:
    peer.send("shutdown")

    assert peer.process.wait(5) == 0


def test_it_ends_with_its_socket_even_in_the_middle_of_a_job(peer: Peer) -> None:
    peer.speak(1, text=f"{SENTENCE} " * 5000)
    peer.until("audio")
    peer.socket.close()

    assert peer.process.wait(5) == 0


def test_noise_instead_of_frames_ends_it(peer: Peer) -> None:
    peer.socket.sendall(b"\xff" * 64)

    assert peer.process.wait(5) == 0
