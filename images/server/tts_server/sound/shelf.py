"""The users' own clips in cache_hub, looked for beside the event loop: that folder may lie on a network mount."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tts_server.beside import in_thread

_log = logging.getLogger(__name__)
FOLDER = "voices"
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_ID = re.compile(r"\w[\w.-]{0,63}")
_MOST = 1000
_PATIENCE = 2.0
"""Seconds that a look may take before the answer is what was seen last."""


class Shelf:
    """Knows the clips by id, which is the file's name without its suffix. Used on the event loop only."""

    def __init__(self, cache_hub: Path) -> None:
        self._folder = cache_hub / FOLDER
        self._seen: Mapping[str, Path] = {}
        self._look: asyncio.Task[dict[str, Path]] | None = None

    async def clips(self) -> Mapping[str, Path]:
        """The clips that are there now; those seen last while the folder does not answer."""
        if self._look is not None:  # it is late: one thread that hangs is enough, and nobody waits for it again
            return self._seen
        look = asyncio.create_task(in_thread(lambda: users(self._folder)))
        done, _ = await asyncio.wait({look}, timeout=_PATIENCE)
        if done:
            self._seen = look.result()
        elif self._look is None:
            _log.warning("the folder of the users' clips does not answer: %s", self._folder)
            self._look = look
            look.add_done_callback(self._answered)
        return self._seen

    def _answered(self, look: asyncio.Task[dict[str, Path]]) -> None:
        self._look = None
        if not look.cancelled():
            self._seen = look.result()


def users(folder: Path) -> dict[str, Path]:
    """The clips in a folder by id; this may take as long as the folder's file system likes."""
    found: dict[str, Path] = {}
    with suppress(OSError):
        for path in sorted(folder.iterdir())[:_MOST]:
            if path.suffix.lower() in _SUFFIXES and _ID.fullmatch(path.stem) and path.is_file():
                found.setdefault(path.stem, path)
    return found
