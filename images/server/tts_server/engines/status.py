"""What an engine is to the rest of the service, and the words for how it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from tts_server.workers.worker import Spoken

_WEIGHTS = "CACHE-"


class EngineState(str, Enum):
    """Where an engine is. ``asleep``: its workers were stopped because nobody asked; the next request wakes it."""

    STARTING = "starting"
    UNLICENSED = "unlicensed"
    FETCHING = "fetching"
    LOADING = "loading"
    READY = "ready"
    ASLEEP = "asleep"
    RESTARTING = "restarting"
    FAILED = "failed"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an engine does not do what was asked: a code of the catalogue's findings, and the values of its sentence.

    ``detail`` is what a worker or a library said; it stands in for the sentence of a code that has none.
    """

    code: str
    args: tuple[tuple[str, str], ...] = ()
    detail: str = ""

    @classmethod
    def of(cls, code: str, detail: str = "", **args: object) -> Trouble:
        return cls(code, tuple((name, str(value)) for name, value in args.items()), detail)

    def sentence(self, locale: str, part: str = "what") -> str:
        """What happened (or ``why``, or the ``remedy``), in one language; what has no sentence says its detail."""
        ours = "-" not in self.code
        key = f"server.trouble.{self.code}" if ours else f"findings.{self.code}.{part}"
        bare = (self.detail or self.code) if part == "what" else ""
        if (ours and part != "what") or not Catalogue(locale).has(key):
            return bare
        try:
            values = {"subject": "GPU", "detail": self.detail, "reason": self.detail} | dict(self.args)
            return Catalogue(locale).text(key, values)
        except KeyError:  # what another process told lacks a value: a report must not fail for that
            return bare


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of the weights. ``eta_seconds`` is None while nothing can be said."""

    done_bytes: int
    total_bytes: int
    eta_seconds: float | None = None

    @property
    def percent(self) -> str:
        return f"{100 * self.done_bytes / self.total_bytes:.0f}" if self.total_bytes else "0"

    def view(self) -> dict[str, Any]:
        eta = None if self.eta_seconds is None else round(self.eta_seconds)
        return {"done_bytes": self.done_bytes, "total_bytes": self.total_bytes, "eta_seconds": eta}


class Engine(Protocol):
    """One engine of the service; used on the event loop only."""

    @property
    def name(self) -> str: ...

    @property
    def restarts(self) -> Counter[str]:
        """Why workers were replaced, and how often."""
        ...

    @property
    def state(self) -> EngineState: ...

    @property
    def usable(self) -> bool:
        """Whether a request would be taken: it is ready, or will be in a moment."""
        ...

    @property
    def fit(self) -> bool:
        """Whether a probe may say that it is ready."""
        ...

    @property
    def trouble(self) -> Trouble | None: ...

    @property
    def device(self) -> str: ...

    @property
    def rate(self) -> int:
        """Samples a second."""
        ...

    @property
    def width(self) -> int:
        """Jobs that can run at once."""
        ...

    @property
    def waiting(self) -> int: ...

    def seconds(self, told: float) -> float:
        """The time of a request on the device where it runs."""
        ...

    async def speak(self, fields: dict[str, Any], end: float, on_turn: Callable[[float], None]) -> Spoken:
        """Speak one piece; raises as `tts_server.workers.pool.Pool.speak` does, and `OutOfMemory`."""
        ...

    def view(self, locale: str) -> dict[str, Any]:
        """Its part of `/readyz`."""
        ...

    def start(self) -> None: ...

    async def stop(self) -> None: ...


class OutOfMemory(Exception):
    """Even in a smaller mode the device has too little memory for a job."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


def described(state: EngineState, trouble: Trouble | None, locale: str) -> dict[str, Any]:
    """State, and code and reason where there is something wrong."""
    view: dict[str, Any] = {"state": state.value}
    if trouble is None:
        return view
    parts = [trouble.sentence(locale)]
    if trouble.code.startswith(_WEIGHTS):  # here the cause differs each time: who answered what
        parts.append(trouble.sentence(locale, "why"))
    return view | {"code": trouble.code, "reason": " ".join(filter(None, parts))}
