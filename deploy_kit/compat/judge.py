"""The whole judgement: gates in the order in which a person would ask."""

from __future__ import annotations

from deploy_kit.compat import engine, local, platform, room
from deploy_kit.compat.verdict import Verdict, Wish
from deploy_kit.data import table
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding, Severity


def judge(facts: HostFacts, wish: Wish, *, port_is_ours: bool) -> Verdict:
    """What the host allows of a wish. Pure: the same facts give the same verdict.

    A platform that is refused by name ends the judgement; everything else is judged to the end, so that a user
    sees all obstacles at once. Facts that are unknown or were not asked stand in nobody's way.

    Args:
        facts: The host as observed.
        wish: What was asked for.
        port_is_ours: The address is held by the very service that is being judged.
    """
    variant = "core" if wish.variant == "auto" else wish.variant
    device = "cpu" if wish.device == "auto" else wish.device
    refused = platform.judge(facts.platform, wish)
    if refused:
        return Verdict(variant, device, refused)
    ground = local.judge(facts) if wish.target == "local" else engine.judge(facts)
    findings = (
        *ground.findings,
        *room.disks(facts, wish),
        *room.memory(facts, wish),
        *room.port(facts, wish, ours=port_is_ours),
        *_voice(wish),
    )
    order = list(Severity)
    return Verdict(variant, device, tuple(sorted(findings, key=lambda one: order.index(one.severity))), ground.setup)


def build_bytes(variant: str, target: str) -> int:
    """The room that making an image (or, for ``local``, its environment) takes, from the table."""
    rows = table("compat")["local_bytes" if target == "local" else "build_bytes"]
    return int(rows["core" if variant == "auto" else variant])


def _voice(wish: Wish) -> tuple[Finding, ...]:
    if wish.engine != "espeak":
        return ()
    return (Finding.of("HOST-BUILT-IN-VOICE", Severity.INFO, wish.engine),)
