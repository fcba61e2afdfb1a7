"""``doctor``: the facts of a host and what they mean."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from deploy_kit import codec, files
from deploy_kit.cli.output import findings, text
from deploy_kit.cli.session import Session
from deploy_kit.errors import ExitCode, fail
from deploy_kit.facts import Fact, HostFacts, State, known
from deploy_kit.findings import Finding
from deploy_kit.lifecycle import doctor
from deploy_kit.redact import redact

_BYTES = ("total", "available", "limit", "free")


def run(session: Session) -> int:
    """Show facts and findings; exit 4 when a finding blocks."""
    facts, verdict = doctor.examine(session.request, session.facts())
    facts = without_credentials(facts)
    if session.options.save is not None:
        _save(session.options.save, facts)
    found = findings.ordered(verdict.findings)
    if session.json:
        shown = [findings.document(finding, session.words) for finding in found]
        session.emit(
            {"facts": codec.to_plain(facts), "findings": shown, "variant": verdict.variant, "device": verdict.device}
        )
    else:
        session.say("\n".join(_page(session, facts, found)))
    return int(ExitCode.HOST) if verdict.blockers else 0


def without_credentials(facts: HostFacts) -> HostFacts:
    """The facts with user names and passwords cut out of URLs: they are printed, saved and sent to others."""
    site, engine = facts.site, facts.engine
    site = dataclasses.replace(site, proxies=_clean(site.proxies), package_index=_clean(site.package_index))
    mirrors = engine.mirrors
    if mirrors.value:
        mirrors = known(tuple(redact(url, "") for url in mirrors.value), mirrors.source, mirrors.reason)
    return dataclasses.replace(facts, site=site, engine=dataclasses.replace(engine, mirrors=mirrors))


def _clean(fact: Fact[dict[str, str]]) -> Fact[dict[str, str]]:
    if not fact.value:
        return fact
    return known({name: redact(value, "") for name, value in fact.value.items()}, fact.source, fact.reason)


def _save(file: str, facts: HostFacts) -> None:
    try:
        files.write_whole(Path(file), codec.dumps(facts, indent=1) + "\n")
    except OSError as error:
        raise fail("USAGE-WRITE", file, reason=error.strerror or str(error)) from None


def _page(session: Session, facts: HostFacts, found: list[Finding]) -> Iterator[str]:
    words = session.words
    colour = findings.colours(sys.stdout)
    for field in dataclasses.fields(facts):
        value = getattr(facts, field.name)
        if dataclasses.is_dataclass(value) or isinstance(value, tuple):
            yield findings.paint(words(f"cli.facts.{field.name}"), "1", colour)
            yield from text.rows(_rows(session, value))
    yield ""
    if not found:
        yield findings.paint(words("cli.doctor_fine"), "32", colour)
        return
    for finding in found:
        yield findings.text(finding, words, colour=colour, remedy=False)
    yield ""
    yield findings.paint(words("cli.doctor_remedies"), "1", colour)
    for finding in found:
        yield f"  {finding.code}"
        yield from findings.remedy_lines(finding, words)


def _rows(session: Session, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, tuple):
        for item in value:
            yield getattr(item, "purpose", ""), "  ".join(f"{name} {shown}" for name, shown in _pairs(session, item))
        return
    yield from _pairs(session, value)


def _pairs(session: Session, value: Any) -> Iterator[tuple[str, str]]:
    words = session.words
    for field in dataclasses.fields(value):
        fact = getattr(value, field.name)
        if fact is None or field.name == "purpose" or (isinstance(fact, Fact) and fact.state is State.NOT_ASKED):
            continue
        label = f"cli.fact.{field.name}"
        yield words(label) if words.has(label) else field.name, _shown(session, field.name, fact)


def _part(name: str, value: object) -> str:
    return text.size(value) if name in _BYTES and isinstance(value, int) else str(value)


def _shown(session: Session, name: str, fact: Any) -> str:
    if isinstance(fact, Enum):
        return session.words(f"cli.fact.{name}.{fact.value}")
    if not isinstance(fact, Fact):
        return str(fact)
    if not fact.known:
        return session.words("cli.fact_unknown", reason=fact.reason)
    value = fact.value
    plain = codec.to_plain(value)
    if plain is None or plain in ([], {}):
        return session.words("cli.fact_none") + (f" ({fact.reason})" if fact.reason else "")
    if isinstance(plain, bool):
        shown = session.words("cli.yes" if plain else "cli.no")
        return shown + (f" ({fact.reason})" if fact.reason else "")
    if name in _BYTES and isinstance(plain, int):
        return text.size(plain)
    if isinstance(plain, list) and isinstance(plain[0], dict):
        return "\n".join("  ".join(_part(key, item) for key, item in row.items() if item is not None) for row in plain)
    if isinstance(plain, dict):
        return "\n".join(f"{key} {item}" for key, item in plain.items())
    return ", ".join(plain) if isinstance(plain, list) else str(plain)
