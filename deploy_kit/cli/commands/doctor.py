"""``doctor``: the facts of a host, or of a cluster, and what they mean."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_kit import codec, files
from deploy_kit.cli import saved
from deploy_kit.cli.output.host import page, table
from deploy_kit.cli.output.host.fit import columns_of
from deploy_kit.cli.session import Session
from deploy_kit.errors import ExitCode, fail
from deploy_kit.facts import Fact, HostFacts, known
from deploy_kit.lifecycle import doctor
from deploy_kit.redact import redact

if TYPE_CHECKING:
    from deploy_kit.cluster.facts import ClusterFacts
    from deploy_kit.compat import Verdict


def run(session: Session) -> int:
    """Show facts and findings of this host, or of those whose facts were saved; exit 4 when a finding blocks."""
    found = saved.everything(session.options.facts or [])
    if found.clusters or session.request.target == "kubernetes":
        from deploy_kit.cli.commands import clusters

        return clusters.run(session, found)
    hosts = found.hosts
    if len(hosts) > 1:
        return _table(session, hosts)
    if session.options.fix or session.options.prove:
        return _act(session, hosts)
    _, facts = hosts[0] if hosts else ("", None)
    facts, verdict = doctor.examine(session.request, facts, network=not session.options.offline)
    facts = without_credentials(facts)
    if session.options.save is not None:
        save(session.options.save, facts)
    if session.json:
        from deploy_kit.cli.output.host.document import document

        session.emit(document(facts, verdict, session.request, session.words))
    else:
        session.say("\n".join(page.page(facts, verdict, session.request, look(session))))
    return exit_code(verdict)


def _act(session: Session, hosts: list[tuple[str, HostFacts]]) -> int:
    """Mend this host, then try its card; exit 4 when something still blocks or the card cannot be used."""
    from deploy_kit.cli.output.host import mended
    from deploy_kit.lifecycle import fix, prove

    if hosts and not (session.options.dry_run and session.options.fix and not session.options.prove):
        raise fail("USAGE-FIX-ELSEWHERE", hosts[0][0])
    shown = look(session)
    code, document = 0, dict[str, object]()
    if session.options.fix:
        facts = hosts[0][1] if hosts else None
        with session.reporting() as report:
            done = fix.mend(
                session.request,
                report,
                session.consent,
                dry_run=session.options.dry_run,
                examine=lambda: doctor.examine(session.request, facts, network=not session.options.offline),
            )
        code, document["fix"] = exit_code(done.verdict), mended.mended_document(done)
        if not session.json:
            session.say("\n".join(mended.mended(done, session.request, shown)))
    if session.options.prove and not session.options.dry_run:
        with session.reporting() as report:
            seen = prove.prove(session.request, report, session.consent)
        code = max(code, int(ExitCode.HOST) if seen.refused else 0)
        document["prove"] = mended.proved_document(seen, shown)
        if not session.json:
            session.say("\n".join(mended.proved(seen, shown)))
    if session.json:
        session.emit({"event": "outcome", "schema": 1, "exit_code": code, **document})
    return code


def look(session: Session) -> page.Look:
    """How the page is to look where it goes."""
    from deploy_kit.cli.output import findings

    columns = columns_of(sys.stdout)
    verbose, here = session.options.verbose, not session.options.facts
    return page.Look(session.words, findings.colours(sys.stdout), columns, verbose=verbose, here=here)


def exit_code(*verdicts: Verdict) -> int:
    """4 when anything blocks, else 0."""
    return int(ExitCode.HOST) if any(verdict.blockers for verdict in verdicts) else 0


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


def _table(session: Session, hosts: list[tuple[str, HostFacts]]) -> int:
    """Many hosts, a line each."""
    if session.options.save is not None:
        raise fail("USAGE-SAVE-SEVERAL", session.options.save)
    judged = [table.Judged(name, *doctor.examine(session.request, facts)) for name, facts in hosts]
    if session.json:
        session.emit({"schema": 1, "hosts": table.documents(judged)})
    else:
        session.say("\n".join(table.lines(judged, session.words, columns_of(sys.stdout))))
    return exit_code(*(host.verdict for host in judged))


def save(file: str, facts: HostFacts | ClusterFacts) -> None:
    """Write a facts file.

    Raises:
        Failure: USAGE-WRITE.
    """
    try:
        files.write_whole(Path(file), codec.dumps(facts, indent=1) + "\n")
    except OSError as error:
        raise fail("USAGE-WRITE", file, reason=error.strerror or str(error)) from None
