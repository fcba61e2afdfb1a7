"""Several hosts at a glance: a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_kit.cli.output.host.fit import wrapped
from deploy_kit.cli.output.host.verdict import counted, mark
from deploy_kit.cli.output.text import columns, width
from deploy_kit.facts import EngineState, HostFacts
from deploy_kit.findings import Severity
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.compat import Verdict

_COLUMNS = ("host", "card", "driver", "engine", "verdict", "codes")


@dataclass(frozen=True, slots=True)
class Judged:
    """A host with its name, its facts and what they allow."""

    name: str
    facts: HostFacts
    verdict: Verdict


def lines(hosts: Sequence[Judged], words: Catalogue, width_: int | None = None) -> list[str]:
    """The table; on a terminal that is too narrow for it, a block a host."""
    head = tuple(words(f"cli.hosts.{name}") for name in _COLUMNS)
    cells = [_cells(host, words) for host in hosts]
    table = columns([head, *cells], indent="")
    if width_ is None or max(map(width, table)) <= width_:
        return table
    blocks: list[str] = []
    for name, *rest in cells:
        blocks += [name]
        for label, cell in zip(head[1:], rest):
            blocks += wrapped(f"{label}: {cell}", width_, "  ", "    ")
    return blocks


def documents(hosts: Sequence[Judged]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "name": host.name,
            "card": _card(host),
            "driver": host.facts.gpu.driver.value or host.facts.gpu.module.value,
            "engine": _engine(host.facts),
            "runs": not host.verdict.blockers,
            "variant": host.verdict.variant,
            "device": host.verdict.device,
            "codes": _codes(host),
        }
        for host in hosts
    ]


def _cells(host: Judged, words: Catalogue) -> tuple[str, ...]:
    gpu, sign = host.facts.gpu, mark(host.verdict)[0]
    place = words("cli.hosts.refused") if host.verdict.blockers else f"{host.verdict.variant}/{host.verdict.device}"
    driver = gpu.driver.value or gpu.module.value or "–"
    return (
        host.name,
        _card(host) or "–",
        driver,
        _engine(host.facts),
        f"{sign} {place}",
        " ".join(_codes(host)) or "–",
    )


def _card(host: Judged) -> str:
    """The cards by name; by their id on the bus where no driver names them."""
    if host.facts.gpu.devices.value:
        return counted(one.name for one in host.facts.gpu.devices.value)
    return ", ".join(f"10de:{card.device}" for card in host.facts.gpu.cards.value or ())


def _engine(facts: HostFacts) -> str:
    engine = facts.engine
    state = engine.state.value
    if state is EngineState.READY:
        return f"{engine.kind.value or 'docker'} {engine.version.value or '?'}"
    return "?" if state is None else state.value


def _codes(host: Judged) -> list[str]:
    """What blocks or warns, blockers first."""
    order = (Severity.BLOCKER, Severity.WARNING)
    return [one.code for severity in order for one in host.verdict.findings if one.severity is severity]
