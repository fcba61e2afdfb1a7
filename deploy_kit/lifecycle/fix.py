"""``doctor --fix``: what deploykit may mend by itself on a host, shown and agreed to before anything is run.

What is offered is decided from findings alone (`offers` is pure): of a finding's own commands those that stand in the
short list below, as far as none before them is left out. So nothing is ever removed, no driver is installed, and no
machine is restarted: what would do that stays a command that a person copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from deploy_kit import proc
from deploy_kit.compat import EngineSetup, Verdict
from deploy_kit.compat.rights import may_administer
from deploy_kit.config.request import Request
from deploy_kit.errors import Failure
from deploy_kit.facts import EngineState, HostFacts
from deploy_kit.findings import Finding, Message, Severity
from deploy_kit.lifecycle import doctor
from deploy_kit.progress import Event, EventKind, Reporter, line
from deploy_kit.run.job import Consent

Command = tuple[str, ...]

STEP = "mend"
_SECONDS = 900.0
_QUICK = 30.0
_ROUNDS = 4
"""Mending one thing can show the next; more links than these no chain has."""

_TOOLKIT = "nvidia-container-toolkit"
_ALLOWED: tuple[Command, ...] = (
    ("nvidia-ctk", "runtime", "configure"),
    ("nvidia-ctk", "config"),
    ("nvidia-ctk", "cdi", "generate"),
    ("nvidia-modprobe",),
    ("modprobe", "nvidia"),
    ("modprobe", "nvidia-uvm"),
    ("usermod", "-aG", "docker"),
    ("systemctl", "start"),
    ("systemctl", "restart", "docker"),
    ("systemctl", "restart", "nvidia-cdi-refresh.service"),
    ("systemctl", "enable", "--now"),
    ("systemctl", "--user", "start", "docker"),
    ("systemctl", "--user", "restart", "docker"),
    ("service", "docker"),
    ("rc-service", "docker"),
    ("timedatectl", "set-ntp"),
    ("apt-get", "install", _TOOLKIT),
    ("dnf", "install", _TOOLKIT),
    ("zypper", "install", _TOOLKIT),
    ("pacman", "-S", _TOOLKIT),
)
"""How a command must begin, ``sudo`` aside, to be run by us."""

_SERVICES = ("docker", "nvidia-")
"""Services that may be started, by the beginnings of their names."""

_UNASKED = {"apt-get": "--yes", "dnf": "--assumeyes", "zypper": "--non-interactive", "pacman": "--noconfirm"}
"""Our question was answered; package managers need not ask it again."""

_KNOWN = {
    "apt-get": ("apt-cache", "show", _TOOLKIT),
    "dnf": ("dnf", "--quiet", "list", _TOOLKIT),
    "zypper": ("zypper", "--non-interactive", "--quiet", "search", "--match-exact", _TOOLKIT),
    "pacman": ("pacman", "-Si", _TOOLKIT),
}
"""Asks a package manager whether any of its sources has NVIDIA's toolkit."""

_SETUPS = ("ENGINE-INSTALL", "ENGINE-PLUGINS-INSTALL", "ENGINE-START", "HOST-SPEECH-INSTALL")
"""Findings whose remedy `up` carries out itself."""

_RESTARTS = frozenset({"systemctl", "service", "rc-service"})


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be mended.

    Attributes:
        code: The finding that it is for.
        commands: What would be run, in this order.
        left: Commands of the remedy that a person has to run.
        setup: Packages and the start of the container engine, as `up` does them; their commands depend on the host's
            own package sources and are told by `commands`.
        stops: Whether the container engine is restarted.
        packages: The package manager that must know the toolkit first, empty when none is asked for.
    """

    code: str
    commands: tuple[Command, ...]
    left: tuple[Command, ...] = ()
    setup: EngineSetup | None = None
    stops: bool = False
    packages: str = ""

    @property
    def root(self) -> bool:
        """Whether it takes the rights of root."""
        return self.setup is not None or any(command[0] == "sudo" for command in self.commands)


class Result(str, Enum):
    """What became of an offer."""

    DONE = "done"
    SHOWN = "shown"  # a dry run
    DECLINED = "declined"
    NO_RIGHTS = "no-rights"
    NO_SOURCE = "no-source"  # no package source has it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Deed:
    """An offer and what became of it: the ``commands`` that were shown, and in ``detail`` what the failing one said."""

    offer: Offer
    result: Result
    commands: tuple[Command, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mended:
    """The whole: what was done, and how the host was judged before and is judged now."""

    deeds: tuple[Deed, ...]
    before: Verdict
    facts: HostFacts
    verdict: Verdict

    @property
    def gone(self) -> tuple[Finding, ...]:
        """Findings that are no more."""
        now = {finding.code for finding in self.verdict.findings}
        return tuple(finding for finding in self.before.findings if finding.code not in now)

    @property
    def new(self) -> tuple[Finding, ...]:
        """Findings that were not there before."""
        then = {finding.code for finding in self.before.findings}
        return tuple(finding for finding in self.verdict.findings if finding.code not in then)


def offers(facts: HostFacts, verdict: Verdict) -> tuple[Offer, ...]:
    """What can be mended on this host; the engine first, since ways into it come after it."""
    return tuple(_offers(facts, verdict))


def _offers(facts: HostFacts, verdict: Verdict) -> Iterator[Offer]:
    if verdict.setup is not None:
        code = next((one.code for one in verdict.findings if one.code.startswith(_SETUPS)), _SETUPS[0])
        yield Offer(code, (), setup=verdict.setup)
    for finding in verdict.findings:
        done, left = _split(finding.commands)
        if done and finding.severity is not Severity.INFO:
            stops = any(_restarts(command) for command in done) and _runs(facts)
            yield Offer(finding.code, tuple(map(_unasked, done)), left, None, stops, _manager(done))


def possible(facts: HostFacts, verdict: Verdict) -> int:
    """How many of the offers that `up` would not make itself this user may carry out."""
    able = may_administer(facts.privileges)
    return sum(offer.setup is None and (able or not offer.root) for offer in offers(facts, verdict))


def commands(offer: Offer, facts: HostFacts) -> tuple[Command, ...]:
    """What is run for an offer on this host, in this order.

    Raises:
        Failure: ENGINE-SOURCE-UNKNOWN.
    """
    if offer.setup is None:
        return offer.commands
    from deploy_kit.tools import apt, dockerd

    sudo, setup = facts.privileges.uid.value != 0, offer.setup
    packages = () if setup.packages is None else apt.commands(setup.packages, sudo)
    return (*packages, *(dockerd.commands(sudo) if setup.start else ()))


def _split(commands: tuple[Command, ...]) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """The commands that we may run, and those from the first on that we may not; our own are for later."""
    foreign = tuple(command for command in commands if command[0] != "deploykit")
    count = next((index for index, one in enumerate(foreign) if not allowed(one)), len(foreign))
    return foreign[:count], foreign[count:]


def allowed(command: Command) -> bool:
    """Whether deploykit may ever run this by itself."""
    words = _plain(command)
    if any("$" in word for word in words):  # for a shell of the user's; here it would stay as it stands
        return False
    if words[:2] in (("systemctl", "start"), ("systemctl", "enable")) and not words[-1].startswith(_SERVICES):
        return False
    return any(words[: len(start)] == start for start in _ALLOWED)


def _plain(command: Command) -> Command:
    return command[1:] if command[0] == "sudo" else command


def _restarts(command: Command) -> bool:
    words = _plain(command)
    return words[0] in _RESTARTS and "restart" in words and "docker" in words


def _runs(facts: HostFacts) -> bool:
    return facts.engine.state.value is EngineState.READY


def _manager(commands: tuple[Command, ...]) -> str:
    return next((_plain(one)[0] for one in commands if _plain(one)[0] in _UNASKED), "")


def _unasked(command: Command) -> Command:
    """A package manager's command that does not ask again."""
    at = 1 if command[0] == "sudo" else 0
    word = _UNASKED.get(command[at])
    return command if word is None else (*command[: at + 2], word, *command[at + 2 :])


def mend(
    request: Request,
    report: Reporter,
    consent: Consent,
    *,
    dry_run: bool = False,
    examine: Callable[[], tuple[HostFacts, Verdict]] | None = None,
) -> Mended:
    """Offer everything, do what is agreed to, look again; until nothing more is to be offered.

    Args:
        dry_run: Only show what would be offered now.
        examine: Looks at the host; by default the real one.
    """
    look = examine or (lambda: doctor.examine(request))
    facts, verdict = look()
    before, deeds, tried = verdict, list[Deed](), set[Offer]()
    for _ in range(_ROUNDS):
        fresh = [offer for offer in offers(facts, verdict) if offer not in tried]
        tried.update(fresh)
        deeds += [carry_out(offer, facts, report, consent, dry_run=dry_run) for offer in fresh]
        results = {deed.result for deed in deeds[len(deeds) - len(fresh) :]}
        if dry_run or not results & {Result.DONE, Result.FAILED}:
            break
        facts, verdict = look()  # what failed half-way has changed something as well
    return Mended(tuple(deeds), before, facts, verdict)


def carry_out(offer: Offer, facts: HostFacts, report: Reporter, consent: Consent, *, dry_run: bool = False) -> Deed:
    """Ask, then do one offer; whatever goes wrong is told and ends nothing else."""
    try:
        shown = commands(offer, facts)
    except Failure as failure:
        return Deed(offer, Result.FAILED, detail=failure.finding.code)
    if dry_run:
        return Deed(offer, Result.SHOWN, shown)
    if offer.root and not may_administer(facts.privileges):
        return Deed(offer, Result.NO_RIGHTS, shown)
    if offer.packages and not _has_toolkit(offer.packages):
        return Deed(offer, Result.NO_SOURCE, shown)
    if not consent(_question(offer), shown):
        return Deed(offer, Result.DECLINED, shown)
    report(Event(EventKind.STEP, STEP, offer.code))
    try:
        _do(offer, facts, report)
    except Failure as failure:
        report(Event(EventKind.FAILED, STEP, offer.code))
        return Deed(offer, Result.FAILED, shown, dict(failure.finding.args).get("lines", failure.finding.code))
    except proc.CommandError as error:
        report(Event(EventKind.FAILED, STEP, offer.code))
        return Deed(offer, Result.FAILED, shown, str(error))
    report(Event(EventKind.DONE, STEP, offer.code))
    return Deed(offer, Result.DONE, shown)


def _do(offer: Offer, facts: HostFacts, report: Reporter) -> None:
    if offer.setup is not None:
        from deploy_kit.tools import apt, dockerd

        sudo = facts.privileges.uid.value != 0
        if offer.setup.packages is not None:
            apt.install(offer.setup.packages, report, sudo=sudo)
        if offer.setup.start:
            dockerd.start(report, sudo=sudo)
        return
    for command in offer.commands:
        runner = proc.foreground if command[0] == "sudo" else proc.stream
        runner(command, lambda text: report(line(STEP, text)), timeout=_SECONDS)


def _has_toolkit(manager: str) -> bool:
    """Whether a configured source has NVIDIA's toolkit; what cannot be asked is tried."""
    try:
        answer = proc.run(_KNOWN[manager], timeout=_QUICK, check=False)
    except proc.CommandError:
        return True
    return answer.ok and (manager != "zypper" or _TOOLKIT in answer.stdout)


def _question(offer: Offer) -> Message:
    """What is asked; whose containers stop when the engine is restarted."""
    if not offer.stops:
        return Message.of("fix.ask", code=offer.code)
    names = _stopping()
    if names is None:
        return Message.of("fix.ask-restart", code=offer.code)
    key = "fix.ask-restart-stops" if names else "fix.ask-restart-nothing"
    return Message.of(key, code=offer.code, containers=", ".join(names))


def _stopping() -> tuple[str, ...] | None:
    """The containers that stop when the engine is restarted; None when nobody knows."""
    from deploy_kit.tools import docker

    try:
        if docker.call("info", "--format", "{{.LiveRestoreEnabled}}").stdout.strip() == "true":
            return ()
        return tuple(sorted(docker.call("ps", "--format", "{{.Names}}").stdout.split()))
    except proc.CommandError:
        return None
