"""The commands that mend something, as this distribution and this user have to type them."""

from __future__ import annotations

from deploy_kit.compat.rights import as_root
from deploy_kit.data import table
from deploy_kit.facts import HostFacts

Command = tuple[str, ...]

_OUTSIDE = ("driver", "driver-open", "driver-proprietary", "driver-branch", "driver-branch-open", "driver-update",
            "module", "key", "hold", "fabric")  # fmt: skip
"""What belongs to the machine whose kernel runs, or to whoever lends a card."""


def commands(facts: HostFacts, purpose: str, /, **values: str) -> tuple[Command, ...]:
    """The commands for a purpose of ``data/remedies.json``; none where the distribution has no way of its own, or where
    the driver is not this system's to choose: in a container, in WSL, and for a share of a card (vGPU).

    Args:
        values: What stands for ``{kernel}``, ``{branch}`` …; a value of several words becomes several arguments.
    """
    if purpose in _OUTSIDE and _borrowed(facts):
        return ()
    book = table("remedies")[purpose]
    names = (facts.platform.distribution.value or "", *(facts.platform.like.value or ()), "*")
    found = next((book[name] for name in names if name in book), ())
    return tuple(as_root(facts.privileges, *_words(command, values)) for command in found)


def same_kind(facts: HostFacts) -> str:
    """The purpose that installs another branch of the driver with the same kind of kernel module."""
    return "driver-branch-open" if facts.gpu.flavour.value == "open" else "driver-branch"


def _borrowed(facts: HostFacts) -> bool:
    lent = any(card.virtual == "vgpu" for card in facts.gpu.devices.value or ())
    return bool(lent or facts.platform.container.value or facts.platform.wsl.value)


def restart_engine(facts: HostFacts) -> Command:
    """How the container engine is restarted here."""
    systemd = facts.platform.init.value == "systemd"
    words = ("systemctl", "restart", "docker") if systemd else ("service", "docker", "restart")
    return as_root(facts.privileges, *words)


def _words(command: list[str], values: dict[str, str]) -> tuple[str, ...]:
    return tuple(part for word in command for part in word.format_map(values).split())
