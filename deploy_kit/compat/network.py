"""What lies in the network: places that a deployment fetches from, and the time there."""

from __future__ import annotations

from collections.abc import Iterator

from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import Wish
from deploy_kit.data import table
from deploy_kit.facts import Endpoint, HostFacts, Reach
from deploy_kit.findings import Evidence, Finding, Severity

_CODES = {
    "weights": "HOST-UNREACHABLE-WEIGHTS",
    "packages": "HOST-UNREACHABLE-PACKAGES",
    "system": "HOST-UNREACHABLE-SYSTEM",
    "source": "HOST-UNREACHABLE-SOURCE",
}


def judge(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    """What of the network is missing for this wish. All of it warns: a mirror or a proxy may still help."""
    return (*_clock(facts), *(finding for purpose in _purposes(wish) for finding in _reach(facts, purpose)))


def _purposes(wish: Wish) -> Iterator[str]:
    """What has to be fetched for the wish."""
    model = wish.engine != needs.BUILT_IN
    if model and wish.weights_bytes:
        yield "weights"
    if wish.build_bytes:
        yield "packages"
        if wish.target != "local":
            yield "system"
        if model and not wish.source_here:
            yield "source"


def _reach(facts: HostFacts, purpose: str) -> Iterator[Finding]:
    asked = [one for one in facts.network.endpoints.value or () if one.purpose == purpose]
    if not asked or any(one.reach is Reach.REACHED for one in asked):
        return
    names = ", ".join(dict.fromkeys(one.name for one in asked))
    yield Finding.of(_CODES[purpose], Severity.WARNING, names, evidence=tuple(map(_seen, asked)))


def _seen(one: Endpoint) -> Evidence:
    return Evidence(one.host, one.reach.value + (f": {one.detail}" if one.detail else ""))


def _clock(facts: HostFacts) -> Iterator[Finding]:
    ahead = facts.network.clock
    if ahead.value is None or abs(ahead.value) < float(table("compat")["clock_seconds"]):
        return
    commands = (as_root(facts.privileges, "timedatectl", "set-ntp", "true"), ("timedatectl",))
    seconds = f"{ahead.value:+.0f}"
    yield Finding.of("HOST-CLOCK", Severity.WARNING, seconds, evidence=seen(ahead), commands=commands, seconds=seconds)
