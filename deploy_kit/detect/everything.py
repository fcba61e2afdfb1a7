"""All probes at once. Each has a deadline of its own, so the whole takes as long as its slowest answer."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from deploy_kit.detect.machine import disk, gpu, memory, platform, privileges
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import engine, local, network, port
from deploy_kit.facts import SCHEMA, DiskFacts, Fact, HostFacts, unknown

if TYPE_CHECKING:
    from deploy_kit.config.request import Listen


def observe(context: Context, listen: Listen, places: Mapping[str, str], *, driver: bool = True) -> HostFacts:
    """See `deploy_kit.detect.observe`. Files are read here; sockets and processes are waited for in threads."""
    with ThreadPoolExecutor(max_workers=6, thread_name_prefix="probe") as pool:
        engine_later = pool.submit(engine.observe, context, pool)
        port_later = pool.submit(port.observe, context, listen)
        gpu_later = pool.submit(gpu.observe, context, driver=driver)
        local_later = pool.submit(local.observe, context)
        surroundings = platform.observe(context)
        rights = privileges.observe(context)
        memory_facts = memory.observe(context)
        site = network.observe(context)
        engine_facts, route = engine_later.result()
        return HostFacts(
            schema=SCHEMA,
            platform=surroundings,
            privileges=rights,
            engine=engine_facts,
            memory=memory_facts,
            disks=_disks(context, places, engine_facts.root),
            port=port_later.result(),
            site=site,
            local=local_later.result(),
            gpu=gpu_later.result(),
            route=route,
        )


def _disks(context: Context, places: Mapping[str, str], root: Fact[str]) -> tuple[DiskFacts, ...]:
    """The engine's own word about where it keeps images beats what the caller thought."""
    found = [disk.observe(context, purpose, path) for purpose, path in sorted(places.items()) if purpose != "engine"]
    if root.known and root.value:
        return (disk.observe(context, "engine", root.value), *found)
    lost: Fact[int] = unknown(root.source, root.reason)
    return (DiskFacts("engine", "", lost, lost), *found)
