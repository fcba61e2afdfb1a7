"""What the host itself is waiting for."""

from __future__ import annotations

import re

from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import Wish
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding, Severity

_DRIVER = re.compile(r"nvidia|cuda", re.IGNORECASE)
_KERNEL = re.compile(r"^(?:linux-|kernel)", re.IGNORECASE)
_SHOWN = 3


def judge(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    """A restart that is due: a graphics driver matters to whoever computes on a card, a kernel is only told of."""
    waiting = facts.upkeep.reboot.value or ()
    drivers = tuple(name for name in waiting if _DRIVER.search(name))
    kernels = tuple(name for name in waiting if _KERNEL.search(name))
    if not (drivers or kernels) or wish.engine == needs.BUILT_IN or wish.device == "cpu":
        return ()
    severity = Severity.WARNING if drivers else Severity.INFO
    commands = (as_root(facts.privileges, "reboot"),)
    packages = ", ".join((*drivers, *kernels)[:_SHOWN])
    evidence = seen(facts.upkeep.reboot)
    return (
        Finding.of("HOST-REBOOT-PENDING", severity, "host", evidence=evidence, commands=commands, packages=packages),
    )
