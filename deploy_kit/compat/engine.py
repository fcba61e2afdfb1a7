"""The container engine: usable as it is, after a setup that `up` may offer, or not at all and why."""

from __future__ import annotations

from deploy_kit.compat.evidence import seen
from deploy_kit.compat.packages import packages_for, plugins_for
from deploy_kit.compat.rights import as_root, may_administer, may_run_engine
from deploy_kit.compat.verdict import EngineSetup, Ground
from deploy_kit.compat.versions import at_least
from deploy_kit.data import table
from deploy_kit.facts import EngineFacts, EngineState, Fact, HostFacts
from deploy_kit.findings import Evidence, Finding, Severity

Command = tuple[str, ...]

_ABSENT = (EngineState.NO_CLIENT, EngineState.NO_ENGINE, EngineState.STOPPED)
_USUAL = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
_LOCAL: Command = ("deploykit", "up", "--target", "local")


def judge(facts: HostFacts) -> Ground:
    """Whether containers can be run here."""
    engine = facts.engine
    if engine.kind.value == "podman":
        return _podman(facts)
    match engine.state.value:
        case None:
            return Ground()
        case EngineState.NO_CLIENT | EngineState.NO_ENGINE:
            return _missing(facts)
        case EngineState.STOPPED:
            return _stopped(facts)
        case EngineState.FORBIDDEN:
            user = facts.privileges.user.value or "$USER"
            return _blocked("ENGINE-FORBIDDEN", engine, (("sudo", "usermod", "-aG", "docker", user),), user=user)
        case EngineState.SILENT:
            return _blocked("ENGINE-SILENT", engine, _restarted(facts))
        case EngineState.READY:
            return _ready(facts)


def impossible(facts: HostFacts) -> bool:
    """No engine runs here, and the kernel would not let one."""
    return facts.engine.state.value in _ABSENT and not may_run_engine(facts.privileges)


def _podman(facts: HostFacts) -> Ground:
    engine = facts.engine
    removal = as_root(facts.privileges, "apt-get", "remove", "podman-docker")
    known = packages_for(facts.platform, "engine") is not None
    commands = (removal, ("deploykit", "up")) if known else (_LOCAL,)
    return Ground((_finding("ENGINE-PODMAN", engine, commands, seen(engine.kind, engine.client)),))


def _astray(facts: HostFacts) -> Ground | None:
    """The client was pointed at a socket where nobody listens: another engine would not be asked either."""
    address = facts.engine.endpoint
    if address.source == "default context" or (address.value or "") in _USUAL or not address.known:
        return None
    own = address.source == "DOCKER_HOST"
    command = ("unset", "DOCKER_HOST") if own else ("docker", "context", "use", "default")
    evidence = seen(address, facts.engine.state)
    finding = _finding("ENGINE-ASTRAY", facts.engine, (command,), evidence, address=address.value, by=address.source)
    return Ground((finding,))


def _missing(facts: HostFacts) -> Ground:
    engine, rights = facts.engine, facts.privileges
    if astray := _astray(facts):
        return astray
    if not may_run_engine(rights):
        return _impossible(facts)
    plan = packages_for(facts.platform, "engine")
    evidence = seen(engine.state, facts.platform.pretty_name)
    if plan is None:
        commands = tuple(as_root(rights, *command) for command in _elsewhere(facts))
        name = facts.platform.pretty_name.value or facts.platform.distribution.value or "?"
        return Ground((_finding("ENGINE-MISSING", engine, commands, evidence, distribution=name),))
    if not may_administer(rights):
        commands = (("apt-get", "install", *plan.packages), _LOCAL)
        return Ground((_finding("ENGINE-NO-RIGHTS", engine, commands, seen(engine.state, rights.sudo)),))
    note = Finding.of("ENGINE-INSTALL", Severity.INFO, "docker", evidence=evidence, packages=" ".join(plan.packages))
    return Ground((note,), EngineSetup(plan, start=True))


def _impossible(facts: HostFacts) -> Ground:
    evidence = seen(facts.engine.state, facts.privileges.engine_capable)
    return Ground((_finding("ENGINE-IMPOSSIBLE", facts.engine, (_LOCAL,), evidence),))


def _stopped(facts: HostFacts) -> Ground:
    engine, address = facts.engine, facts.engine.endpoint.value or ""
    if not address.startswith("unix://"):
        return _blocked(
            "ENGINE-UNREACHABLE", engine, (("docker", "context", "ls"),), address=address or engine.endpoint.source
        )
    if "/run/user/" in address:
        return _blocked("ENGINE-STOPPED", engine, (("systemctl", "--user", "start", "docker"),))
    if "/.docker/desktop/" in address:
        return _blocked("ENGINE-STOPPED", engine, (("systemctl", "--user", "start", "docker-desktop"),))
    if astray := _astray(facts):
        return astray
    if not may_run_engine(facts.privileges):
        return _impossible(facts)
    if not may_administer(facts.privileges):
        return _blocked("ENGINE-STOPPED", engine, (("sudo", *_service(facts, "start")),))
    plugins = _plugins(facts)
    note = Finding.of("ENGINE-START", Severity.INFO, "docker", evidence=seen(engine.state, engine.daemon))
    packages = plugins.setup.packages if plugins.setup else None
    return Ground((note, *plugins.findings), EngineSetup(packages, start=True))


def _ready(facts: HostFacts) -> Ground:
    engine = facts.engine
    floor = table("compat")["floors"]["engine"]
    if engine.version.value and not at_least(engine.version.value, floor):
        return Ground((_too_old(facts, floor),))
    return _plugins(facts)


def _too_old(facts: HostFacts, floor: str) -> Finding:
    """Debian 12's own engine makes room for Debian 13's, which `up` then offers; any other is upgraded in place."""
    engine = facts.engine
    plan = packages_for(facts.platform, "engine")
    package = engine.package.value or "docker.io"
    if plan is None:
        commands: tuple[Command, ...] = ()
    elif plan.suite:
        commands = (as_root(facts.privileges, "apt-get", "remove", package), ("deploykit", "up"))
    else:
        commands = (as_root(facts.privileges, "apt-get", "install", "--only-upgrade", package),)
    version = engine.version.value
    return _finding("ENGINE-TOO-OLD", engine, commands, seen(engine.version), version=version, floor=floor)


def _plugins(facts: HostFacts) -> Ground:
    """The client's plug-ins; where the distribution has fit ones, installing them is offered."""
    engine = facts.engine
    floors = table("compat")["floors"]
    plugins = {"buildx": engine.buildx, "compose": engine.compose}
    lacking = tuple(name for name, fact in plugins.items() if _unfit(fact, floors[name]))
    if not lacking:
        return Ground()
    wanted = ", ".join(f"{name} {floors[name]}" for name in lacking)
    evidence = seen(*(plugins[name] for name in lacking))
    plan = plugins_for(facts.platform, engine.package.value, lacking)
    if plan is None or not may_administer(facts.privileges):
        commands = (as_root(facts.privileges, "apt-get", "install", *plan.packages),) if plan else ()
        return Ground((_finding("ENGINE-PLUGINS", engine, commands, evidence, wanted=wanted),))
    note = Finding.of("ENGINE-PLUGINS-INSTALL", Severity.INFO, "docker", evidence=evidence,
                      wanted=wanted, packages=" ".join(plan.packages))  # fmt: skip
    return Ground((note,), EngineSetup(plan, start=False))


def _unfit(version: Fact[str | None], floor: str) -> bool:
    return version.known and (version.value is None or not at_least(version.value, floor))


def _restarted(facts: HostFacts) -> tuple[Command, ...]:
    """How the very engine that was asked is restarted; none where it is not known whose it is."""
    address = facts.engine.endpoint.value or ""
    if "/run/user/" in address:
        return (("systemctl", "--user", "restart", "docker"),)
    if "/.docker/desktop/" in address:
        return (("systemctl", "--user", "restart", "docker-desktop"),)
    return (as_root(facts.privileges, *_service(facts, "restart")),) if address in _USUAL else ()


def _service(facts: HostFacts, verb: str) -> Command:
    systemd = facts.platform.init.value == "systemd"
    return ("systemctl", verb, "docker") if systemd else ("service", "docker", verb)


def _elsewhere(facts: HostFacts) -> tuple[Command, ...]:
    """How an engine comes onto a distribution that we do not install on ourselves."""
    names = (facts.platform.distribution.value or "", *(facts.platform.like.value or ()))
    book = table("compat")["elsewhere"]
    return next((tuple(tuple(command) for command in book[name]) for name in names if name in book), ())


def _blocked(code: str, engine: EngineFacts, commands: tuple[Command, ...], **args: object) -> Ground:
    return Ground((_finding(code, engine, commands, seen(engine.state), **args),))


def _finding(
    code: str, engine: EngineFacts, commands: tuple[Command, ...], evidence: tuple[Evidence, ...], **args: object
) -> Finding:
    subject = engine.endpoint.value or "docker"
    return Finding(
        code,
        Severity.BLOCKER,
        subject,
        tuple(sorted({"subject": subject, **{name: str(value) for name, value in args.items()}}.items())),
        evidence,
        commands,
    )
