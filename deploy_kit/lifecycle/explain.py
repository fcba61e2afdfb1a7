"""Why it did not work, as far as logs and exit codes tell: the book of failures, asked about a service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from deploy_kit import diagnose, proc
from deploy_kit.diagnose import Cause, Match, Source
from deploy_kit.errors import ExitCode, Failure
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle.site import Running, running
from deploy_kit.redact import scrub
from deploy_kit.run.state import State

LINES = 2000
"""How much of a log is read when nobody says how much."""

_SHOWN = 3
_RUNS = ("running", "paused")
_ALIVE = (*_RUNS, "created")
_FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "fedora": ("fedora", "rhel", "centos", "rocky", "almalinux"),
    "suse": ("suse", "opensuse"),
    "arch": ("arch",),
}
_EXPLAINED = (ExitCode.HEALTH, ExitCode.HOST, ExitCode.ENGINE, ExitCode.BUILD, ExitCode.CACHE)


def service(
    state: State, *, lines: int = LINES, kernel: Sequence[str] = (), family: str = "", found: Running | None = None
) -> tuple[Match, ...]:
    """What the service's end and the last lines of its log amount to, the root first; lines are fit to be shown.

    Args:
        lines: How many lines of its log are read.
        kernel: Lines of the kernel's log to read as well.
        family: The family of distributions that commands are wanted for.
        found: What is known to exist of the stack; looked for when None.

    Raises:
        CommandError: The container engine does not answer.
        Failure: ENGINE-NAME-TAKEN.
    """
    from deploy_kit.run import local
    from deploy_kit.tools import docker

    found = running(state) if found is None else found
    matches = list(diagnose.read(kernel, source=Source.KERNEL, family=family))
    if found.container is not None:
        end = found.container
        if end.status not in _ALIVE and (match := diagnose.exit_code(end.exit_code, end.oom_killed, family=family)):
            matches.append(match)
        if end.status not in _RUNS:  # what the engine said of an earlier start is over
            matches += diagnose.read(end.error.splitlines(), source=Source.DOCKER, family=family)
        log = docker.logs_tail(end.id, lines)
    else:
        log = local.tail(state, lines)
    matches += diagnose.read(log, source=Source.CONTAINER, family=family)
    return clean(diagnose.ordered(matches))


def clean(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Matches whose lines hold no secret."""
    return tuple(
        replace(match, line=scrub(match.line), args=tuple((name, scrub(value)) for name, value in match.args))
        for match in matches
    )


def family_of(facts: HostFacts | None) -> str:
    """The family of distributions that a host belongs to; empty for one that commands are not known for."""
    if facts is None:
        return ""
    return _family((facts.platform.distribution.value or "", *(facts.platform.like.value or ())))


def family_here() -> str:
    """As `family_of`, of this host, without looking at anything else of it."""
    import platform

    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    return _family((release.get("ID", ""), *release.get("ID_LIKE", "").split()))


def _family(words: tuple[str, ...]) -> str:
    return next((family for family, names in _FAMILIES.items() if any(word in names for word in words)), "")


@contextlib.contextmanager
def failures(state: State, facts: HostFacts) -> Iterator[None]:
    """Give a failure that passes the causes which the book finds for it, three at most.

    Raises:
        Failure: The one that passes, with them.
    """
    try:
        yield
    except Failure as failure:
        raise explained(failure, state, facts) from failure.__cause__


def explained(failure: Failure, state: State, facts: HostFacts) -> Failure:
    """A failure with its causes; the same one where none is known."""
    family = family_of(facts)
    found = list(_of_text(failure, family))
    if failure.exit_code in _EXPLAINED and failure.finding.code.startswith(("HEALTH-", "GPU-")):
        card = (stack := state.stack()) is not None and stack.gpu is not None
        kernel = (facts.upkeep.log.value or ()) if card else ()
        with contextlib.suppress(proc.CommandError, Failure, OSError):  # whoever explains must not fail in its place
            found += service(state, kernel=kernel, family=family)
    known = {failure.finding.code, *(finding.code for finding in failure.more)}
    roots = (match for match in diagnose.roots(diagnose.ordered(found)) if match.code not in known)
    above = _told(failure)
    causes = [Cause.of_match(match, above=bool(match.line) and match.line in above) for match in roots][:_SHOWN]
    return Failure(failure.finding, *failure.more, *causes) if causes else failure


def _told(failure: Failure) -> str:
    """What the failure itself shows of the words of others."""
    args = dict(failure.finding.args)
    return args.get("reason") or args.get("lines") or ""


def _of_text(failure: Failure, family: str) -> tuple[Match, ...]:
    """What the tool that failed had said."""
    args = dict(failure.finding.args)
    said = args.get("said") or args.get("lines") or args.get("reason") or ""
    sources = {ExitCode.BUILD: Source.BUILD, ExitCode.ENGINE: Source.DOCKER}
    source = sources.get(failure.exit_code)
    return () if source is None else clean(diagnose.read(said.splitlines(), source=source, family=family))
