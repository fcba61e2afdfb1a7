"""espeak-ng as an engine: the voice that needs no weights.

Traps of the library that are closed here: an unknown voice keeps the previous one; parameters outlive a request; the
control character 0x01 in a text changes the parameters of all later calls; below 80 words a minute the rate is clamped
silently (slower speech is therefore stretched by libsonic, which the library itself depends on).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy_kit.data import table
from tts_worker.engines import EngineError, Report
from tts_worker.engines.espeak_library import Library, Parameter
from tts_worker.engines.sonic import Stretcher
from tts_worker.engines.text import spoken


def create(name: str) -> Espeak:
    """The engine, not yet loaded."""
    del name
    return Espeak()


@dataclass(frozen=True, slots=True)
class Job:
    """One sentence to speak. ``voice`` is an id of the engine's table; ``pause``: another sentence follows."""

    text: str
    voice: str
    speed: float
    pitch: int
    pause: bool

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Job:
        """From the fields of a ``speak`` frame.

        Raises:
            EngineError: A field is missing or of another type.
        """
        try:
            return cls(
                str(fields["text"]),
                str(fields["voice"]),
                float(fields["speed"]),
                int(fields["pitch"]),
                bool(fields["pause"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError("protocol", f"speak frame: {type(error).__name__}") from None


class Espeak:
    """espeak-ng behind the table ``data/espeak.json``."""

    name = "espeak"

    def __init__(self) -> None:
        self.rate = 0
        self._table: dict[str, Any] = table("espeak")
        self._voices: dict[str, dict[str, Any]] = {voice["id"]: voice for voice in self._table["voices"]}
        self._library: Library | None = None

    def load(self, options: dict[str, Any], report: Report) -> dict[str, Any]:
        """Open the library and prove each voice of the table; ``options`` is empty for this engine."""
        del options
        report.phase("library")
        self._library = Library(self._table["library"])
        self.rate = self._library.rate
        report.phase("voices")
        for voice in self._voices.values():
            self._library.select(voice["espeak"], voice["variant"])
        return {"rate": self.rate, "voices": sorted(self._voices), "version": self._library.version}

    def speak(self, fields: dict[str, Any], emit: Callable[[bytes], bool]) -> dict[str, Any]:
        """Speak one sentence. Raises `EngineError` for a voice, speed or pitch that the table does not hold."""
        self._speak(Job.of(fields), emit)
        return {}

    def close(self) -> None:
        """Nothing outlives the process."""

    def _speak(self, job: Job, emit: Callable[[bytes], bool]) -> None:
        assert self._library is not None, "speak before load"
        voice = self._voices.get(job.voice)
        if voice is None:
            raise EngineError("voice", "not in the table")
        self._check("speed", job.speed)
        self._check("pitch", job.pitch)
        library = self._library
        library.select(voice["espeak"], voice["variant"])
        words = round(self._table["words_per_minute"] * job.speed)
        slowest = self._table["slowest_words_per_minute"]
        for parameter in Parameter:
            library.reset(parameter)
        library.set(Parameter.RATE, max(words, slowest))
        library.set(Parameter.PITCH, job.pitch)
        if words >= slowest:
            library.synthesise(spoken(job.text), emit, pause=job.pause)
            return
        with Stretcher(self.rate, words / slowest) as stretcher:

            def stretched(chunk: bytes) -> bool:
                return _forward(stretcher.feed(chunk), emit)

            if library.synthesise(spoken(job.text), stretched, pause=job.pause):
                _forward(stretcher.rest(), emit)

    def _check(self, name: str, value: float) -> None:
        limits = self._table[name]
        if not limits["minimum"] <= value <= limits["maximum"]:
            raise EngineError(name, f"{value:g} is outside {limits['minimum']}–{limits['maximum']}")


def _forward(chunk: bytes, emit: Callable[[bytes], bool]) -> bool:
    return emit(chunk) if chunk else True
