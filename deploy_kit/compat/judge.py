"""The whole judgement: gates in the order in which a person would ask."""

from __future__ import annotations

from collections import Counter

from deploy_kit.compat import cards, engine, gpu, local, needs, network, platform, room, sight, upkeep
from deploy_kit.compat.verdict import Verdict, Wish
from deploy_kit.data import table
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding, Severity

_SENTENCE = 10
"""Seconds of sound in a long sentence."""


def judge(facts: HostFacts, wish: Wish, *, port_is_ours: bool) -> Verdict:
    """What the host allows of a wish. Pure: the same facts give the same verdict.

    A platform that is refused by name ends the judgement; everything else is judged to the end, so that a user
    sees all obstacles at once. Facts that are unknown or were not asked stand in nobody's way.

    Args:
        facts: The host as observed.
        wish: What was asked for.
        port_is_ours: The address is held by the very service that is being judged.
    """
    refused = platform.judge(facts.platform, wish)
    if refused:
        return Verdict(_plain_variant(wish), "cpu", (*refused, *_board(facts, wish)))
    answer = gpu.judge(facts, wish, ours=port_is_ours)
    ground = local.judge(facts, wish) if wish.target == "local" else engine.judge(facts)
    findings = (
        *ground.findings,
        *answer.findings,
        *platform.surroundings(facts, wish),
        *upkeep.judge(facts, wish),
        *room.disks(facts, wish, build_bytes=_room(wish, answer.variant)),
        *room.memory(facts, wish, device=answer.device),
        *room.shared(facts, wish, device=answer.device),
        *room.port(facts, wish, ours=port_is_ours),
        *network.judge(facts, wish),
        *_expect(wish, answer),
    )
    order = list(Severity)
    return Verdict(
        answer.variant,
        answer.device,
        tuple(sorted(findings, key=lambda one: order.index(one.severity))),
        ground.setup,
        answer.request,
        memory_bytes=needs.memory_limit(
            wish.engine, answer.device, workers=answer.workers, emotion_text=wish.emotion_text == "on"
        ),
        pids=needs.pids(wish.engine),
    )


def _board(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    """Why another processor architecture would not help on a board of NVIDIA's own."""
    if wish.engine == needs.BUILT_IN or wish.device == "cpu" or not facts.platform.board.value:
        return ()
    fault = sight.look(facts, wish.matrix or cards.usual())
    return () if fault is None else (fault.finding(Severity.WARNING),)


def _plain_variant(wish: Wish) -> str:
    if wish.variant != "auto":
        return wish.variant
    return "core" if wish.engine == needs.BUILT_IN else "cpu"


def _room(wish: Wish, variant: str) -> int:
    """The room to make the image; a wish of 0 bytes says that it is there."""
    return build_bytes(variant, wish.target) if wish.build_bytes else 0


def build_bytes(variant: str, target: str) -> int:
    """The room that making an image (or, for ``local``, its environment) takes, from the table."""
    rows = table("compat")["local_bytes" if target == "local" else "build_bytes"]
    return int(rows["core" if variant == "auto" else variant])


def _expect(wish: Wish, answer: gpu.Answer) -> tuple[Finding, ...]:
    """What to expect of this engine here; nothing where the card that was asked for is refused."""
    if wish.engine == needs.BUILT_IN:
        return (Finding.of("HOST-BUILT-IN-VOICE", Severity.INFO, wish.engine),)
    if answer.device != wish.device == "cuda":
        return ()
    slow, severity = needs.real_time_factor(wish.engine, answer.device), Severity.INFO
    factor = f"{slow:g}"
    if answer.device == "cpu":
        minutes = f"{slow * _SENTENCE / 60:.0f}"
        return (
            Finding.of(
                "HOST-EXPECT-CPU", severity, wish.engine, factor=factor, minutes=minutes, variant=answer.variant
            ),
        )
    counted = Counter(answer.cards).items()
    names = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in counted) or "GPU"
    return (Finding.of("HOST-EXPECT-GPU", severity, wish.engine, factor=factor, cards=names),)
