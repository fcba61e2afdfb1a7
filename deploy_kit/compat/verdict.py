"""What a judgement needs of the user's wish, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.compat.packages import PackagePlan
from deploy_kit.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for, as far as a host can stand in its way.

    Attributes:
        engine: The speech engine (``espeak``).
        device: ``auto`` or ``cpu``.
        variant: ``auto`` or an image flavour.
        target: ``compose`` or ``local``.
        listen_host: Address or name to publish on, IPv6 without brackets.
        listen_port: Port to publish on.
        memory_bytes: The service's memory limit.
        build_bytes: Room that making the image (or the local environment) takes; 0 when it is there already.
    """

    engine: str
    device: str
    variant: str
    target: str
    listen_host: str
    listen_port: int
    memory_bytes: int
    build_bytes: int


@dataclass(frozen=True, slots=True)
class EngineSetup:
    """What `up` may do by itself once the user agrees: install these packages, then start the engine."""

    packages: PackagePlan | None
    start: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the host allows: the resolved variant and device, every finding, and the setup that would clear the way."""

    variant: str
    device: str
    findings: tuple[Finding, ...]
    setup: EngineSetup | None = None

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)


@dataclass(frozen=True, slots=True)
class Ground:
    """One gate's answer: its findings, and the setup it needs."""

    findings: tuple[Finding, ...] = ()
    setup: EngineSetup | None = None
