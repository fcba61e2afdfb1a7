"""The server's end of a worker's socket: what every test that speaks with a worker needs."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy_kit import wire
from deploy_kit.wire import Frame

ROOT = Path(__file__).parents[2]


class Line:
    """A started worker and the socket to it. ``environment`` is added to a small one, ``places`` to its PYTHONPATH."""

    def __init__(
        self,
        interpreter: str,
        engine: str,
        *,
        patience: float,
        environment: Mapping[str, str] | None = None,
        before: tuple[Path | str, ...] = (),
        after: tuple[Path | str, ...] = (),
    ) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(patience)
        self.process = subprocess.Popen(
            [interpreter, "-m", "tts_worker", "--engine", engine, "--fd", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={
                "PYTHONPATH": ":".join(str(place) for place in (*before, ROOT / "images/server", ROOT, *after)),
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self.phases: list[str] = []

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

    def heard(self, ident: int) -> tuple[Frame, list[bytes]]:
        """A job to its end: its last frame, and the samples of each frame of sound."""
        parts: list[bytes] = []
        while True:
            frame = self.until("audio", "done", "error")
            assert frame.fields["id"] == ident
            if frame.kind != "audio":
                return frame, parts
            parts.append(frame.payload)
            self.send("ack", id=ident, seq=frame.fields["seq"])

    def words(self) -> str:
        """Everything that the process printed, once it has ended."""
        self.socket.close()
        out, err = self.process.communicate(timeout=30)
        return (out + err).decode(errors="replace")

    def close(self, patience: float = 10) -> None:
        """End the worker by hanging up; one that stays is killed."""
        self.socket.close()
        if self.process.poll() is None:
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
