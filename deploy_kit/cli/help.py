"""The help page of the program as a whole; argparse is not needed for it."""

from __future__ import annotations

from deploy_kit.cli.table import COMMANDS, COMMON, Option
from deploy_kit.messages import Catalogue


def overview(words: Catalogue) -> str:
    """What ``deploykit --help`` prints."""
    lines = [words("help.usage"), "", words("help.intro"), "", words("help.commands")]
    lines += _columns([(command.name, words(f"help.command.{command.name}")) for command in COMMANDS])
    lines += ["", words("help.options")]
    rows = [(_signature(option), words(f"help.option.{option.dest}")) for option in COMMON]
    rows += [("-h, --help", words("help.option.help")), ("-V, --version", words("help.option.version"))]
    lines += _columns(rows)
    lines += ["", words("help.more")]
    return "\n".join(lines)


def _signature(option: Option) -> str:
    metavar = "|".join(option.choices) or option.metavar
    return ", ".join(option.flags) + (f" {metavar}" if metavar else "")


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows) + 2
    return [f"  {name:<{width}}{text}" for name, text in rows]
