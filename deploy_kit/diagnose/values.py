"""What the book of failures says of a text: values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploy_kit.findings import Message, Severity

MANY = 1000
"""How often a row is counted; beyond that nobody looks any more."""


class Source(str, Enum):
    """Where a text comes from; a row of the book lists the sources in which it is looked for."""

    CONTAINER = "container"  # what a service wrote
    DOCKER = "docker"  # the container engine, its client and NVIDIA's toolkit
    BUILD = "build"  # building an image or an environment
    KERNEL = "kernel"
    HOST = "host"  # other programs of the host: nvidia-smi, systemd, apt
    EVENT = "event"  # events and statuses of Kubernetes, and of its tools
    BROWSER = "browser"  # what a user of the page or the API sees


class Fallback(str, Enum):
    """What deploykit should do next: go on without the card, try again, stop, tell, or nothing."""

    CPU = "cpu"
    RETRY = "retry"
    STOP = "stop"
    WARN = "warn"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the book that was found in a text.

    Attributes:
        row: The row's id (``D01``); with ``variant`` it names the sentences.
        code: The code of our own finding that says the same, else empty.
        line: The first line that showed it, without colours and time stamps, cut around the place; empty for an exit.
        line_number: Its number, from 1; 0 for an exit code or an event.
        count: In how many lines it was seen, at most `MANY`.
        args: What the line told, for the placeholders of the sentences.
        variant: Which of several sentences of the row is meant.
        commands: The remedy as argument lists, for the distribution that was named.
        follows: The row that explains this one where both were found, else empty.
        source: Where the text came from, None where nobody said.
    """

    row: str
    code: str
    severity: Severity
    line: str
    line_number: int
    count: int
    args: tuple[tuple[str, str], ...] = ()
    variant: str = ""
    fallback: Fallback = Fallback.WARN
    commands: tuple[tuple[str, ...], ...] = ()
    follows: str = ""
    source: Source | None = None

    @property
    def harmless(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.severity is Severity.INFO

    def sentence(self, part: str) -> Message:
        """The message of one part: ``means`` or ``remedy``."""
        name = f"{self.row}.{self.variant}" if self.variant else self.row
        return Message(f"book.{name}.{part}", self.args)
