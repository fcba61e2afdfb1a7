"""The page of a cluster: verdict, facts in groups, pools, findings, values for the chart, and what to do last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_kit.cli.output import findings
from deploy_kit.cli.output.cluster import pools, values, verdict
from deploy_kit.cli.output.cluster.groups import GROUPS
from deploy_kit.cli.output.host.fit import rows, wrapped
from deploy_kit.cli.output.host.page import Look, finding_lines, remedies
from deploy_kit.facts import Fact, State
from deploy_kit.messages import Catalogue
from deploy_kit.render import yaml_text

if TYPE_CHECKING:
    from deploy_kit.cluster.facts import ClusterFacts
    from deploy_kit.cluster.verdict import ClusterVerdict
    from deploy_kit.config.request import Request

_BOLD, _GREEN = "1", "32"
_COPIED = " " * 6
"""Before lines that are copied: they are never broken."""


def page(facts: ClusterFacts, judged: ClusterVerdict, request: Request, look: Look) -> Iterator[str]:
    """Every line of the page."""
    yield from _verdict(facts, judged, request, look)
    for group, places in GROUPS:
        lines = list(_group(facts, places, look))
        if lines:
            yield from _title(look.words(f"cli.cluster.group.{group}"), look)
            yield from rows(lines, look.columns)
    if judged.pools:
        yield from _title(look.words("cli.cluster.pools"), look)
        yield from pools.lines(judged, look.words, look.columns)
    found = findings.ordered(judged.findings)
    yield from _title(look.words("cli.doctor_findings"), look)
    if not found:
        yield f"  {look.paint(look.words('cli.doctor_fine'), _GREEN)}"
    for finding in found:
        yield from finding_lines(finding, look)
    if judged.values:
        yield from _title(look.words("cli.cluster.values"), look)
        yield from wrapped(look.words("cli.cluster.values_about", preset=judged.preset), look.columns, "  ")
        yield from (_COPIED + line for line in yaml_text.emit(judged.values, {}).splitlines())
    yield from remedies(found, look)


def _title(text: str, look: Look) -> Iterator[str]:
    yield ""
    yield look.paint(text, _BOLD)


def _verdict(facts: ClusterFacts, judged: ClusterVerdict, request: Request, look: Look) -> Iterator[str]:
    sign, code = verdict.mark(judged)
    first, *more = wrapped(f"{sign} {verdict.text(facts, judged, request, look.words)}", look.columns, "", "  ")
    yield look.paint(first, code)
    yield from (look.paint(line, code) for line in more)
    for text in verdict.more(judged, request, look.words):
        yield from wrapped(text, look.columns, "  ")


def _group(facts: ClusterFacts, places: tuple[str, ...], look: Look) -> Iterator[tuple[str, str]]:
    for starred in places:
        place = starred.rstrip("*")
        fact: Fact[Any] = getattr(facts, place)
        if (starred != place or fact.state is State.NOT_ASKED) and not look.verbose:
            continue
        yield label(place, look.words), _shown(fact, look)


def _shown(fact: Fact[Any], look: Look) -> str:
    if fact.state is State.NOT_ASKED:
        return look.words("cli.fact_not_asked") + (f" ({fact.reason})" if fact.reason else "")
    text = values.shown(fact, look.words, whole=look.verbose)
    return f"{text}  ← {fact.source}" if look.verbose and fact.source else text


def label(place: str, words: Catalogue) -> str:
    """The name of a fact."""
    return words(f"cli.cluster.fact.{place}")
