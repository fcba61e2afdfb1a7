"""What a judgement needs of the user's wish, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploy_kit.compat.cards import Matrix
from deploy_kit.compat.packages import PackagePlan
from deploy_kit.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for, as far as a host can stand in its way.

    Attributes:
        engine: The speech engine (``espeak``, ``indextts-2.5`` …).
        device: ``auto``, ``cuda`` or ``cpu``.
        variant: ``auto`` or an image flavour.
        target: ``compose`` or ``local``.
        listen_host: Address or name to publish on, IPv6 without brackets.
        listen_port: Port to publish on.
        memory_bytes: The service's memory limit, 0 for what engine and device need.
        build_bytes: Room that making the image (or the local environment) takes; 0 when it is there already.
        gpus: UUIDs of the cards that may be used, empty for all.
        workers: Copies of the model, 0 for as many as fit.
        emotion_text: Whether the model that reads emotion from text is wanted: ``auto``, ``on`` or ``off``.
        weights_bytes: Room that the weights take, 0 when their store is there already.
        source_here: The engine's own code is at hand, so that nobody has to fetch it.
        unlocked: Variants that cannot be made, because nobody has locked their PyTorch, each with the command that
            makes the lock.
        matrix: What is known of variants and cards where it is not the product's own tables (`cards.matrix`).
    """

    engine: str
    device: str
    variant: str
    target: str
    listen_host: str
    listen_port: int
    memory_bytes: int
    build_bytes: int
    gpus: tuple[str, ...] = ()
    workers: int = 0
    emotion_text: str = "auto"
    weights_bytes: int = 0
    source_here: bool = False
    unlocked: tuple[tuple[str, tuple[str, ...]], ...] = ()
    matrix: Matrix | None = None


class RequestKind(str, Enum):
    """In which form a container engine is asked for a card."""

    RESERVATION = "reservation"
    CDI = "cdi"
    RUNTIME = "runtime"


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """The cards that a container is to get. ``devices`` are UUIDs (names of CDI devices for `RequestKind.CDI`), empty
    for all; ``required`` means that the service must not fall back to the CPU."""

    kind: RequestKind
    devices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class EngineSetup:
    """What `up` may do by itself once the user agrees: install these packages, then start the engine."""

    packages: PackagePlan | None
    start: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the host allows: the resolved variant and device, every finding, and the setup that would clear the way.

    ``device`` is ``cuda`` or ``cpu``; ``gpu`` what a container engine is asked for; ``memory_bytes`` and ``pids`` are
    the limits that engine and device need.
    """

    variant: str
    device: str
    findings: tuple[Finding, ...]
    setup: EngineSetup | None = None
    gpu: DeviceRequest | None = None
    memory_bytes: int = 1 << 30
    pids: int = 256

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)


@dataclass(frozen=True, slots=True)
class Ground:
    """One gate's answer: its findings, and the setup it needs."""

    findings: tuple[Finding, ...] = ()
    setup: EngineSetup | None = None
