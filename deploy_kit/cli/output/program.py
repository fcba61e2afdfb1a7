"""How this program is called where it is: a shown command must work when it is copied."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from deploy_kit import assets
from deploy_kit.cli.main import split
from deploy_kit.cli.table import ALL, find
from deploy_kit.config.table import flag, settings
from deploy_kit.redact import has_credentials

NAME = "deploykit"

_EVERYWHERE = ("--config", "--locale")
_SWITCHES = frozenset({"--yes", "--wait-for-model"})
_RETURNING = ("--yes", "--wait-for-model", "--progress")
"""Options that are no settings and mean the same when the command is run again; ``--dry-run``, say, does not."""


class _Typed:
    """The words of this very run."""

    words: tuple[str, ...] = ()
    command: str | None = None


def typed(argv: Sequence[str]) -> None:
    """Remember what the user typed: commands that are shown keep his settings."""
    _Typed.words = tuple(argv)
    _Typed.command = split(_Typed.words)[1]


@cache
def name() -> str:
    """``deploykit`` when that is on PATH, else the launcher of this checkout."""
    launcher = assets.root() / NAME
    if shutil.which(NAME) or not launcher.is_file():
        return NAME
    return f"./{NAME}" if launcher.parent == _folder() else str(launcher)


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # somebody removed it
        return None


def shown(command: tuple[str, ...]) -> str:
    """A command as it is typed here."""
    return shlex.join((name(), *complete(command)[1:]) if command[:1] == (NAME,) else command)


def complete(command: tuple[str, ...]) -> tuple[str, ...]:
    """One of our commands with the flags that the user gave and that it takes: it means the same stack.

    Every command that is shown to be run (again) passes here, whether it stands in a finding, an offer or a hint.
    """
    taken = _taken(command)
    given = {_plain(word.partition("=")[0]) for word in command}
    local = "local" in command[command.index("--target") + 1 :][:1] if "--target" in command else False
    more: list[str] = []
    for option, words in _given():
        if option in taken and option not in given and not (local and _of_containers(option)):
            more += words
    return (*command, *more)


def _taken(command: tuple[str, ...]) -> frozenset[str]:
    row = find(command[1]) if command[:1] == (NAME,) and len(command) > 1 else None
    if row is None or not row.settings or "--help" in command:
        return frozenset()
    keys = settings() if row.settings == ALL else row.settings
    own = (option.flags[-1] for option in row.options) if row.name == _Typed.command else ()
    return frozenset({*(flag(key) for key in keys), *_EVERYWHERE, *(option for option in own if option in _RETURNING)})


def _of_containers(option: str) -> bool:
    return any(setting.container for setting in settings().values() if setting.flag == option)


def _given() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each flag that was typed, by its plain name, with its words; never one with a password."""
    words = _Typed.words[: _Typed.words.index("--")] if "--" in _Typed.words else _Typed.words
    switches = {setting.flag for setting in settings().values() if setting.kind == "boolean"} | _SWITCHES
    known = {setting.flag for setting in settings().values()} | {*_EVERYWHERE, *_RETURNING}
    for index, word in enumerate(words):
        typed_as, equals, _ = word.partition("=")
        option = _plain(typed_as)
        alone = bool(equals) or option in switches
        whole = (word,) if alone else tuple(words[index : index + 2])
        if option in known and (alone or len(whole) == 2) and not has_credentials(whole[-1]):
            yield option, whole


def _plain(word: str) -> str:
    """The name of a flag that has several: ``--no-accept-license`` and ``--accept-license`` are about the same."""
    switch = f"--{word[5:]}" if word.startswith("--no-") else word
    return "--yes" if word == "-y" else switch
