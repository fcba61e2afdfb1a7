"""The gates that make sense inside a container or beside a running service: same rules, same codes as on the host."""

from __future__ import annotations

from dataclasses import replace

from deploy_kit.compat import needs, platform, room
from deploy_kit.compat.verdict import Wish
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding


def judge(facts: HostFacts, *, engine: str, variant: str) -> tuple[Finding, ...]:
    """Findings about the platform, the memory and the room for what is written, as far as the facts tell.

    Memory is judged for the built-in voice: whoever loads a model looks for room by itself.
    """
    wish = Wish(
        engine=engine,
        device="auto",
        variant=variant,
        target="local",  # limits over this very process count
        listen_host="",
        listen_port=0,
        memory_bytes=0,
        build_bytes=0,
    )
    return (
        *platform.judge(facts.platform, wish),
        *room.memory(facts, replace(wish, engine=needs.BUILT_IN)),
        *room.disks(facts, wish),
    )
