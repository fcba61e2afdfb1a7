"""Reference clips as files that a worker can read: users' own, uploads, and those that the built-in voice speaks."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy_kit.data import table
from tts_server.engines.builtin import Builtin
from tts_server.fields.upload import suffix_of
from tts_server.sound.audio import wav_header
from tts_server.sound.shelf import Shelf
from tts_server.speech import voices
from tts_server.speech.request import Reference

_MAKE_SECONDS = 30.0
_FAST_DEFAULTS = {"speed": 1.0, "pitch": 50, "pause": False}


class Clips:
    """Hands out paths. What it makes lies in a temporary folder of its own.

    Attributes:
        shelf: The users' own clips.
    """

    def __init__(self, builtin: Builtin, cache_hub: Path) -> None:
        self.shelf = Shelf(cache_hub)
        self._builtin = builtin
        self._folder: Path | None = None
        self._making = asyncio.Lock()
        self._holders: Counter[Path] = Counter()

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def spoken(self, voice: str = "") -> Path:
        """The clip of a built-in voice, made when it is first asked for.

        Raises:
            OSError: It cannot be stored.
            Exceptions of `tts_server.workers.pool.Pool.speak`: The built-in voice does not speak.
        """
        ident = voice or voices.for_language(None, "en")
        path = self._room() / f"{ident}.wav"
        async with self._making:
            if not path.exists():
                language = voices.catalogue()[ident].language
                fields = {"text": table("espeak")["clip"][language], "language": language, "voice": ident}
                end = time.monotonic() + _MAKE_SECONDS
                samples, _ = await self._builtin.speak(fields | _FAST_DEFAULTS, end, lambda _: None)
                await asyncio.to_thread(_store, path, wav_header(len(samples), self._builtin.rate) + samples)
        return path

    @asynccontextmanager
    async def hold(self, reference: Reference | None) -> AsyncGenerator[Path | None]:
        """The file of a reference while it is needed; what was uploaded is removed afterwards.

        Raises:
            KeyError: A user's clip is not there any more.
            As `spoken`.
        """
        if reference is None:
            yield None
        elif reference.kind == "builtin":
            yield await self.spoken(reference.name)
        elif reference.kind == "clip":
            yield (await self.shelf.clips())[reference.name]
        else:
            name = f"{hashlib.sha256(reference.data).hexdigest()}.{suffix_of(reference.data) or 'wav'}"
            path = self._room() / name
            self._holders[path] += 1
            try:
                await self._write(path, reference.data)
                yield path
            finally:
                self._holders[path] -= 1
                if not self._holders[path]:
                    del self._holders[path]
                    path.unlink(missing_ok=True)

    async def _write(self, path: Path, data: bytes) -> None:
        """One holder writes, the others find it whole."""
        async with self._making:
            writing = asyncio.create_task(asyncio.to_thread(_store, path, data))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:  # the thread goes on: what it writes has to be there before it is removed
                await asyncio.wait({writing})
                raise

    def _room(self) -> Path:
        if self._folder is None or not self._folder.is_dir():  # systems clear away what is old
            self._folder = Path(tempfile.mkdtemp(prefix="deploykit-clips-"))
        return self._folder


def _store(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, so that nobody sees half of it."""
    if not path.exists():
        partial = path.with_suffix(".part")
        try:
            partial.write_bytes(data)
            partial.rename(path)
        except OSError:
            partial.unlink(missing_ok=True)  # half of it would keep the room that is lacking
            raise
