"""What happened to kernel and driver lately: how the machine was started, what was changed, what the kernel said."""

from __future__ import annotations

from typing import Any

from deploy_kit.detect.machine import surroundings
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.machine.upkeep import boot, changes, kernel_log
from deploy_kit.facts import Fact, UpkeepFacts, not_asked


def observe(context: Context) -> UpkeepFacts:
    """Look at the system's own records; never raises. Kernel and firmware are not ours to ask about in a container or
    below Windows."""
    if context.kernel.uname().system != "Linux":
        return UpkeepFacts()
    log = kernel_log.read(context)
    if surroundings.elsewhere(context):
        skipped: Fact[Any] = not_asked("another system's kernel")
        return UpkeepFacts(skipped, skipped, changes.read(context), skipped, log)
    return UpkeepFacts(
        boot.secure(context), boot.restart(context), changes.read(context), boot.module_built(context), log
    )
