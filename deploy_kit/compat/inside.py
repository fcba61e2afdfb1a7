"""The gates that make sense inside a container or beside a running service: same rules, same codes as on the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deploy_kit.compat import cards, gpu, needs, platform, room
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.verdict import Wish
from deploy_kit.facts import HostFacts, State
from deploy_kit.findings import Finding, Severity

_OUTSIDE = ("GPU-NOT-SHOWN",)
"""What is told of the host's other cards: the bus shows them in every container, though they are not for it."""


def judge(
    facts: HostFacts, *, engine: str, variant: str, device: str = "auto", matrix: cards.Matrix | None = None
) -> tuple[Finding, ...]:
    """Findings about the platform, the processor, the memory, the room for what is written, and the card, as far as
    the facts tell.

    Memory is judged for the built-in voice: whoever loads a model looks for room by itself.

    Args:
        matrix: What is known of cards where it is not the product's own table.
    """
    wish = Wish(
        engine=engine,
        device=device,
        variant=variant,
        target="local",  # limits over this very process count
        listen_host="",
        listen_port=0,
        memory_bytes=0,
        build_bytes=0,
        matrix=matrix,
    )
    return (
        *platform.judge(facts.platform, wish),
        *platform.processor(facts, wish),
        *_sandbox(facts, wish),
        *room.memory(facts, replace(wish, engine=needs.BUILT_IN)),
        *room.disks(facts, wish),
        *_cards(facts, wish),
    )


def wants_card(engine: str, variant: str, device: str) -> bool:
    """Whether a service like this may compute on a card; else nobody has to speak with the driver."""
    return engine != needs.BUILT_IN and device != "cpu" and variant in cards.CUDA_VARIANTS


def _sandbox(facts: HostFacts, wish: Wish) -> Iterator[Finding]:
    if facts.platform.container.value == "gvisor":
        severity = Severity.WARNING if wants_card(wish.engine, wish.variant, wish.device) else Severity.INFO
        yield Finding.of("HOST-GVISOR", severity, "gVisor", evidence=seen(facts.platform.container))


def _cards(facts: HostFacts, wish: Wish) -> Iterator[Finding]:
    """The gates of a card from the driver to CUDA. The way into the container lies behind us."""
    if not wants_card(wish.engine, wish.variant, wish.device):
        return
    found = facts.gpu
    if found.nvml.state is State.NOT_ASKED:
        severity = Severity.BLOCKER if wish.device == "cuda" else Severity.INFO
        yield Finding.of("GPU-NOT-GIVEN", severity, "GPU", evidence=seen(found.nodes, found.nvml))
        return
    for finding in gpu.judge(facts, wish, ours=True).findings:
        if finding.severity is not Severity.INFO and finding.code not in _OUTSIDE:
            yield finding
