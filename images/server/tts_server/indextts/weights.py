"""The weights of one engine: their licence, the child that fetches them, the directory that the workers read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_kit.errors import Failure
from tts_server.engines.status import Progress, Trouble
from tts_server.indextts import surroundings
from tts_server.settings import Settings
from tts_server.workers.launch import environment

_log = logging.getLogger(__name__)
_LICENCE_SECONDS = 3.0
_PAUSES = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_END_SECONDS = 10.0
_LINE_BYTES = 1024 * 1024


@dataclass(slots=True)
class News:
    """Who hears how it goes.

    Attributes:
        licence: A licence has to be accepted before anything happens.
        progress: Bytes have moved.
        trouble: An attempt failed, and whether it will pass by itself (another one follows anyway); None: one begins.
    """

    licence: Callable[[], None]
    progress: Callable[[Progress], None]
    trouble: Callable[[Trouble | None, bool], None]


class Weights:
    """Brings cache_hub to the state that an engine needs.

    Attributes:
        downloaded: Bytes that this process has seen arrive.
    """

    def __init__(self, settings: Settings, engine: str, news: News) -> None:
        self.downloaded = 0
        self._settings = settings
        self._engine = engine
        self._news = news
        self._seen = 0
        self._failure: Trouble | None = None
        self._passing = True

    async def ready(self, *, emotion_text: bool, insist: bool) -> bool:
        """Return when everything is there; whether emotion by text is among it.

        Args:
            emotion_text: Whether its model is wanted.
            insist: Whether to fetch only that model when all the rest is there already.

        Raises:
            deploy_kit.errors.Failure: The lock cannot be used.
        """
        if emotion_text and not insist and not await self._complete(True) and await self._complete(False):
            await self._acceptance()
            return False
        attempt = 0
        while not await self._complete(emotion_text):
            await self._acceptance()
            if attempt == 0:  # afterwards the last trouble stands until bytes arrive
                self._news.trouble(None, True)
            if await self._pull(emotion_text) and await self._complete(emotion_text):
                break
            trouble = self._failure or Trouble("CACHE-INCOMPLETE")
            self._news.trouble(trouble, self._passing)
            pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
            _log.error("weights not fetched: engine=%s %s, again in %.0f s", self._engine, trouble.code, pause)
            attempt += 1
            await asyncio.sleep(pause)
        await self._acceptance()
        return emotion_text

    async def lacking(self, *, emotion_text: bool) -> bool:
        """Whether files are gone that were there. Raises as `ready` does."""
        return not await self._complete(emotion_text)

    def view(self, folder: Path, *, emotion_text: bool) -> Path:
        """Make the model directory. Raises OSError."""
        from tts_cache import view

        made = view.make(self._settings.cache_hub, self._items(emotion_text), folder)
        for repaired in made.repaired:
            _log.warning("repaired in the published weights: %s", repaired)
        return made.folder

    def _lock(self) -> Any:
        from tts_cache.lock import Lock

        return Lock.load(self._settings.weights_lock)

    def _items(self, emotion_text: bool) -> Any:
        return self._lock().needs(self._engine, emotion_text)

    async def _complete(self, emotion_text: bool) -> bool:
        from tts_cache.state import held

        found = await asyncio.to_thread(held, self._settings.cache_hub, self._items(emotion_text))
        if not found.complete:
            self._news.progress(Progress(found.have_bytes, found.need_bytes))
        return bool(found.complete)

    async def _acceptance(self) -> None:
        """Wait until the licences are accepted: by the setting, or by somebody with the command."""
        from tts_cache import licences

        lock, cache = self._lock(), self._settings.cache_hub
        if self._settings.accept_license:
            with contextlib.suppress(Failure, OSError):  # a cache that cannot be written still counts as accepted
                licences.accept(cache, lock, self._engine, "TTS_ACCEPT_LICENSE")
            return
        while not licences.accepted(cache, lock, self._engine):
            self._news.licence()
            await asyncio.sleep(_LICENCE_SECONDS)

    async def _pull(self, emotion_text: bool) -> bool:
        self._failure, self._passing, self._seen = None, True, -1
        told = environment(surroundings.variables(self._settings.site or surroundings.DEFAULT))
        child = await asyncio.create_subprocess_exec(
            *self._command(emotion_text), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            env=told, limit=_LINE_BYTES, start_new_session=True,
        )  # fmt: skip
        try:
            assert child.stdout is not None
            while line := await child.stdout.readline():
                self._hear(line)
            return await child.wait() == 0
        finally:
            await _end(child)

    def _command(self, emotion_text: bool) -> list[str]:
        told = self._settings
        command = [sys.executable, "-m", "tts_cache", "pull", "--json", "--cache", str(told.cache_hub)]
        command += ["--engine", self._engine, "--source", told.weights_source]
        command += ["--lock", str(told.weights_lock)] if told.weights_lock else []
        command += ["--token-file", str(told.hub_token_file)] if told.hub_token_file else []
        return [*command, "--emotion-text" if emotion_text else "--no-emotion-text"]

    def _hear(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, TypeError, KeyError):
            return
        if kind == "progress":
            self._moved(int(event["done_bytes"]), int(event["total_bytes"]), float(event.get("speed") or 0))
        elif kind == "start":
            self._moved(int(event["have_bytes"]), int(event["need_bytes"]), 0.0)
            _log.info("fetching weights: engine=%s source=%s", self._engine, event.get("source"))
        elif kind == "source":
            _log.info("source of weights: %s", event.get("name"))
        elif kind == "failed":
            args, self._passing = event.get("args") or {}, bool(event.get("passing"))
            self._failure = Trouble.of(str(event.get("code")), **{str(name): value for name, value in args.items()})

    def _moved(self, done: int, total: int, speed: float) -> None:
        if 0 <= self._seen < done:
            self.downloaded += done - self._seen
            self._news.trouble(None, True)
        self._seen = done
        eta = (total - done) / speed if speed > 0 else None
        self._news.progress(Progress(done, total, eta))


async def _end(child: asyncio.subprocess.Process) -> None:
    """A child that still runs is asked to end, so that what it has fetched can be resumed."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _END_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
