"""The engines of this service, and which one answers whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_server.engines.builtin import NAME, Builtin
from tts_server.engines.status import Engine, EngineState
from tts_server.settings import Settings
from tts_server.start.ledger import Ledger

if TYPE_CHECKING:
    from tts_server.indextts.model import Model


class Team:
    """The built-in voice always, and the configured IndexTTS engine beside it."""

    def __init__(
        self, settings: Settings, ledger: Ledger, builtin: Builtin, warm_up: Callable[[], Awaitable[Path]]
    ) -> None:
        self.builtin = builtin
        self.model: Model | None = None
        if settings.engine != NAME:
            from tts_server.indextts.model import Model

            self.model = Model(settings.engine, settings, ledger, warm_up)

    @property
    def all(self) -> list[Engine]:
        return [self.builtin] if self.model is None else [self.builtin, self.model]

    @property
    def configured(self) -> Engine:
        return self.model or self.builtin

    def named(self, name: str) -> Engine | None:
        return next((engine for engine in self.all if engine.name == name), None)

    def answering(self) -> Engine:
        """Who answers ``auto`` now: the built-in voice only while the configured engine comes, or has failed.

        One that refuses (no GPU although one was demanded) stays the answer, so that nobody mistakes it for well.
        """
        if self.model is None or self.model.usable or self.model.state is EngineState.REFUSED:
            return self.configured
        return self.builtin

    def start(self) -> None:
        for engine in self.all:
            engine.start()

    async def stop(self) -> None:
        await asyncio.gather(*(engine.stop() for engine in self.all))

    def views(self, locale: str) -> dict[str, Any]:
        return {engine.name: engine.view(locale) for engine in self.all}
