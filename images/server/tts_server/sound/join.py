"""Pieces of sound, one after the other: soft edges where two meet, and silence between them."""

from __future__ import annotations

import sys
from array import array

_FADE_SECONDS = 0.005
_SAMPLE_BYTES = 2


class Joiner:
    """Joins pieces of one text: mono, signed 16-bit little endian samples."""

    def __init__(self, rate: int, silence_ms: int) -> None:
        self._fade = max(1, round(rate * _FADE_SECONDS))
        self._silence = bytes(_SAMPLE_BYTES * round(rate * silence_ms / 1000))

    def join(self, samples: bytes, *, first: bool, last: bool) -> bytes:
        """A piece as it goes into the whole: the outer edges of the text stay as they are."""
        if (first and last) or not samples:
            return samples
        sound = array("h", samples)
        if sys.byteorder == "big":
            sound.byteswap()
        width = min(self._fade, len(sound))
        for step in range(width):
            if not first:
                sound[step] = sound[step] * step // width
            if not last:
                sound[-1 - step] = sound[-1 - step] * step // width
        if sys.byteorder == "big":
            sound.byteswap()
        return sound.tobytes() + (b"" if last else self._silence)
