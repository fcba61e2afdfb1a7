"""One connection: uvicorn's HTTP/1.1 with deadlines, a limit of how many there are, and half-closed clients."""

from __future__ import annotations

import asyncio
import math
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_SPARE = 8
"""Connections above the limit: they are answered as far as they ask for a probe."""

_KNOCK_SECONDS = 0.5
_BLIND_SECONDS = 5.0


class Connection(H11Protocol):
    """What a client has not sent or taken in time ends its connection, so that silence costs nobody a place.

    Attributes:
        room: How many connections there may be.
        seconds: How long a client may take for: a head, a body, the next part of an answer.
    """

    room: ClassVar[int] = 1000
    seconds: ClassVar[dict[str, float]] = {"head": 30.0, "body": 30.0, "answer": 60.0}

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._since = self.loop.time()
        self._stage: tuple[str, Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._left = math.inf
        self._paused = False
        self._ended: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.room:
            self._find_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._since = self.loop.time()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused = True
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._paused = False
        self._watch()

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that has said everything may close its side and still gets the answer."""
        if not self._answering:
            return False
        self.cycle.keep_alive = False
        if self._ended is None:
            self._ended = self.loop.time()
            self._knock()
        return True

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle  # uvicorn sets None before the first request, and does not say so

    @property
    def _answering(self) -> bool:
        cycle = self._cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _knock(self) -> None:
        """Find out whether a client that says no more still listens: what is sent to one that left breaks the line.

        ``100 Continue`` means nothing to one that listens; HTTP/1.0 does not know it, so patience is all there is.
        """
        if self.transport.is_closing() or not self._answering:
            return
        if not self.cycle.response_started:
            if self.scope["http_version"] == "1.1":
                nothing = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
                self.transport.write(self.conn.send(nothing) or b"")
            elif self.loop.time() - (self._ended or 0.0) > _BLIND_SECONDS:
                self.transport.abort()
                return
        self.loop.call_later(_KNOCK_SECONDS, self._knock)

    def _find_room(self) -> None:
        """End the connection that has been silent for the longest; when all are at work this one gets a spare place."""
        silent = [one for one in self.connections if isinstance(one, Connection) and one is not self and one.silent]
        if silent:
            min(silent, key=lambda one: one._since).transport.abort()  # noqa: SLF001 - one of us
        elif len(self.connections) > self.room + _SPARE:
            self.transport.abort()
        else:
            self.app_state = {**self.app_state, "crowded": True}

    @property
    def silent(self) -> bool:
        """Whether the client is the one who has to say something."""
        return not self._answering and not self.transport.is_closing()

    def _watch(self) -> None:
        """Give the client a new deadline when it is up to something new; single bytes buy no time."""
        stage = self._stage_now()
        if stage == self._stage:
            return
        self._disarm()
        self._stage, self._left = stage, math.inf
        if stage is not None:
            self._timer = self.loop.call_later(self.seconds[stage[0]], self._late)

    def _stage_now(self) -> tuple[str, Any] | None:
        cycle = self._cycle
        if self._paused:
            return ("answer", cycle)
        if cycle is None or cycle.response_complete:
            return ("head", cycle)
        return ("body", cycle) if cycle.more_body else None

    def _late(self) -> None:
        left = self.transport.get_write_buffer_size()
        if 0 < left < self._left and self._stage is not None:  # slow, but it takes what it gets
            self._left = left
            self._timer = self.loop.call_later(self.seconds[self._stage[0]], self._late)
        else:
            self.transport.abort()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
