"""The table of commands: what it promises in help, parser and modules is there."""

from __future__ import annotations

import importlib

import pytest

from deploy_kit.cli.help import overview
from deploy_kit.cli.parser import build, flags_of, parse, setting_rows
from deploy_kit.cli.table import COMMANDS, Command, find
from deploy_kit.config.table import settings
from deploy_kit.messages import LOCALES, Catalogue

everything = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


@everything
def test_every_command_has_a_module_that_runs(command: Command) -> None:
    assert callable(importlib.import_module(f"deploy_kit.cli.commands.{command.module}").run)


@everything
@pytest.mark.parametrize("locale", LOCALES)
def test_every_command_has_help_with_all_its_flags(command: Command, locale: str) -> None:
    words = Catalogue(locale)
    text = build(command, words).format_help()
    assert words(f"help.command.{command.name}") in text
    for name, _, _ in flags_of(command):
        assert name in text


@everything
def test_no_flag_means_two_things(command: Command) -> None:
    flags = [name for name, _, _ in flags_of(command)]
    assert len(flags) == len(set(flags))


@everything
def test_every_command_shows_its_help_even_without_its_arguments(command: Command, capsys) -> None:
    assert parse(command, ["--help"], Catalogue("en")) is None
    assert capsys.readouterr().out.startswith(f"usage: deploykit {command.name}")


def test_up_takes_every_setting_as_a_flag() -> None:
    up = find("up")
    assert up is not None
    taken = {str(row["key"]) for row in setting_rows(up)} | {"locale"}  # --locale is an option of every command
    assert taken == set(settings())


def test_names_are_unique() -> None:
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)


def test_the_overview_names_every_command() -> None:
    text = overview(Catalogue("en"))
    assert all(f"\n  {command.name} " in text for command in COMMANDS)
