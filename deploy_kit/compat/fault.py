"""A gate on a card's way that does not hold."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.findings import Evidence, Finding, Severity, arguments

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold and why. ``lasting`` ones no command mends."""

    code: str
    evidence: tuple[Evidence, ...]
    commands: tuple[Command, ...] = ()
    lasting: bool = False
    args: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        code: str,
        evidence: tuple[Evidence, ...],
        commands: tuple[Command, ...] = (),
        *,
        lasting: bool = False,
        **args: object,
    ) -> Fault:
        return cls(code, evidence, commands, lasting, arguments({"subject": "GPU", "detail": ""} | args))

    def finding(self, severity: Severity, **more: object) -> Finding:
        """The fault as it is told; ``more`` are values beside its own."""
        args = arguments(dict(self.args) | {name: str(value) for name, value in more.items()})
        return Finding(self.code, severity, dict(self.args)["subject"], args, self.evidence, self.commands)
