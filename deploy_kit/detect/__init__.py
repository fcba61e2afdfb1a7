"""Looking at a host. Observes and decides nothing; the only thing it writes is its memo of slow answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deploy_kit.detect.machine.context import Context, Kernel, Reply, Uname, here
from deploy_kit.facts import HostFacts

if TYPE_CHECKING:
    from deploy_kit.config.request import Listen
    from deploy_kit.detect.site.destinations import Wanted

__all__ = ["Context", "Kernel", "Reply", "Uname", "here", "observe"]


def observe(
    context: Context,
    *,
    listen: Listen,
    places: Mapping[str, str],
    driver: bool = True,
    network: Wanted | bool = False,
) -> HostFacts:
    """Everything there is to know about a host, each probe in a thread of its own.

    Args:
        context: The host.
        listen: The address that will be published.
        places: Paths whose file systems need room, by purpose; ``engine`` is found by itself and need not be named.
        driver: Also speak with the driver of the graphics cards, which may take seconds.
        network: Also ask the places in the network that a deployment fetches from: those of what is wanted, or with
            True those of a user who settled nothing. Takes up to 3.5 seconds.
    """
    from deploy_kit.detect import everything

    if isinstance(network, bool):
        from deploy_kit.detect.site.destinations import Wanted

        wanted = Wanted() if network else None
    else:
        wanted = network
    return everything.observe(context, listen, places, driver=driver, wanted=wanted)
