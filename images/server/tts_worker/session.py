"""The worker's side of the protocol: the main thread speaks, a reader thread listens.

The reader takes acknowledgements and cancellations while the engine is busy. End of file means that the server is
gone; nothing is worth saving then, so the process ends at once, even in the middle of a call into the engine.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from typing import Any

from deploy_kit import wire
from deploy_kit.wire import Frame
from tts_worker import log
from tts_worker.engines import FATAL, Engine, EngineError

_MILLISECOND = 0.001
_REFUSED = 1
_WORTHLESS = 3
"""Exit codes: the engine could not be loaded; it can be used no more."""


class Session:
    """One conversation with the server, from ``hello`` to the end of the socket."""

    def __init__(self, connection: socket.socket, engine: Engine) -> None:
        self._connection = connection
        self._engine = engine
        self._inbox: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._running: int | None = None
        self._ended = 0
        self._unacknowledged = 0
        self._cancelled: set[int] = set()

    def serve(self) -> int:
        """Speak until ``shutdown`` arrives; the exit code of the process."""
        self._send("hello", protocol=wire.PROTOCOL, engine=self._engine.name, pid=os.getpid())
        threading.Thread(target=self._listen, name="reader", daemon=True).start()
        while True:
            frame = self._inbox.get()
            if frame.kind == "shutdown":
                return 0
            if frame.kind == "load" and not self._load(frame):
                return _REFUSED
            if frame.kind == "speak" and not self._speak(frame.fields):
                return _WORTHLESS

    def phase(self, name: str) -> None:
        """Tell the server what begins."""
        self._send("phase", name=name)

    def give_up(self, code: str, detail: str) -> None:
        """Refuse the load and end the process, though the main thread is stuck."""
        self._send("error", id=None, code=code, detail=detail)
        log.say(f"given up: {code}: {detail}")
        os._exit(_REFUSED)

    def _load(self, frame: Frame) -> bool:
        try:
            capabilities = self._engine.load(frame.fields, self)
        except EngineError as error:
            self._send("error", id=None, code=error.code, detail=error.detail)
            return False
        self._send("ready", **capabilities)
        return True

    def _speak(self, fields: dict[str, Any]) -> bool:
        """Do one job; False when the process can do no other one."""
        ident = int(fields["id"])
        deadline = time.monotonic() + float(fields["seconds"])
        with self._changed:
            self._running, self._unacknowledged = ident, 0
        sequence = samples = 0

        def emit(chunk: bytes) -> bool:
            nonlocal sequence, samples
            if not self._may_send(ident, deadline):
                return False
            for start in range(0, len(chunk), wire.PAYLOAD_CAP):
                self._send("audio", chunk[start : start + wire.PAYLOAD_CAP], id=ident, seq=sequence)
                sequence += 1
            samples += len(chunk) // 2
            return True

        try:
            facts = {} if ident in self._cancelled else self._engine.speak(fields, emit)
            self._conclude(ident, deadline, samples, facts)
        except EngineError as error:
            self._send("error", id=ident, code=error.code, detail=error.detail)
            return error.code not in FATAL
        finally:
            with self._changed:
                self._running, self._ended = None, ident
                self._cancelled.discard(ident)
        return True

    def _conclude(self, ident: int, deadline: float, samples: int, facts: dict[str, Any]) -> None:
        if ident in self._cancelled:
            self._send("error", id=ident, code="cancelled", detail="")
        elif time.monotonic() > deadline:
            self._send("error", id=ident, code="deadline", detail="")
        else:
            self._send("done", id=ident, seconds=samples / self._engine.rate, **facts)

    def _may_send(self, ident: int, deadline: float) -> bool:
        """Wait until the server has room for one more frame; False when the job must stop."""
        with self._changed:
            self._changed.wait_for(
                lambda: ident in self._cancelled or self._unacknowledged < wire.UNACKNOWLEDGED_FRAMES,
                timeout=max(_MILLISECOND, deadline - time.monotonic()),
            )
            if ident in self._cancelled or time.monotonic() > deadline:
                return False
            self._unacknowledged += 1
            return True

    def _listen(self) -> None:
        try:
            while (frame := wire.read(self._connection.recv)) is not None:
                self._take(frame)
        except (OSError, wire.WireError) as error:
            log.say(f"lost the server: {error}")
        os._exit(0)

    def _take(self, frame: Frame) -> None:
        if frame.kind not in ("ack", "cancel"):
            self._inbox.put(frame)
            return
        with self._changed:
            ident = frame.fields.get("id")
            if frame.kind == "cancel" and isinstance(ident, int) and ident > self._ended:
                self._cancelled.add(ident)  # it may still lie in the inbox
            elif frame.kind == "ack" and ident == self._running:  # else an answer to a job that has ended
                self._unacknowledged -= 1
            self._changed.notify_all()

    def _send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the reader sees the end of file and exits
            self._connection.sendall(wire.encode(Frame(kind, fields, payload)))
