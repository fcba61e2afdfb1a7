"""The settings, read from ``data/settings.json``: the one table behind flags, environment names, schema and sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from deploy_kit import data

PREFIX = "DEPLOYKIT_"

OTHER_VARIABLES = ("DEPLOYKIT_CONFIG", "DEPLOYKIT_PYTHON", "DEPLOYKIT_SERVER_PYTHON", "DEPLOYKIT_ENGINE_PYTHON")
"""Variables of our prefix that are no settings."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of ``deploykit.yaml``.

    ``key`` is dotted (``limits.memory``); ``kind`` a name of `config.values.PARSERS`; ``default`` is text as a user
    would write it, None for "not set". ``choices`` are the values of a choice, ``planned`` those of a later version.
    ``minimum`` and ``maximum`` bound numbers and sizes (bytes). ``service_env`` is the server's variable for it.
    ``words`` are the words of a `source` that stand beside addresses and paths.
    ``reserved`` are names that stand for something else; ``container`` settings mean nothing to target local,
    ``model`` settings nothing to the built-in voice. ``commands`` are the only ones that know a choice yet.
    """

    key: str
    kind: str
    default: str | tuple[str, ...] | None
    choices: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    service_env: str | None = None
    reserved: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    container: bool = False
    model: bool = False
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def flag(self) -> str:
        return flag(self.key)

    @property
    def variable(self) -> str:
        return PREFIX + self.key.replace(".", "_").upper()

    def known_to(self, command: str, choice: str) -> bool:
        """Whether a command knows this choice yet."""
        return command in self.commands.get(choice, (command,))


def flag(key: str) -> str:
    """The command line's name for a key: ``limits.memory`` is ``--limits-memory``."""
    return "--" + key.replace(".", "-").replace("_", "-")


@lru_cache(maxsize=1)
def settings() -> dict[str, Setting]:
    """All settings by key, in the order of the table."""
    return {row["key"]: _setting(row) for row in data.table("settings")}


def _setting(row: dict[str, object]) -> Setting:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    values["kind"] = values.pop("type")
    if isinstance(commands := values.get("commands"), dict):
        values["commands"] = {choice: tuple(names) for choice, names in commands.items()}
    default = values.get("default")
    if isinstance(default, bool):
        values["default"] = "true" if default else "false"
    elif isinstance(default, (int, float)):
        values["default"] = f"{default:g}" if isinstance(default, float) else str(default)
    return Setting(**values)  # type: ignore[arg-type]  # the table's test compares every row with the fields
