"""The server's end of a worker."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy_kit import wire
from deploy_kit.wire import Frame

ROOT = Path(__file__).parents[2]
RATE = 22_050


@dataclass
class Heard:
    """What came of a job: the last frame, the samples of each group of frames, and what was said on the way."""

    end: Frame
    samples: array[int]
    frames: list[array[int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @property
    def code(self) -> str | None:
        """The error's code; None for a job that was done."""
        return None if self.end.kind == "done" else str(self.end.fields["code"])

    @property
    def tone(self) -> float:
        return tone(self.samples)

    @property
    def loudness(self) -> float:
        return loudness(self.samples)


class Peer:
    """A started worker. ``environment`` is added to a small one; ``PRETEND`` in it is a folder for PYTHONPATH."""

    def __init__(
        self,
        interpreter: str,
        engine: str,
        environment: Mapping[str, str],
        temporary: Path,
        package: Path | None = None,
    ) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(120)
        environment = dict(environment)
        pretend = environment.pop("PRETEND", None)
        places = [*([pretend] if pretend else []), ROOT / "images/server", ROOT, *([package] if package else [])]
        self.process = subprocess.Popen(
            [interpreter, "-m", "tts_worker", "--engine", engine, "--fd", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={
                "PYTHONPATH": ":".join(str(place) for place in places),
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(temporary),
                "HOME": "/nonexistent",
                "OMP_NUM_THREADS": "2",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self.phases: list[str] = []
        self._number = 0

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.sendall(wire.encode(Frame(kind, fields)))

    def receive(self) -> Frame | None:
        return wire.read(self.socket.recv)

    def until(self, *kinds: str) -> Frame:
        while (frame := self.receive()) is not None:
            if frame.kind == "phase":
                self.phases.append(frame.fields["name"])
            if frame.kind in kinds:
                return frame
        raise AssertionError(f"the worker closed the socket after {self.phases}: {self.words()}")

    def load(self, model: Path, **changes: Any) -> Frame:
        """``ready`` or ``error``."""
        hello = self.until("hello")
        assert hello.fields["protocol"] == wire.PROTOCOL
        options: dict[str, Any] = {
            "device": "cpu",
            "model_dir": str(model),
            "half": False,
            "emotion_text": False,
            "threads": 2,
            "warm_up": str(model / "reference_voice.wav"),
        }
        self.send("load", **(options | changes))
        return self.until("ready", "error")

    def speak(self, text: str, reference: Path, **changes: Any) -> Heard:
        """Speak and hear it to its end."""
        self.begin(text, reference, **changes)
        return self.hear()

    def begin(self, text: str, reference: Path, **changes: Any) -> int:
        self._number += 1
        job: dict[str, Any] = {
            "id": self._number,
            "seconds": 60,
            "text": text,
            "language": "en",
            "reference": str(reference),
            "seed": 1,
            "pause": False,
            "emotion": None,
            "random": False,
            "duration": 1.0,
            "silence_ms": 200,
            "segment_tokens": 120,
            "normalize": True,
            "sampling": {},
        }
        self.send("speak", **(job | changes))
        return self._number

    def hear(self) -> Heard:
        frames: list[array[int]] = []
        while True:
            frame = self.until("audio", "done", "error")
            if frame.kind != "audio":
                return Heard(frame, array("h", b"".join(part.tobytes() for part in frames)), frames)
            assert frame.fields["id"] == self._number
            frames.append(array("h", frame.payload))
            self.send("ack", id=self._number, seq=frame.fields["seq"])

    def words(self) -> str:
        """Everything that the process printed, once it has ended."""
        self.socket.close()
        out, err = self.process.communicate(timeout=30)
        return (out + err).decode(errors="replace")

    def exit_code(self) -> int:
        return self.process.wait(60)

    def close(self) -> None:
        self.socket.close()
        if self.process.poll() is None:
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def tone(samples: array[int]) -> float:
    """How often the wave rises through zero in a second: its pitch, for a plain tone."""
    rises = sum(1 for first, second in itertools.pairwise(samples) if first <= 0 < second)
    return rises / max(1e-9, len(samples) / RATE)


def loudness(samples: array[int]) -> float:
    """Root mean square, 0 … 1."""
    return float((sum(one * one for one in samples) / max(1, len(samples))) ** 0.5 / 32768)
