"""The facts that make sense inside a container."""

from __future__ import annotations

from collections.abc import Mapping

from deploy_kit.detect.machine import cpu, disk, gpu, memory, platform, privileges
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import SCHEMA, EngineFacts, Fact, HostFacts, PortFacts, SiteFacts, not_asked

_WHY = "inside a container"


def observe(context: Context, places: Mapping[str, str], *, driver: bool = False) -> HostFacts:
    """The machine as seen from within; engine, port and site are not asked.

    Args:
        driver: Also speak with the graphics driver, which may take seconds.
    """
    return HostFacts(
        schema=SCHEMA,
        platform=platform.observe(context),
        privileges=privileges.observe(context),
        engine=_no_engine(),
        memory=memory.observe(context),
        disks=tuple(disk.observe(context, purpose, path) for purpose, path in sorted(places.items())),
        port=PortFacts("", 0, not_asked(_WHY), not_asked(_WHY)),
        site=SiteFacts(not_asked(_WHY), not_asked(_WHY), not_asked(_WHY)),
        gpu=gpu.observe(context, driver=driver),
        cpu=cpu.observe(context),
    )


def _no_engine() -> EngineFacts:
    text: Fact[str] = not_asked(_WHY)
    some: Fact[str | None] = not_asked(_WHY)
    return EngineFacts(
        state=not_asked(_WHY),
        client=some,
        endpoint=text,
        version=text,
        api_version=text,
        buildx=some,
        compose=some,
        rootless=not_asked(_WHY),
        root=text,
        mirrors=not_asked(_WHY),
        daemon=some,
    )
