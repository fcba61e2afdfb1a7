"""Getting the base image: local, registry, mirrors, else built here from Debian's packages. It says which and why."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from deploy_kit import codec, compat, data, proc
from deploy_kit.builder import site
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import fail
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Message
from deploy_kit.progress import Event, EventKind, Reporter, line, note
from deploy_kit.redact import redact
from deploy_kit.tools import apt, bootstrap, docker, registry

STEP = "get-base"
_PULL_SECONDS = 3600.0
_PULL_SILENCE = 300.0  # the client prints a line a layer, and Debian's one layer may take minutes
_IMPORT_SECONDS = 300.0
_REASON_LENGTH = 200

Consent = Callable[[Message, tuple[tuple[str, ...], ...]], bool]


class Origin(str, Enum):
    """Where a base image came from."""

    LOCAL = "local"
    REGISTRY = "registry"
    MIRROR = "mirror"
    BOOTSTRAP = "bootstrap"


@dataclass(frozen=True, slots=True)
class Base:
    """A base image in the engine's store: its name there, its origin, and the sentence that says why this one."""

    reference: str
    origin: Origin
    why: Message


def acquire(settings: BuildSettings, facts: HostFacts, report: Reporter, *, consent: Consent) -> Base:
    """The base image, fetched or built if need be. Costs seconds when a registry does not answer.

    Raises:
        Failure: BASE-UNREACHABLE (another base than the default, and nobody serves it), BASE-NO-TOOL,
            BASE-BOOTSTRAP-FAILED, BASE-IMPORT-FAILED, or what installing packages raises.
    """
    base = local(settings, facts) or _pulled(settings, facts, report)
    if base is None:
        if settings.base != data.table("base")["reference"]:
            raise fail("BASE-UNREACHABLE", settings.base)
        base = _bootstrapped(settings, facts, report, consent)
    report(Event(EventKind.NOTE, STEP, base.reference, message=base.why))
    return base


def local(settings: BuildSettings, facts: HostFacts) -> Base | None:
    """A base image that is here already: the one asked for, a mirror's copy of it, or one that was built here."""
    if docker.image(settings.base) is not None:
        return Base(settings.base, Origin.LOCAL, Message.of("builder.base-local", reference=settings.base))
    for mirror in settings.base_mirrors:
        copy = registry.at_mirror(settings.base, mirror)
        if docker.image(copy) is not None:
            return Base(copy, Origin.LOCAL, Message.of("builder.base-local", reference=copy))
    if settings.base == data.table("base")["reference"]:
        own = own_reference(settings, facts)
        if docker.image(own) is not None:
            return Base(own, Origin.LOCAL, Message.of("builder.base-local-own", reference=own, asked=settings.base))
    return None


def own_reference(settings: BuildSettings, facts: HostFacts) -> str:
    """The name of the base built here: the hash of what it is made of, never a public image's name."""
    table = data.table("base")
    parts = {"recipe": table, "machine": facts.platform.machine.value, "own_mirror": settings.apt_mirror is not None}
    return f"{table['repository']}:{codec.digest(parts)[:12]}"


def _pulled(settings: BuildSettings, facts: HostFacts, report: Reporter) -> Base | None:
    hosts = (registry.host_of(settings.base), *(facts.engine.mirrors.value or ()))
    if _served(settings.base, hosts, facts, report):
        return Base(settings.base, Origin.REGISTRY, Message.of("builder.base-registry", reference=settings.base))
    for mirror in settings.base_mirrors:
        copy = registry.at_mirror(settings.base, mirror)
        if _served(copy, (mirror,), facts, report):
            return Base(copy, Origin.MIRROR, Message.of("builder.base-mirror", reference=copy, asked=settings.base))
    return None


def _served(reference: str, hosts: tuple[str, ...], facts: HostFacts, report: Reporter) -> bool:
    """Ask the hosts that may serve a reference, then let the engine pull it. The reason of a refusal is told."""
    if _engine_is_here(facts):
        reasons = []
        for host in hosts:
            answer = registry.ask(host.partition("://")[2] or host, proxies=facts.site.proxies.value or {})
            if answer.reached:
                break
            reasons.append(answer.reason)
        else:
            report(note(STEP, "builder.registry-silent", host=hosts[0], reason=_short("; ".join(reasons))))
            return False
    report(note(STEP, "builder.pulling", reference=reference))

    def pass_on(text: str) -> None:
        report(line(STEP, text))

    try:
        docker.stream(("pull", reference), pass_on, timeout=_PULL_SECONDS, silence=_PULL_SILENCE)
    except proc.CommandError as error:
        report(note(STEP, "builder.pull-failed", reference=reference, reason=_short(str(error))))
        return False
    return True


def _engine_is_here(facts: HostFacts) -> bool:
    """Whether the engine sees the network that we see; a remote one must be left to find out by itself."""
    return (facts.engine.endpoint.value or "unix://").startswith("unix://")


def _bootstrapped(settings: BuildSettings, facts: HostFacts, report: Reporter, consent: Consent) -> Base:
    _provide_tool(facts, report, consent)
    reference = own_reference(settings, facts)
    report(note(STEP, "builder.bootstrapping", reference=reference))
    with tempfile.TemporaryDirectory(prefix="deploykit-base-", ignore_cleanup_errors=True) as folder:
        _import(_root_file_system(settings, facts, report, Path(folder)), reference)
    why = Message.of("builder.base-bootstrap", reference=reference, asked=settings.base)
    return Base(reference, Origin.BOOTSTRAP, why)


def _provide_tool(facts: HostFacts, report: Reporter, consent: Consent) -> None:
    if proc.which(bootstrap.PROGRAM) is not None:
        return
    sudo = facts.privileges.uid.value != 0
    plan = compat.packages_for(facts.platform, "bootstrap")
    if plan is None or (sudo and facts.privileges.sudo.value is False):
        raise fail("BASE-NO-TOOL", bootstrap.PROGRAM)
    commands = apt.commands(plan, sudo)
    if not consent(Message.of("builder.consent-bootstrap", packages=" ".join(plan.packages)), commands):
        raise fail("BASE-NO-TOOL", bootstrap.PROGRAM, commands=commands)
    apt.install(plan, report, sudo=sudo)


def _root_file_system(settings: BuildSettings, facts: HostFacts, report: Reporter, folder: Path) -> Path:
    """As root directly; as somebody else in a user namespace, and where that is forbidden through sudo."""
    if facts.privileges.uid.value != 0 and facts.privileges.sudo.value:
        try:
            return _debian(settings, facts, report, folder, sudo=False)
        except proc.CommandError as error:
            report(note(STEP, "builder.bootstrap-sudo", reason=_short(str(error))))
            return _checked(settings, facts, report, folder, sudo=True)
    return _checked(settings, facts, report, folder, sudo=False)


def _checked(settings: BuildSettings, facts: HostFacts, report: Reporter, folder: Path, *, sudo: bool) -> Path:
    try:
        return _debian(settings, facts, report, folder, sudo=sudo)
    except proc.CommandFailed as error:
        lines = error.result.stdout.splitlines()
        said = [text for text in lines if text.startswith(("E:", "W:", "Err"))] or lines
        reason = "\n".join(said[-6:])
    except proc.CommandError as error:
        reason = str(error)
    raise fail("BASE-BOOTSTRAP-FAILED", data.table("base")["suite"], reason=redact(reason))


def _debian(settings: BuildSettings, facts: HostFacts, report: Reporter, folder: Path, *, sudo: bool) -> Path:
    table = data.table("base")
    return bootstrap.make(
        bootstrap.Recipe(
            table["suite"], tuple(table["include"]), tuple(table["dpkg"]), table["hooks"], table["timestamp"]
        ),
        folder,
        lambda text: report(line(STEP, redact(text))),
        sources=site.apt_sources(settings, facts.site),
        ca_bundle=site.ca_bundle(settings, facts.site),
        proxies=facts.site.proxies.value or {},
        sudo=sudo,
    )


def _import(tar: Path, reference: str) -> None:
    message = f"{data.table('base')['suite']} by deploykit"
    try:
        docker.call("import", "--message", message, str(tar), reference, timeout=_IMPORT_SECONDS)
    except proc.CommandError as error:
        raise fail("BASE-IMPORT-FAILED", reference, reason=error) from error


def _short(reason: str) -> str:
    return redact(reason)[:_REASON_LENGTH]
