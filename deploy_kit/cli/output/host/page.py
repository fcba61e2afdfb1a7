"""The page of ``doctor``: verdict, facts in groups, findings, and what to do last."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_kit.cli.output import findings
from deploy_kit.cli.output.host import values, verdict
from deploy_kit.cli.output.host.fit import rows, wrapped
from deploy_kit.cli.output.host.groups import GROUPS
from deploy_kit.cli.output.program import shown
from deploy_kit.facts import Fact, HostFacts, State
from deploy_kit.findings import Finding, Severity
from deploy_kit.lifecycle import fix
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.compat import Verdict
    from deploy_kit.config.request import Request

_BOLD, _GREEN = "1", "32"
_FIX = ("deploykit", "doctor", "--fix")


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is to look: its ``words``, ``colour`` or not, at most so many ``columns`` (None: lines are never
    broken), whether to show each fact with its source and those that nobody asked for, and whether the host is this
    one."""

    words: Catalogue
    colour: bool = False
    columns: int | None = None
    verbose: bool = False
    here: bool = True

    def paint(self, text: str, code: str) -> str:
        return findings.paint(text, code, self.colour)


def page(facts: HostFacts, judged: Verdict, request: Request, look: Look) -> Iterator[str]:
    """Every line of the page."""
    yield from _verdict(facts, judged, request, look)
    for group, places in GROUPS:
        lines = list(_group(facts, places, look))
        if lines:
            yield ""
            yield look.paint(look.words(f"cli.group.{group}"), _BOLD)
            yield from rows(lines, look.columns)
    found = findings.ordered(judged.findings)
    yield ""
    yield look.paint(look.words("cli.doctor_findings"), _BOLD)
    if not found:
        yield f"  {look.paint(look.words('cli.doctor_fine'), _GREEN)}"
    for finding in found:
        yield from finding_lines(finding, look)
    yield from remedies(found, look)
    count = fix.possible(facts, judged)
    if count and look.here:
        yield ""
        yield from wrapped(look.words("cli.doctor_fix", count=count), look.columns, "  ")
        yield f"      {shown(_FIX)}"


def finding_lines(finding: Finding, look: Look) -> list[str]:
    """A finding with its mark, what was seen, and no remedy."""
    first, *more = findings.text(finding, look.words, remedy=False).splitlines()
    lines = wrapped(first, look.columns, "  ", "    ")
    for line in more:
        lines += wrapped(line.strip(), look.columns, "    ", "      ")
    return [*findings.painted(lines[:1], finding, colour=look.colour), *lines[1:]]


def _verdict(facts: HostFacts, judged: Verdict, request: Request, look: Look) -> Iterator[str]:
    sign, code = verdict.mark(judged)
    first, *more = wrapped(f"{sign} {verdict.text(judged, request, facts, look.words)}", look.columns, "", "  ")
    yield look.paint(first, code)
    yield from (look.paint(line, code) for line in more)
    for text in verdict.more(judged, request, look.words):
        yield from wrapped(text, look.columns, "  ")


def _group(facts: HostFacts, places: tuple[str, ...], look: Look) -> Iterator[tuple[str, str]]:
    for starred in places:
        place = starred.rstrip("*")
        if starred == place or look.verbose:
            yield from _place(facts, place, look)


def _place(facts: HostFacts, place: str, look: Look) -> Iterator[tuple[str, str]]:
    words = look.words
    if place == "disks":
        for disk in facts.disks:
            yield words(f"cli.disk.{disk.purpose}"), _with(values.disk(disk, words), disk.free.source, look)
        return
    if place == "port":
        if facts.port.free.state is not State.NOT_ASKED or look.verbose:
            yield words("cli.facts.port"), _with(values.port(facts.port, words), facts.port.free.source, look)
        return
    fact: Fact[Any] = field(facts, place)
    if fact.state is State.NOT_ASKED and not look.verbose:
        return
    if fact.state is State.NOT_ASKED:
        yield label(place, words), words("cli.fact_not_asked") + (f" ({fact.reason})" if fact.reason else "")
        return
    yield label(place, words), _with(values.shown(place, fact, words, whole=look.verbose), fact.source, look)


def _with(text: str, source: str, look: Look) -> str:
    return f"{text}  ← {source}" if look.verbose and source else text


def field(facts: HostFacts, place: str) -> Any:
    """The fact at ``section.field``."""
    section, _, name = place.partition(".")
    return getattr(getattr(facts, section), name)


def label(place: str, words: Catalogue) -> str:
    """The name of a fact: its own in that section, else the one that the field has everywhere."""
    own = f"cli.fact.{place}"
    return words(own) if words.has(own) else words(f"cli.fact.{place.partition('.')[2]}")


def every_place() -> tuple[str, ...]:
    """All facts there are, as ``section.field``; disks and the port are one place each."""
    found: list[str] = []
    for section in dataclasses.fields(HostFacts):
        if section.name in ("schema", "disks", "port"):
            found += [section.name] if section.name != "schema" else []
            continue
        kind = type(section.default) if section.default is not dataclasses.MISSING else _sections()[section.name]
        found += [f"{section.name}.{one.name}" for one in dataclasses.fields(kind)]
    return tuple(found)


def _sections() -> dict[str, Any]:
    import typing

    return typing.get_type_hints(HostFacts)


def remedies(found: list[Finding], look: Look) -> Iterator[str]:
    """What to do about findings, each with its commands; nothing about those that ask for nothing."""
    wanted = [one for one in found if one.severity is not Severity.INFO or one.commands]
    if not wanted:
        return
    yield ""
    yield look.paint(look.words("cli.doctor_remedies"), _BOLD)
    for finding in wanted:
        sentences, commands = findings.remedy(finding, look.words)
        yield from wrapped(f"{finding.code}: {sentences}", look.columns, "  ", "    ")
        yield from (f"      {command}" for command in commands)
