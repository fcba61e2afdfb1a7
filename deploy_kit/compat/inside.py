"""The gates that make sense inside a container or beside a running service: same rules, same codes as on the host."""

from __future__ import annotations

from deploy_kit.compat import platform, room
from deploy_kit.compat.verdict import Wish
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding


def judge(facts: HostFacts, *, engine: str, variant: str) -> tuple[Finding, ...]:
    """Findings about the platform, the memory and the room for what is written, as far as the facts tell."""
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
    return (*platform.judge(facts.platform, wish), *room.memory(facts, wish), *room.disks(facts, wish))
