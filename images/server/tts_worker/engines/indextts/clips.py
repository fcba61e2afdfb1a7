"""Reference clips under names that follow from their content.

Upstream keeps the last speaker by the path of the clip, so a changed file under the same path would still speak with
the old voice. It also decodes a whole file before it cuts it. Each clip is therefore copied under a name made of its
hash, and a long one is cut while it is copied.
"""

from __future__ import annotations

import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts_worker.engines import EngineError

_KEPT = 8
_MARGIN_SECONDS = 0.5
"""Kept behind the cut, so that upstream cuts where it would have cut the whole file."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A held clip; ``cut`` when only its beginning is used."""

    path: Path
    cut: bool


class Clips:
    """The clips of the last jobs, in a folder of their own. Not for several threads."""

    def __init__(self, folder: Path, limits: Mapping[str, Any]) -> None:
        self._folder = folder
        self._limits = limits
        self._held: OrderedDict[str, Clip] = OrderedDict()

    def hold(self, path: Path) -> Clip:
        """The clip's copy. Raises `EngineError` ``voice`` when it cannot be read, or is no sound, or too short."""
        data = self._read(path)
        digest = hashlib.sha256(data).hexdigest()
        clip = self._held.pop(digest, None) or self._copy(digest, path.suffix.lower(), data)
        self._held[digest] = clip
        while len(self._held) > _KEPT:
            self._held.popitem(last=False)[1].path.unlink(missing_ok=True)
        return clip

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(self._limits["maximum_bytes"] + 1)
        except OSError as error:
            raise EngineError("voice", f"unreadable: {error.strerror}") from None
        if len(data) > self._limits["maximum_bytes"]:
            raise EngineError("voice", f"over {self._limits['maximum_bytes']} bytes")
        return data

    def _copy(self, digest: str, suffix: str, data: bytes) -> Clip:
        self._folder.mkdir(exist_ok=True)
        whole = self._folder / f"{digest[:40]}{suffix if suffix[1:].isalnum() else ''}"
        whole.write_bytes(data)
        try:
            return self._cut(whole)
        except EngineError:
            whole.unlink(missing_ok=True)
            raise

    def _cut(self, whole: Path) -> Clip:
        sound = importlib.import_module("soundfile")
        used, least = self._limits["used_seconds"], self._limits["minimum_seconds"]
        try:
            facts = sound.info(str(whole))
            if facts.duration <= used:
                clip = Clip(whole, cut=False)
            else:
                frames = int((used + _MARGIN_SECONDS) * facts.samplerate)
                samples, rate = sound.read(str(whole), frames=frames, dtype="float32", always_2d=True)
                clip = Clip(whole.with_suffix(".cut.wav"), cut=True)
                sound.write(str(clip.path), samples, rate, subtype="FLOAT")
                whole.unlink()
        except (RuntimeError, TypeError, ValueError) as error:  # soundfile's own errors are RuntimeErrors
            raise EngineError("voice", f"no sound file: {type(error).__name__}") from None
        if facts.duration < least:
            raise EngineError("voice", f"{facts.duration:.2f} s long, {least:g} s needed")
        return clip
