"""From one row of the command table to an argparse parser, in the user's language."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any, NoReturn

from deploy_kit import data
from deploy_kit.cli.table import ALL, COMMON, Argument, Command, Option
from deploy_kit.config.table import flag
from deploy_kit.errors import fail
from deploy_kit.messages import Catalogue

SETTING = "setting:"
"""Prefix of the attribute that holds a setting's flag."""

SWITCHES = ("flag", "switch")
"""Kinds of options that take no value; a ``switch`` is a setting that is on or off."""


def parse(command: Command, argv: list[str], words: Catalogue) -> argparse.Namespace | None:
    """The parsed arguments; None when help was asked for and printed.

    Raises:
        Failure: The arguments do not fit (``USAGE-…``).
    """
    parser = build(command, words)
    own = argv[: argv.index("--")] if "--" in argv else argv
    if "-h" in own or "--help" in own:  # before parsing: help must answer even when a required argument is missing
        print(parser.format_help().rstrip())
        return None
    passed = argv[len(own) + 1 :] if command.passes else []
    options, extra = parser.parse_known_args(own if command.passes else argv)
    if extra:
        _refuse(command, extra[0])
    options.passed = passed
    return options


def build(command: Command, words: Catalogue) -> argparse.ArgumentParser:
    """The parser of one command."""
    _translate(words)
    parser = _Parser(command, words)
    arguments = parser.add_argument_group(words("help.arguments")) if command.arguments else None
    own = parser.add_argument_group(words("help.options"))
    for argument in command.arguments:
        assert arguments is not None
        _add_argument(arguments, command, argument, words)
    for option in (*command.options, *COMMON):
        _add_option(own, option, command, words)
    own.add_argument("-h", "--help", action="store_true", help=words("help.option.help"))
    rows = setting_rows(command)
    if rows:
        group = parser.add_argument_group(words("help.settings"))
        for row in rows:
            _add_setting(group, row, words)
    return parser


def setting_rows(command: Command) -> list[dict[str, object]]:
    """The rows of ``data/settings.json`` that this command takes as flags."""
    rows: list[dict[str, Any]] = data.table("settings")
    taken = {flag for option in COMMON for flag in option.flags}
    rows = [row for row in rows if command.settings == ALL or row["key"] in command.settings]
    return [_known(row, command) for row in rows if flag(str(row["key"])) not in taken]


def _known(row: dict[str, Any], command: Command) -> dict[str, object]:
    """A setting without the choices that this command does not know yet."""
    others = [choice for choice, names in row.get("commands", {}).items() if command.name not in names]
    return row | {"choices": [one for one in row["choices"] if one not in others]} if others else row


def flags_of(command: Command) -> list[tuple[str, Option | None, tuple[str, ...]]]:
    """Every flag of a command with its option (None for a setting's) and its choices."""
    found: list[tuple[str, Option | None, tuple[str, ...]]] = []
    for option in (*command.options, *COMMON):
        found += [(name, option, option.choices) for name in option.flags]
    for row in setting_rows(command):
        choices = row.get("choices", [])
        name = flag(str(row["key"]))
        if row["type"] == "boolean":
            switch = Option(name, kind="switch")
            found += [(name, switch, ()), (f"--no-{name[2:]}", switch, ())]
            continue
        found.append((name, None, tuple(choices) if isinstance(choices, list) else ()))
    return [*found, ("--help", Option("--help", kind="flag"), ()), ("-h", Option("--help", kind="flag"), ())]


class _Parser(argparse.ArgumentParser):
    """An argparse parser that raises our failures instead of ending the process."""

    def __init__(self, command: Command, words: Catalogue) -> None:
        super().__init__(
            prog=f"deploykit {command.name}",
            description=words(f"help.command.{command.name}"),
            epilog=words.text(f"help.example.{command.name}") if words.has(f"help.example.{command.name}") else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self._command = command

    def error(self, message: str) -> NoReturn:
        raise fail(
            "USAGE-ARGUMENTS",
            self.prog,
            problem=message,
            usage=" ".join(self.format_usage().split()),
            commands=(("deploykit", self._command.name, "--help"),),
        )


def _add_argument(group: argparse._ArgumentGroup, command: Command, argument: Argument, words: Catalogue) -> None:
    group.add_argument(
        argument.name,
        nargs="?" if argument.optional else None,
        choices=argument.choices or None,
        metavar=None if argument.choices else argument.name.upper(),
        help=words(f"help.argument.{command.name}.{argument.name}"),
    )


def _add_option(group: argparse._ArgumentGroup, option: Option, command: Command, words: Catalogue) -> None:
    own = f"help.option.{command.name}.{option.dest}"
    text = words(own if words.has(own) else f"help.option.{option.dest}").replace("%", "%%")
    if option.kind == "flag":
        group.add_argument(*option.flags, action="store_true", dest=option.dest, help=text)
        return
    group.add_argument(
        *option.flags,
        dest=option.dest,
        type=_TYPES.get(option.kind, str),
        choices=option.choices or None,
        action="append" if option.kind in ("list", "files") else "store",
        metavar="|".join(option.choices) if option.choices and option.kind != "list" else option.metavar or None,
        default=option.default,
        help=text,
    )


def _number(text: str) -> float:
    """A number that can be meant: ``nan`` and what is too large for one are none."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_number.__name__ = "float"  # argparse shows it
_TYPES: dict[str, Callable[[str], object]] = {"integer": int, "number": _number}


def _add_setting(group: argparse._ArgumentGroup, row: dict[str, object], words: Catalogue) -> None:
    key = str(row["key"])
    choices = row.get("choices")
    metavar = "|".join(choices) if isinstance(choices, list) else str(row["type"]).upper()
    text = words(f"settings.{key}").splitlines()[0].replace("%", "%%")
    if row["type"] == "boolean":
        group.add_argument(
            flag(key), dest=SETTING + key, action=argparse.BooleanOptionalAction, default=None, help=text
        )
        return
    group.add_argument(
        flag(key),
        dest=SETTING + key,
        action="append" if row["type"] in ("list", "gpus") else "store",
        metavar=metavar,
        default=None,
        help=text,
    )


_ELSEWHERE = {"--json": "--output", "--force": "--yes"}
"""What options of other programs are called here."""


def _refuse(command: Command, word: str) -> NoReturn:
    help_command = (("deploykit", command.name, "--help"),)
    if word.startswith("-"):
        from deploy_kit.config.values import nearest

        names = tuple(name for name, _, _ in flags_of(command) if name.startswith("--"))
        asked = word.partition("=")[0]
        meant = _ELSEWHERE.get(asked)
        likely = meant if meant in names else nearest(asked, names)
        raise fail("USAGE-OPTION", word, commands=help_command, nearest=likely)
    raise fail("USAGE-EXTRA", word, commands=help_command, command=command.name)


def _translate(words: Catalogue) -> None:
    """Let argparse's own words come from the catalogue; what is missing there stays English."""

    def translated(text: str) -> str:
        key = f"help.argparse.{text}"
        return words.text(key) if words.has(key) else text

    argparse._ = translated  # type: ignore[attr-defined]  # its gettext hook is a module global
