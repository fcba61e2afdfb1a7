"""One admitted request, from its place in the queue to its last sample."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tts_server.engines.status import Engine, OutOfMemory
from tts_server.refusal import Refusal
from tts_server.sound.join import Joiner
from tts_server.speech.request import Sentence, SpeechRequest
from tts_server.workers.pool import NoWorker
from tts_server.workers.worker import NOTES, Spoken, WorkerLate, WorkerLost, WorkerRefused

if TYPE_CHECKING:
    from tts_server.speech.service import Service

_Paths = tuple[AbstractAsyncContextManager[Path | None], AbstractAsyncContextManager[Path | None]]
_FAULTS = {"voice": "clip_unreadable", "emotion_text": "emotion_text_off", "synthesis": "synthesis_failed"}
"""Codes of a worker, and the errors they become; any other is a text that the engine refuses."""


class Ticket:
    """A context manager: leaving it frees the place.

    Attributes:
        fallback: What the answer's header says when somebody else, or something slower, answers.
    """

    def __init__(
        self, service: Service, engine: Engine, request: SpeechRequest, seconds: float, fallback: str, paths: _Paths
    ) -> None:
        self.request = request
        self.fallback = fallback
        self.device = engine.device
        self._service = service
        self._engine = engine
        self._left = seconds
        self._paths = paths
        self._admitted = time.monotonic()
        self._outcome = "cancelled"
        self._bytes = 0
        self._busy = 0.0
        self._open = True
        self._remarks: Counter[str] = Counter()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the engine remarked about the pieces spoken so far (``reference_cut`` …), each once.

        A pause in place of words is worth a remark only where nothing else was spoken.
        """
        silent = self._remarks["nothing_spoken"] >= len(self.request.sentences)
        return tuple(note for note in NOTES if self._remarks[note] and (silent or note != "nothing_spoken"))

    @property
    def rate(self) -> int:
        """Samples a second of what `samples` gives."""
        return self._engine.rate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the place and count the request; the second time nothing happens."""
        if not self._open:
            return
        self._open = False
        self._service.leave(self._engine.name)
        audio = self._bytes / 2 / (self.rate or 1)
        request = self.request
        self._service.observer.finished(request.model, self._outcome, request.characters, audio, self._busy)

    async def samples(self) -> AsyncGenerator[bytes]:
        """The samples of each piece in turn. The time that the taker needs between them does not count.

        Raises:
            Refusal: The worker broke, or the request's time is over.
        """
        async with AsyncExitStack() as stack:
            try:
                clip, emotion_clip = [await stack.enter_async_context(path) for path in self._paths]
            except (NoWorker, WorkerLost, WorkerRefused, KeyError):
                raise self.refuse("no_clip") from None
            except OSError:
                raise self.refuse("no_space") from None
            running: deque[asyncio.Task[Spoken]] = deque()
            try:
                async with aclosing(self._in_order(running, clip, emotion_clip)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        self._outcome = "ok"

    async def _in_order(
        self, running: deque[asyncio.Task[Spoken]], clip: Path | None, emotion_clip: Path | None
    ) -> AsyncGenerator[bytes]:
        """As many pieces at a time as there are workers, given out in the order of the text."""
        last = len(self.request.sentences) - 1
        joiner = Joiner(self.rate, self.request.silence_ms) if clip is not None else None
        waiting = deque(enumerate(self.request.sentences))
        for index in range(last + 1):
            began = time.monotonic()
            while waiting and len(running) < self._engine.width:
                number, sentence = waiting.popleft()
                fields = self._fields(sentence, number < last, clip, emotion_clip)
                running.append(asyncio.create_task(self._speak(fields, began + self._left)))
            chunk, notes = await running[0]
            running.popleft()
            self._remarks.update(notes)
            self._left -= time.monotonic() - began
            if joiner is not None:
                chunk = joiner.join(chunk, first=index == 0, last=index == last)
            if index == 0:
                self._service.observer.first_audio(time.monotonic() - self._admitted)
            self._bytes += len(chunk)
            yield chunk

    def _fields(self, sentence: Sentence, more: bool, clip: Path | None, emotion_clip: Path | None) -> dict[str, Any]:
        fields = {"text": sentence.text, "language": sentence.language, **self.request.job}
        if clip is None:
            return fields | {"voice": sentence.voice, "pause": more}
        fields |= {"reference": str(clip), "segment_tokens": sentence.tokens, "pause": False}
        if emotion_clip is not None:
            fields["emotion"] = {**fields["emotion"], "path": str(emotion_clip)}
        return fields

    async def _speak(self, fields: dict[str, object], end: float) -> Spoken:
        turn = time.monotonic()

        def on_turn(waited: float) -> None:
            nonlocal turn
            turn = time.monotonic()
            self._service.observer.waited(waited)

        try:
            spoken = await self._engine.speak(fields, end, on_turn)
        except WorkerLate:
            raise self.refuse("deadline") from None
        except (WorkerLost, NoWorker):
            raise self.refuse("worker_lost") from None
        except OutOfMemory as error:
            raise self.refuse("out_of_memory", trouble=error.trouble) from None
        except WorkerRefused as refused:
            raise self.refuse(_FAULTS.get(refused.code, "engine_refused"), reason=refused.code) from None
        self._busy += time.monotonic() - turn
        return spoken

    def refuse(self, code: str, **values: Any) -> Refusal:
        """The error with which this request ends."""
        self._outcome = code
        return Refusal(code, **values)
