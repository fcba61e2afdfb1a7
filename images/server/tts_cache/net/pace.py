"""Whether bytes come fast enough: a source that drips for ever would hold everything up without ever failing."""

from __future__ import annotations

import time
from collections import deque


class Pace:
    """Watches the speed over a window of time."""

    def __init__(self, least: int, window: float) -> None:
        self._least = least
        self._window = window
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._total = 0

    def add(self, count: int) -> bool:
        """Count bytes that came; False when the window is full and too little came in it."""
        now = time.monotonic()
        self._total += count
        self._marks.append((now, self._total))
        while len(self._marks) > 2 and now - self._marks[1][0] >= self._window:
            self._marks.popleft()
        began, then = self._marks[0]
        return now - began < self._window or (self._total - then) >= self._least * (now - began)
