"""All probes at once. Each has a deadline of its own, so the whole takes as long as its slowest answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from deploy_kit.detect.machine import cpu, disk, gpu, memory, platform, privileges, runtime, upkeep
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import engine, local, network, port
from deploy_kit.facts import SCHEMA, DiskFacts, Fact, HostFacts, LocalFacts, NetworkFacts, SiteFacts, unknown

if TYPE_CHECKING:
    from deploy_kit.config.request import Listen
    from deploy_kit.detect.site.destinations import Wanted

T = TypeVar("T")
_DISK_SECONDS = 3.0


def observe(
    context: Context,
    listen: Listen,
    places: Mapping[str, str],
    *,
    driver: bool = True,
    wanted: Wanted | None = None,
) -> HostFacts:
    """See `deploy_kit.detect.observe`; the network is asked when ``wanted`` says what for. Files are read here;
    sockets, processes and file servers are waited for in threads."""
    with ThreadPoolExecutor(max_workers=12, thread_name_prefix="probe") as pool:
        site = network.observe(context)
        network_later = pool.submit(_network, context, site, wanted)
        engine_later = pool.submit(engine.observe, context, pool)
        port_later = pool.submit(port.observe, context, listen)
        gpu_later = pool.submit(gpu.observe, context, driver=driver)
        local_later = pool.submit(_local, context)
        upkeep_later = pool.submit(upkeep.observe, context)
        disks_later = _disks(context, {purpose: path for purpose, path in places.items() if purpose != "engine"})
        surroundings = platform.observe(context)
        rights = privileges.observe(context)
        memory_facts = memory.observe(context)
        cpu_facts = cpu.observe(context)
        engine_facts, route = engine_later.result()
        return HostFacts(
            schema=SCHEMA,
            platform=surroundings,
            privileges=rights,
            engine=engine_facts,
            memory=memory_facts,
            disks=(_engine_disk(context, engine_facts.root), *(later() for later in disks_later)),
            port=port_later.result(),
            site=site,
            local=local_later.result(),
            gpu=gpu_later.result(),
            route=route,
            cpu=cpu_facts,
            upkeep=upkeep_later.result(),
            network=network_later.result(),
        )


def _network(context: Context, site: SiteFacts, wanted: Wanted | None) -> NetworkFacts:
    if wanted is None:
        return NetworkFacts()
    from deploy_kit.detect.site import reach

    return reach.observe(context, site, wanted)


def _local(context: Context) -> LocalFacts:
    facts = local.observe(context)
    if context.kernel.uname().system != "Linux":
        return facts
    return replace(facts, glibcxx=runtime.glibcxx(context), temporary=runtime.temporary(context))


def _engine_disk(context: Context, root: Fact[str]) -> DiskFacts:
    """The engine's own word about where it keeps images beats what the caller thought."""
    if root.known and root.value:
        return _disks(context, {"engine": root.value})[0]()
    lost: Fact[int] = unknown(root.source, root.reason)
    return DiskFacts("engine", "", lost, lost)


def _disks(context: Context, places: Mapping[str, str]) -> list[Callable[[], DiskFacts]]:
    """Begin to measure; each result waits as long as a file server may take to answer."""
    return [_measured(context, purpose, path) for purpose, path in sorted(places.items())]


def _measured(context: Context, purpose: str, path: str) -> Callable[[], DiskFacts]:
    answer = _apart(partial(disk.observe, context, purpose, path))

    def result() -> DiskFacts:
        try:
            return answer.result(_DISK_SECONDS)
        except Late:
            return disk.lost(context, purpose, path, f"no answer in {_DISK_SECONDS:g} s")

    return result


def _apart(work: Callable[[], T]) -> Future[T]:
    """Run in a thread that nobody waits for at the end: one that asks a file server that is gone never comes back."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001  # carried over to whoever asks for the result
            answer.set_exception(error)

    threading.Thread(target=run, name="disk", daemon=True).start()
    return answer
