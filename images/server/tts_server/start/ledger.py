"""The start-up ledger: which steps there are, how far each is. `/startupz` prints it; `deploykit up` follows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from deploy_kit.findings import Finding


class Progress(str, Enum):
    """Where a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Step:
    """One step of the start. ``phase`` names what it does at the moment; ``reason`` why it failed (no user text).

    ``bytes`` of ``total_bytes`` is how far a step that moves bytes has come.
    """

    name: str
    essential: bool
    state: Progress = Progress.WAITING
    phase: str = ""
    reason: str = ""
    began: float | None = None
    ended: float | None = None
    bytes: int | None = None
    total_bytes: int | None = None
    eta_seconds: float | None = None

    def view(self, now: float) -> dict[str, Any]:
        seconds = None if self.began is None else round((self.ended or now) - self.began, 3)
        view: dict[str, Any] = {"name": self.name, "state": self.state.value, "seconds": seconds}
        if self.bytes is not None:
            eta = None if self.eta_seconds is None else round(self.eta_seconds)
            view |= {"bytes": self.bytes, "total_bytes": self.total_bytes, "eta_seconds": eta}
        return view | {key: value for key, value in (("phase", self.phase), ("reason", self.reason)) if value}


@dataclass(slots=True)
class Ledger:
    """All steps in order, and the findings of the preflight. Used on the event loop only."""

    began: float = field(default_factory=time.monotonic)
    steps: dict[str, Step] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    finished_after: float | None = None

    def plan(self, name: str, *, essential: bool = True) -> None:
        """Add a step; the start is over when every step ended and the essential ones are done."""
        self.steps[name] = Step(name, essential)

    def start(self, name: str, phase: str = "") -> None:
        step = self.steps[name]
        if step.state is not Progress.DONE:
            step.state, step.phase, step.reason = Progress.RUNNING, phase, ""
            step.began = step.began or time.monotonic()

    def move(self, name: str, done: int, total: int, eta_seconds: float | None) -> None:
        """Note how far a step that moves bytes has come."""
        step = self.steps[name]
        step.bytes, step.total_bytes, step.eta_seconds = done, total, eta_seconds

    def finish(self, name: str) -> None:
        self._end(name, Progress.DONE, "")

    def fail(self, name: str, reason: str) -> None:
        self._end(name, Progress.FAILED, reason)

    @property
    def over(self) -> bool:
        ended = (Progress.DONE, Progress.FAILED)
        return all(
            step.state is Progress.DONE if step.essential else step.state in ended for step in self.steps.values()
        )

    def view(self) -> dict[str, Any]:
        """The document of `/startupz`."""
        now = time.monotonic()
        ended = sum(step.state is Progress.DONE for step in self.steps.values())
        return {
            "done": self.over,
            "progress": round(ended / max(1, len(self.steps)), 3),
            "seconds": round(self.finished_after if self.finished_after is not None else now - self.began, 3),
            "steps": [step.view(now) for step in self.steps.values()],
            "findings": [
                {"code": finding.code, "severity": finding.severity.value, "subject": finding.subject}
                for finding in self.findings
            ],
        }

    def _end(self, name: str, state: Progress, reason: str) -> None:
        step = self.steps[name]
        if step.state is Progress.DONE:
            return  # the worker's later restarts are not part of the start
        step.state, step.reason, step.phase, step.ended = state, reason, "", time.monotonic()
        step.began = step.began or step.ended
        if self.over:
            self.finished_after = step.ended - self.began
