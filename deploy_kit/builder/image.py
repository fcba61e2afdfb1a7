"""Building an image with BuildKit, and telling in events how far it is."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import diagnose as book
from deploy_kit import proc
from deploy_kit.builder import engine_source, payload, site
from deploy_kit.builder.base import Base
from deploy_kit.builder.engine_source import EngineSource
from deploy_kit.builder.fetch import Fetcher
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import Failure, fail
from deploy_kit.facts import SiteFacts
from deploy_kit.findings import Message
from deploy_kit.plan.stack import Image
from deploy_kit.progress import Event, EventKind, Reporter, line, note
from deploy_kit.redact import redact
from deploy_kit.tools import docker

STEP = "build-image"
_SECONDS = 7200.0
_SILENCE = 1800.0  # one big wheel over a thin line prints nothing
_TAIL = 15
_HOST_NETWORK = "--network=host"
_BEGIN = re.compile(r"#(\d+) \[(?P<stage>\S+) +\d+/\d+\] (?P<what>.*)")
_END = re.compile(r"#(\d+) (?:DONE|CACHED)\b")
_OUTPUT = re.compile(r"#\d+ (?:\d+\.\d+ )?(?P<text>.*)")
_INSTRUCTION = re.compile(r"(?:RUN|COPY|WORKDIR) ")
_STAGES = ("system", "engine-tools", "engine-torch", "engine-environment", "server-environment")


class Progress:
    """Follows BuildKit's plain output: which vertex is at work, and how much of ``total`` (a weight) is done."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._running: dict[str, tuple[str, int]] = {}
        self._done: dict[str, int] = {}

    def read(self, text: str) -> Event | None:
        """The event that a line amounts to, None when it moves nothing."""
        if begin := _BEGIN.match(text):
            self._running[begin[1]] = (begin["stage"], _weight(begin["what"]))
            return self._event(begin["stage"], begin["what"])
        if (end := _END.match(text)) and end[1] in self._running:
            stage, self._done[end[1]] = self._running[end[1]]
            return self._event(stage, "")
        return None

    def _event(self, stage: str, what: str) -> Event:
        key = stage if stage in _STAGES else "other"
        fraction = min(1.0, sum(self._done.values()) / self.total)
        message = Message.of(f"builder.stage-{key}")
        return Event(EventKind.PROGRESS, STEP, stage, message, what.partition(" --mount")[0], fraction)


@dataclass(frozen=True, slots=True)
class Engine:
    """What an image's engine is made of: its source, and the lock of its torch.

    ``tests`` says that the lock is one of the tests', which stands in for a lock that nobody could make yet.
    """

    source: EngineSource
    lock: Path
    tests: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """What a build is told of it: the folder, and labels for what is not the product's own."""
        labels = {
            "io.deploykit.engine.source": "locked" if self.source.locked else "unlocked",
            "io.deploykit.engine.digest": self.source.digest,
        }
        labels |= {"io.deploykit.engine.stand-in": "true"} if self.source.stand_in else {}
        labels |= {"io.deploykit.engine.lock": "tests"} if self.tests else {}
        told = tuple(f"--label={name}={value}" for name, value in sorted(labels.items()))
        return (f"--build-context=engine={self.source.folder}", *told)


def engine(
    variant: str, settings: BuildSettings, site_facts: SiteFacts, report: Reporter, *, lock: Path | None = None
) -> Engine | None:
    """What the engine of a variant is made of, fetched if need be; None for a variant without one.

    Args:
        lock: A lock of the tests' for its torch.

    Raises:
        Failure: BUILD-TORCH-UNLOCKED while nobody has made its lock, BUILD-ENGINE-SOURCE, BUILD-ENGINE-UNLOCKED.
    """
    if not payload.has_engine(variant):
        return None
    own = lock or payload.own_lock(variant)
    if own is None:
        raise fail("BUILD-TORCH-UNLOCKED", variant, commands=(payload.lock_command(variant),))
    fetcher = Fetcher(site.proxy_environment(site_facts), site.ca_bundle(settings, site_facts))
    return Engine(engine_source.acquire(settings, fetcher, report), own, tests=lock is not None)


def build(
    image: Image,
    base: Base,
    settings: BuildSettings,
    site_facts: SiteFacts,
    report: Reporter,
    *,
    lock: Path | None = None,
) -> docker.ImageInfo:
    """Build and tag an image; the secrets of the site leave no trace in it.

    Args:
        lock: A lock of the tests' for its engine's torch.

    Raises:
        Failure: A BUILD-… code that names the cause where it is known, with the last lines.
    """
    parts = engine(image.variant, settings, site_facts, report, lock=lock)
    with tempfile.TemporaryDirectory(prefix="deploykit-build-") as name:
        folder = Path(name)
        context, private = folder / "context", folder / "secrets"
        context.mkdir()
        private.mkdir(mode=0o700)
        payload.stage(context, image.variant, lock)
        secrets = site.secrets(settings, site_facts, private, image.variant)
        options = (*_site_options(secrets, settings, site_facts), *(parts.options if parts is not None else ()))
        if site.lacks_security(secrets):
            report(note(STEP, "builder.no-security", mirror=redact(settings.apt_mirror or "")))
        if _HOST_NETWORK in options:
            report(note(STEP, "builder.host-network"))
        argv = command(image, base.reference, context, options)
        total = _total(context / payload.dockerfile(image.variant))
        _run(argv, site_facts, image.reference, total=total, report=report)
    made = docker.image(image.reference)
    if made is None:
        raise fail("BUILD-FAILED", image.reference, lines="")
    return made


def command(image: Image, base: str, context: Path, site_options: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments after ``docker``. The hash of the inputs is a label given here, which busts no layer."""
    options = [
        "--load",
        "--progress=plain",
        "--provenance=false",
        f"--file={context / payload.dockerfile(image.variant)}",
        f"--tag={image.reference}",
        f"--build-arg=BASE={base}",
        f"--label={docker.LABEL_INPUTS}={image.inputs}",
        f"--label=org.opencontainers.image.base.name={image.base}",
        *site_options,
    ]
    return ("buildx", "build", *options, str(context))


def _site_options(secrets: tuple[site.Secret, ...], settings: BuildSettings, facts: SiteFacts) -> tuple[str, ...]:
    """Proxies stand here by name only: the client takes their values from its environment."""
    options = [f"--secret=id={secret.id},src={secret.path}" for secret in secrets]
    options += [f"--build-arg={name}" for name in site.proxy_environment(facts)]
    return (*options, _HOST_NETWORK) if site.needs_host_network(settings, facts) else tuple(options)


def diagnose(lines: list[str], subject: str) -> Failure:
    """The failure that the last lines of a build amount to."""
    texts = [match["text"] if (match := _OUTPUT.match(text)) else text for text in lines]
    said = redact("\n".join(texts))
    shown = "\n".join(said.splitlines()[-_TAIL:])
    for found in book.read(said.splitlines(), source=book.Source.BUILD):
        if found.code.startswith("BUILD-"):
            return fail(found.code, subject, lines=shown, said=said, reason=found.line)
    return fail("BUILD-FAILED", subject, lines=shown, said=said)


def _run(argv: tuple[str, ...], site_facts: SiteFacts, subject: str, *, total: int, report: Reporter) -> None:
    tail: list[str] = []
    on_line = _reader(Progress(total), tail, report)
    environment: dict[str, str | None] = {**site.proxy_environment(site_facts), "BUILDX_BUILDER": _builder()}
    try:
        docker.stream(argv, on_line, timeout=_SECONDS, silence=_SILENCE, env=environment)
    except proc.CommandFailed:
        raise diagnose(tail, subject) from None
    except proc.CommandError as error:
        raise fail("BUILD-FAILED", subject, lines=str(error)) from error


def _reader(progress: Progress, tail: list[str], report: Reporter) -> Callable[[str], None]:
    def on_line(text: str) -> None:
        if not text.strip():
            return
        tail.append(text)
        del tail[:-200]
        report(progress.read(text) or line(STEP, redact(text)))

    return on_line


def _builder() -> str | None:
    """The builder inside the engine itself, named like the client's context: only it sees local base images."""
    try:
        return docker.call("context", "show").stdout.strip() or None
    except proc.CommandError:
        return None


def _weight(instruction: str) -> int:
    """How much of a build's time an instruction stands for: commands install, everything else copies."""
    return 30 if instruction.startswith("RUN ") else 1


def _total(dockerfile: Path) -> int:
    """The weight of all vertices that BuildKit will show: the instructions that do something, and the base."""
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    return 1 + sum(_weight(text) for text in lines if _INSTRUCTION.match(text))
