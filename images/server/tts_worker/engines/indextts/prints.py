"""What upstream prints: the user's text, and a few figures that are worth keeping."""

from __future__ import annotations

import io
import re

_FIGURE = re.compile(r"^>> (\w{2,20})_time: ([0-9.]+) seconds$")


class Listener(io.TextIOBase):
    """A standard output that keeps the timings of upstream's stages and forgets everything else."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = ""
        self._timings: dict[str, float] = {}

    def write(self, text: str) -> int:
        *lines, self._pending = (self._pending + text).split("\n")
        self._pending = self._pending[-200:]
        for line in lines:
            if found := _FIGURE.match(line):
                self._timings[found[1]] = float(found[2])
        return len(text)

    def writable(self) -> bool:
        return True

    def take(self) -> dict[str, float]:
        """Seconds by stage since the last call."""
        taken, self._timings = self._timings, {}
        return taken
