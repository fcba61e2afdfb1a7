"""What deploykit has to say about a host, a build or a service.

A finding is a value: a stable code, the arguments of its sentences and a remedy that can be run.
The sentences themselves stand in the catalogue (`deploy_kit/messages/<locale>/findings/<family>.json`) under
``<CODE>.what``, ``<CODE>.why`` and ``<CODE>.remedy``, so a finding is the same in every language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How much a finding matters; the order of definition is the order of display."""

    BLOCKER = "blocker"
    WARNING = "warning"
    INFO = "info"


def arguments(values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Values for placeholders as messages and findings keep them: text, sorted by name."""
    return tuple(sorted((name, str(value)) for name, value in values.items()))


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence of the catalogue: its key and the values that fill its placeholders."""

    key: str
    args: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, key: str, /, **args: object) -> Message:
        return cls(key, arguments(args))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation behind a finding: where it was seen and what was seen."""

    source: str
    observed: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement: code, severity, what it is about, why we think so, and what to do.

    Attributes:
        code: Stable identifier, ``FAMILY-NAME``; the family decides the exit code (`deploy_kit.errors`).
        severity: Whether it blocks, warns or informs.
        subject: The thing judged: a path, a port, a package, a step.
        args: Values for the placeholders of the three sentences.
        evidence: The facts it rests on.
        commands: The remedy as argument lists, run in this order; empty where words must do.
    """

    code: str
    severity: Severity
    subject: str = ""
    args: tuple[tuple[str, str], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(
        cls,
        code: str,
        severity: Severity,
        subject: str = "",
        *,
        evidence: tuple[Evidence, ...] = (),
        commands: tuple[tuple[str, ...], ...] = (),
        **args: object,
    ) -> Finding:
        return cls(code, severity, subject, arguments({"subject": subject} | args), evidence, commands)

    def sentence(self, part: str) -> Message:
        """The message of one part: ``what``, ``why`` or ``remedy``."""
        return Message(f"findings.{self.code}.{part}", self.args)
