"""Admission and speech: the one object behind the API and the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tts_server.engines.status import Engine, EngineState
from tts_server.engines.team import Team
from tts_server.fields.model import Means
from tts_server.refusal import Refusal
from tts_server.sound.clips import Clips
from tts_server.speech.request import SpeechRequest
from tts_server.speech.ticket import Ticket
from tts_server.state import State

_TROUBLED = {EngineState.UNLICENSED: "unlicensed", EngineState.REFUSED: "model_refused"}
_COMING = (
    EngineState.STARTING, EngineState.FETCHING, EngineState.LOADING, EngineState.RESTARTING, EngineState.FAILED,
)  # fmt: skip


class Observer(Protocol):
    """Who counts (the metrics)."""

    def waited(self, seconds: float) -> None: ...

    def first_audio(self, seconds: float) -> None: ...

    def finished(self, model: str, outcome: str, characters: int, audio: float, busy: float) -> None: ...


class Service:
    """Takes requests while there is room, and turns them into samples piece by piece.

    Requests share the workers by pieces, in turn, so a long text does not hold up a short one.
    """

    def __init__(self, state: State, team: Team, holder: Clips, observer: Observer, folder: Path | None) -> None:
        self._state = state
        self._team = team
        self._clips = holder
        self.observer = observer
        self.folder = folder
        self._tickets: Counter[str] = Counter()
        self._answers = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def waiting(self) -> int:
        """Requests that wait behind those being spoken."""
        return sum(max(0, self._tickets[engine.name] - engine.width) for engine in self._team.all)

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
        asked_auto = request.auto
        engine, request = self._answerer(request)
        refusal = self._objection(engine)
        if refusal is not None:
            self.observer.finished(request.model, refusal.code, 0, 0.0, 0.0)
            raise refusal
        self._tickets[engine.name] += 1
        self._empty.clear()
        seconds = engine.seconds(self._state.settings.request_seconds)
        paths = self._clips.hold(request.reference), self._clips.hold(request.emotion_reference)
        fallback = self._fallback(engine) if asked_auto or engine is not self._team.builtin else ""
        return Ticket(self, engine, request, seconds, fallback, paths)

    def leave(self, engine: str) -> None:
        """Give a place back (`Ticket.close` does)."""
        self._tickets[engine] -= 1
        self._settle()

    def _settle(self) -> None:
        if not self._tickets.total() and not self._answers:
            self._empty.set()

    def _answerer(self, request: SpeechRequest) -> tuple[Engine, SpeechRequest]:
        """Who answers, and with what: the built-in voice stands in where it may."""
        wanted = self._team.named(request.model) or self._team.configured
        if not request.auto or self._team.answering() is wanted or request.stand_in is None:
            return wanted, request
        return self._team.builtin, request.stand_in

    def _objection(self, engine: Engine) -> Refusal | None:
        if self._state.draining:
            return Refusal("draining")
        if not engine.usable:
            return self._not_usable(engine)
        full = self._tickets[engine.name] >= engine.width + self._state.settings.queue
        return Refusal("queue_full", limit=self._state.settings.queue) if full else None

    def _not_usable(self, engine: Engine) -> Refusal:
        model = self._team.model
        if model is None or engine is not model:
            return Refusal("not_ready")
        code = _TROUBLED.get(model.state, "model_not_ready" if model.trouble is None else "model_failed")
        if model.state is EngineState.FETCHING:
            code = "model_fetched"
        view = model.view(self._state.settings.locale)
        done = model.progress.percent if model.progress else "0"
        refusal = Refusal(code, "model", trouble=model.trouble, model=model.name, state=model.state.value, percent=done)
        refusal.retry_seconds = model.retry_seconds() if model.state in _COMING else None
        told = ("state", "progress", "code", "reason")
        refusal.more = {"engine": {name: view[name] for name in told if name in view}}
        return refusal

    def _fallback(self, engine: Engine) -> str:
        """For the answer's header: what stood in for what, in two words; empty when all is as it was meant."""
        model = self._team.model
        if model is None:
            return ""
        if engine is not model:
            return f"{model.name}={model.state.value}"
        return model.fallback.code if model.fallback else ""


async def means(state: State) -> Means | None:
    """What the configured IndexTTS engine has at hand for a request; None when there is none."""
    model = state.team.model if state.team else None
    if model is None:
        return None
    own = await state.clips.shelf.clips() if state.clips is not None else {}
    return Means(own, model.emotion_text, model.small_card)
