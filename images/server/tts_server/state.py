"""What the whole process knows: made at once, filled while it starts, read by probes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_kit import __version__
from tts_server.asgi import App
from tts_server.settings import Settings
from tts_server.start.ledger import Ledger, Progress

if TYPE_CHECKING:
    from tts_server.engines.status import Engine
    from tts_server.engines.team import Team
    from tts_server.sound.clips import Clips
    from tts_server.speech.service import Service


@dataclass(slots=True)
class State:
    """The tables of the process; used on the event loop only."""

    settings: Settings
    ledger: Ledger = field(default_factory=Ledger)
    draining: bool = False
    team: Team | None = None
    clips: Clips | None = None
    service: Service | None = None
    app: App | None = None
    page_app: App | None = None

    @property
    def page(self) -> str:
        """The page for people: ``starting``, ``there``, or ``failed``."""
        step = self.ledger.steps.get("webui")
        known = {Progress.DONE: "there", Progress.FAILED: "failed"}
        return known.get(step.state, "starting") if step else "starting"

    def ready(self, model: str = "auto") -> bool:
        """Whether a request for speech by this model would be taken and answered."""
        engine = None if self.team is None else self._engine(self.team, model)
        return self.app is not None and not self.draining and engine is not None and engine.fit

    def readiness(self, model: str = "auto") -> tuple[int, dict[str, Any]]:
        """Status and document of `/readyz`; 404 for a model that this service does not have."""
        known = model in ("auto", "espeak", self.settings.engine)
        ready = known and self.ready(model)
        document: dict[str, Any] = {
            "state": self._word(model) if known else "unknown_model",
            "model": model,
            "auto": self.settings.engine,
            "answers": self.team.answering().name if self.team else None,
            "device": self.device,
            "fallback": self._fallback(),
            "variant": self.settings.variant,
            "version": __version__,
            "engines": self.team.views(self.settings.locale) if self.team else self._not_yet(),
        }
        return (200 if ready else 503) if known else 404, document | self._resources()

    @property
    def device(self) -> str:
        """Where ``auto`` is spoken, or will be."""
        return (self.team.configured.device if self.team else "") or "cpu"

    def _not_yet(self) -> dict[str, Any]:
        return {name: {"state": "starting"} for name in dict.fromkeys(("espeak", self.settings.engine))}

    def _word(self, model: str) -> str:
        if self.draining:
            return "draining"
        engine = None if self.team is None or self.app is None else self._engine(self.team, model)
        return "starting" if engine is None else engine.state.value

    def _fallback(self) -> dict[str, str] | None:
        model = self.team.model if self.team else None
        if model is None or model.fallback is None:
            return None
        return {"code": model.fallback.code, "reason": model.fallback.sentence(self.settings.locale)}

    def _resources(self) -> dict[str, Any]:
        from tts_server.engines import resources

        waiting = self.service.waiting if self.service else 0
        return {"gpus": resources.gpus(self.team), "memory": resources.memory_view(), "queue": waiting}

    @staticmethod
    def _engine(team: Team, model: str) -> Engine | None:
        return team.answering() if model == "auto" else team.named(model)
