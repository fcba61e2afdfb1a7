"""What a target needs to carry out steps: the values decided before, and whom to tell and to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_kit.client import Client
from deploy_kit.config.request import Request
from deploy_kit.findings import Message
from deploy_kit.plan.stack import Stack
from deploy_kit.progress import Reporter
from deploy_kit.run.state import State

if TYPE_CHECKING:
    from deploy_kit.compat import Verdict
    from deploy_kit.facts import HostFacts

Consent = Callable[[Message, tuple[tuple[str, ...], ...]], bool]
"""Asks the user whether these commands may be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One ``up`` in flight. ``key`` is the API key in force, ``token`` that of the hub: never logged, never an argument
    of a process."""

    request: Request
    facts: HostFacts
    verdict: Verdict
    stack: Stack
    state: State
    report: Reporter
    consent: Consent
    key: str | None = None
    key_unseen: bool = False
    token: str | None = None

    @property
    def client(self) -> Client:
        return Client(self.stack.listen, self.key)

    @property
    def sudo(self) -> bool:
        """Whether system changes must go through sudo."""
        return self.facts.privileges.uid.value != 0
