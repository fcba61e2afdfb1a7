"""The rooms that act: one module a target, each with `observe`, `apply`, `remember_proof`, `logs` and `stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deploy_kit.plan.steps import Step
    from deploy_kit.run.job import Job


class TargetModule(Protocol):
    """What ``up`` asks of a target's module."""

    def apply(self, step: Step, job: Job) -> None: ...

    def remember_proof(self, job: Job) -> None: ...
