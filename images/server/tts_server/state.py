"""What the whole process knows: made at once, filled while it starts, read by probes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_kit import __version__
from tts_server.asgi import App
from tts_server.settings import Settings
from tts_server.start.ledger import Ledger, Progress

if TYPE_CHECKING:
    from tts_server.speech.service import Service
    from tts_server.workers.supervisor import Supervisor

DEVICE = "cpu"
"""Where the built-in voice runs, the only engine there is in this variant."""


@dataclass(slots=True)
class State:
    """The tables of the process; used on the event loop only."""

    settings: Settings
    ledger: Ledger = field(default_factory=Ledger)
    draining: bool = False
    supervisor: Supervisor | None = None
    service: Service | None = None
    app: App | None = None
    page_app: App | None = None

    def engine(self) -> str:
        """State of the engine's worker: ``starting``, ``ready``, ``restarting``, ``failed`` or ``stopped``."""
        return self.supervisor.state.value if self.supervisor else "starting"

    @property
    def page(self) -> str:
        """The page for people: ``starting``, ``there``, or ``failed``."""
        step = self.ledger.steps.get("webui")
        known = {Progress.DONE: "there", Progress.FAILED: "failed"}
        return known.get(step.state, "starting") if step else "starting"

    def ready(self) -> bool:
        """Whether a request for speech would be taken and answered."""
        return self.app is not None and not self.draining and self.engine() == "ready"

    def readiness(self, model: str = "auto") -> tuple[int, dict[str, Any]]:
        """Status and document of `/readyz`; 404 for a model that this service does not have."""
        engine = self.settings.engine
        known = model in ("auto", engine)
        ready = known and self.ready()
        name = "draining" if self.draining else self.engine() if self.app is not None else "starting"
        document: dict[str, Any] = {
            "state": name if known else "unknown_model",
            "model": model,
            "auto": engine,
            "device": DEVICE,
            "fallback": None,
            "variant": self.settings.variant,
            "version": __version__,
            "engines": {engine: self._engine_view()},
        }
        return (200 if ready else 503) if known else 404, document

    def _engine_view(self) -> dict[str, Any]:
        if self.supervisor is None:
            return {"state": "starting"}
        view: dict[str, Any] = {
            "state": self.supervisor.state.value,
            "restarts": sum(self.supervisor.restarts.values()),
            "queue": self.supervisor.waiting,
        }
        return view | ({"reason": self.supervisor.reason} if self.supervisor.reason else {})
