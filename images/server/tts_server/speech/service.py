"""Admission and speech: the one object behind the API and the page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Protocol, Self

from tts_server.refusal import Refusal
from tts_server.speech.request import SpeechRequest
from tts_server.state import State
from tts_server.workers.supervisor import NoWorker, Supervisor
from tts_server.workers.worker import WorkerLate, WorkerLost, WorkerRefused

_RUNNING = 1
"""Requests that a worker can be busy with; those above it wait."""


class Observer(Protocol):
    """Who counts (the metrics)."""

    def waited(self, seconds: float) -> None: ...

    def first_audio(self, seconds: float) -> None: ...

    def finished(self, model: str, outcome: str, characters: int, audio: float, busy: float) -> None: ...


class Service:
    """Takes requests while there is room, and turns them into samples sentence by sentence.

    Requests share the worker by sentences, in turn, so a long text does not hold up a short one.
    """

    def __init__(self, state: State, supervisor: Supervisor, observer: Observer, folder: Path | None) -> None:
        self._state = state
        self.supervisor = supervisor
        self.observer = observer
        self.folder = folder
        self._tickets = 0
        self._answers = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def rate(self) -> int:
        """Samples a second of what `Ticket.samples` gives."""
        return self.supervisor.rate

    @property
    def waiting(self) -> int:
        """Requests that wait behind the one being spoken."""
        return max(0, self._tickets - _RUNNING)

    async def idle(self) -> None:
        """Return when no request is left, and every answer was delivered."""
        await self._empty.wait()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """While this lasts an answer is on its way, whether or not its request still has a place."""
        self._answers += 1
        try:
            yield
        finally:
            self._answers -= 1
            self._settle()

    def admit(self, request: SpeechRequest) -> Ticket:
        """A place for a request; the caller closes it. Raises `Refusal` when draining, not ready or full."""
        refusal = self._objection()
        if refusal is not None:
            self.observer.finished(request.model, refusal, 0, 0.0, 0.0)
            raise Refusal(refusal, limit=self._state.settings.queue)
        self._tickets += 1
        self._empty.clear()
        return Ticket(self, request, self._state.settings.request_seconds)

    def leave(self) -> None:
        """Give a place back (`Ticket.close` does)."""
        self._tickets -= 1
        self._settle()

    def _settle(self) -> None:
        if self._tickets == self._answers == 0:
            self._empty.set()

    def _objection(self) -> str | None:
        if self._state.draining:
            return "draining"
        if self._state.engine() in ("starting", "failed", "stopped"):
            return "not_ready"
        return "queue_full" if self._tickets >= _RUNNING + self._state.settings.queue else None


class Ticket:
    """One admitted request. A context manager: leaving it frees the place."""

    def __init__(self, service: Service, request: SpeechRequest, seconds: float) -> None:
        self.request = request
        self._service = service
        self._left = seconds
        self._admitted = time.monotonic()
        self._outcome = "cancelled"
        self._bytes = 0
        self._busy = 0.0
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the place and count the request; the second time nothing happens."""
        if not self._open:
            return
        self._open = False
        self._service.leave()
        audio = self._bytes / 2 / (self._service.rate or 1)
        request = self.request
        self._service.observer.finished(request.model, self._outcome, request.characters, audio, self._busy)

    async def samples(self) -> AsyncGenerator[bytes]:
        """The samples of each sentence in turn. The time that the taker needs between them does not count.

        Raises:
            Refusal: The worker broke, or the request's time is over.
        """
        for index, sentence in enumerate(self.request.sentences):
            fields = {
                "text": sentence.text, "language": sentence.language, "voice": sentence.voice,
                "speed": self.request.speed, "pitch": self.request.pitch,
                "pause": index < len(self.request.sentences) - 1,
            }  # fmt: skip
            began = time.monotonic()
            chunk = await self._speak(fields, began + self._left)
            self._left -= time.monotonic() - began
            if index == 0:
                self._service.observer.first_audio(time.monotonic() - self._admitted)
            self._bytes += len(chunk)
            yield chunk
        self._outcome = "ok"

    async def _speak(self, fields: dict[str, object], end: float) -> bytes:
        turn = time.monotonic()

        def on_turn(waited: float) -> None:
            nonlocal turn
            turn = time.monotonic()
            self._service.observer.waited(waited)

        try:
            samples = await self._service.supervisor.speak(fields, end, on_turn)
        except WorkerLate:
            raise self.refuse("deadline") from None
        except (WorkerLost, NoWorker):
            raise self.refuse("worker_lost") from None
        except WorkerRefused as refused:
            raise self.refuse("engine_refused", reason=refused.code) from None
        self._busy += time.monotonic() - turn
        return samples

    def refuse(self, code: str, reason: str = "") -> Refusal:
        """The error with which this request ends."""
        self._outcome = code
        return Refusal(code, reason=reason)
