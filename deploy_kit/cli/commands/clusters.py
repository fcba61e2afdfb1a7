"""``doctor --target kubernetes``: the facts of a cluster and what they mean."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

from deploy_kit.cli.commands import doctor
from deploy_kit.cli.output.cluster import page, table
from deploy_kit.cli.output.cluster.document import TARGET, document
from deploy_kit.cli.output.host.fit import columns_of
from deploy_kit.cli.saved import Saved
from deploy_kit.cli.session import Session
from deploy_kit.errors import ExitCode, fail
from deploy_kit.lifecycle import cluster

if TYPE_CHECKING:
    from deploy_kit.cluster.verdict import ClusterVerdict


def run(session: Session, found: Saved) -> int:
    """Show facts, findings and the proposed values of the cluster that is meant, or of those whose facts were saved;
    exit 4 when a finding blocks."""
    _refuse(session, found)
    request = dataclasses.replace(session.request, target=TARGET)
    if len(found.clusters) > 1:
        return _table(session, found)
    _, saved = found.clusters[0] if found.clusters else ("", None)
    facts, verdict = cluster.examine(request, saved)
    if session.options.save is not None:
        doctor.save(session.options.save, facts)
    if session.json:
        session.emit(document(facts, verdict, request, session.words))
    else:
        session.say("\n".join(page.page(facts, verdict, request, doctor.look(session))))
    return exit_code(verdict)


def exit_code(*verdicts: ClusterVerdict) -> int:
    """4 when anything blocks, else 0."""
    return int(ExitCode.HOST) if any(verdict.blockers for verdict in verdicts) else 0


def _refuse(session: Session, found: Saved) -> None:
    """What is about hosts alone."""
    if found.hosts and found.clusters:
        raise fail("USAGE-FACTS-MIXED", found.hosts[0][0], other=found.clusters[0][0])
    if found.hosts:
        raise fail("USAGE-FACTS-HOST", found.hosts[0][0])
    for option in ("fix", "prove"):
        if getattr(session.options, option):
            raise fail("USAGE-CLUSTER-MEND", f"--{option}")
    if session.options.offline and not found.clusters:
        raise fail("USAGE-CLUSTER-OFFLINE", "--offline")


def _table(session: Session, found: Saved) -> int:
    """Many clusters, a line each."""
    if session.options.save is not None:
        raise fail("USAGE-SAVE-SEVERAL", session.options.save)
    judged = [table.Judged(name, *cluster.examine(session.request, facts)) for name, facts in found.clusters]
    if session.json:
        session.emit({"schema": 1, "clusters": table.documents(judged)})
    else:
        session.say("\n".join(table.lines(judged, session.words, columns_of(sys.stdout))))
    return exit_code(*(one.verdict for one in judged))
