"""``POST /v1/audio/speech``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, asynccontextmanager, nullcontext
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response

from tts_server.asgi import Gone, Receive, Scope, Send, body_of
from tts_server.http.schema import schema
from tts_server.refusal import Refusal
from tts_server.sound.audio import PCM_RATE, Resampler, Spool, wav_header
from tts_server.speech.request import SpeechRequest, body_limit, check, parse
from tts_server.speech.service import Service, means
from tts_server.speech.ticket import Ticket
from tts_server.state import State

T = TypeVar("T")
_log = logging.getLogger(__name__)
_SMALL = 128 * 1024
_LARGE_AT_ONCE = 4
"""Bodies with clips in them that are read at the same time: each can take a few hundred megabytes while it is."""

_TURN_SECONDS = 5.0


def add(app: FastAPI, state: State, service: Service) -> None:
    """Add the route."""
    large = asyncio.Semaphore(_LARGE_AT_ONCE)

    @app.post("/v1/audio/speech", response_class=Response, openapi_extra=schema(state.settings))
    async def create_speech(request: Request) -> Response:
        """Text to speech."""
        kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal("unsupported_media_type")
        async with _turn(large) if _is_large(request) else nullcontext():
            body = await body_of(request.receive, body_limit(state.settings.max_chars, state.settings.engine))
            checked = await _checked(state, body)
            del body
        return _Sound(service, service.admit(checked))


def _is_large(request: Request) -> bool:
    told = request.headers.get("content-length", "")
    return not told.isdecimal() or int(told) > _SMALL


@asynccontextmanager
async def _turn(large: asyncio.Semaphore) -> AsyncGenerator[None]:
    """One of the places for large bodies. Raises `Refusal` when none becomes free."""
    try:
        async with asyncio.timeout(_TURN_SECONDS):
            await large.acquire()
    except TimeoutError:
        raise Refusal("too_busy") from None
    try:
        yield
    finally:
        large.release()


async def _checked(state: State, body: bytes) -> SpeechRequest:
    """The request in a body; one with clips in it is read beside the loop."""
    engine, most, at_hand = state.settings.engine, state.settings.max_chars, await means(state)

    def work() -> SpeechRequest:
        return check(parse(body), engine=engine, max_chars=most, means=at_hand)

    return work() if len(body) <= _SMALL else await asyncio.to_thread(work)


class _Sound(Response):
    """Speaks while it answers: the status is decided by the first sentence (``pcm``) or the last one (``wav``).

    Sentences are made whether or not the client takes them, so a slow one keeps its place no longer than a quick one.
    """

    def __init__(self, service: Service, ticket: Ticket) -> None:
        super().__init__()
        self._service = service
        self._ticket = ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        with self._service.answering(), self._ticket:
            try:
                await _while_connected(receive, self._answer(send))
            except Gone:
                return

    async def _answer(self, send: Send) -> None:
        spool = Spool(self._service.folder)
        making = asyncio.create_task(self._make(spool))
        try:
            deliver = self._stream if self._ticket.request.format == "pcm" else self._whole
            await deliver(send, spool, making)
        finally:
            making.cancel()
            await asyncio.wait({making})
            if not making.cancelled():
                making.exception()  # somebody has looked
            spool.close()

    async def _make(self, spool: Spool) -> None:
        """Speak everything into the spool, and leave the queue."""
        try:
            async with aclosing(self._samples()) as chunks:
                async for chunk in chunks:
                    try:
                        await spool.add(chunk)
                    except OSError as error:
                        _log.error("sound cannot be kept: %s", error.strerror)
                        raise self._ticket.refuse("no_space") from None
            self._ticket.close()
        finally:
            await spool.end()

    async def _samples(self) -> AsyncGenerator[bytes]:
        rate = self._ticket.rate
        resampler = Resampler(rate, PCM_RATE if self._ticket.request.format == "pcm" else rate)
        async with aclosing(self._ticket.samples()) as sentences:
            async for samples in sentences:
                yield await resampler.feed(samples)
        yield await resampler.feed(b"", last=True)

    async def _whole(self, send: Send, spool: Spool, making: asyncio.Task[None]) -> None:
        await making
        header = wav_header(spool.size, self._ticket.rate)
        await self._start(send, "audio/wav", self._ticket.rate, len(header) + spool.size)
        await _deliver(send, header)
        async with aclosing(spool.blocks()) as blocks:
            async for block in blocks:
                await _deliver(send, block)
        await _deliver(send, b"", more=False)

    async def _stream(self, send: Send, spool: Spool, making: asyncio.Task[None]) -> None:
        started = False
        async with aclosing(spool.blocks()) as blocks:
            async for block in blocks:
                if not started:
                    await self._start(send, "audio/pcm", PCM_RATE, None)
                    started = True
                await _deliver(send, block)
        await making
        await _deliver(send, b"", more=False)

    async def _start(self, send: Send, kind: str, rate: int, length: int | None) -> None:
        request = self._ticket.request
        headers = {
            "content-type": kind,
            "x-accel-buffering": "no",
            "x-tts-model": request.model,
            "x-tts-voice": ", ".join(request.voices),
            "x-tts-sample-rate": str(rate),
            "x-tts-device": self._ticket.device,
        }
        if self._ticket.fallback:
            headers["x-tts-fallback"] = self._ticket.fallback
        if length is not None:
            headers["content-length"] = str(length)
        if self._ticket.notes:  # of ``pcm`` those of the first sentence: the rest is spoken behind the headers
            headers["x-tts-notes"] = ", ".join(self._ticket.notes)
        if request.ignored:
            headers["x-tts-ignored"] = ", ".join(request.ignored)
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": encoded})


async def _deliver(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do the work, but stop it when the client goes away. Raises `Gone` then."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Gone
        return task.result()
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
