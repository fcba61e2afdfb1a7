"""The commands that mend something, as this distribution and this user have to type them."""

from __future__ import annotations

from deploy_kit.compat.rights import as_root
from deploy_kit.data import table
from deploy_kit.facts import HostFacts

Command = tuple[str, ...]


def commands(facts: HostFacts, purpose: str, /, **values: str) -> tuple[Command, ...]:
    """The commands for a purpose of ``data/remedies.json``; none where the distribution has no way of its own.

    Args:
        values: What stands for ``{kernel}``, ``{branch}`` …; a value of several words becomes several arguments.
    """
    book = table("remedies")[purpose]
    names = (facts.platform.distribution.value or "", *(facts.platform.like.value or ()), "*")
    found = next((book[name] for name in names if name in book), ())
    return tuple(as_root(facts.privileges, *_words(command, values)) for command in found)


def restart_engine(facts: HostFacts) -> Command:
    """How the container engine is restarted here."""
    systemd = facts.platform.init.value == "systemd"
    words = ("systemctl", "restart", "docker") if systemd else ("service", "docker", "restart")
    return as_root(facts.privileges, *words)


def _words(command: list[str], values: dict[str, str]) -> tuple[str, ...]:
    return tuple(part for word in command for part in word.format_map(values).split())
