"""How this program is called where it is: a shown command must work when it is copied."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from deploy_kit import assets
from deploy_kit.cli.table import ALL, find
from deploy_kit.config.table import flag, settings
from deploy_kit.redact import has_credentials

NAME = "deploykit"


class _Typed:
    """The words of this very run."""

    words: tuple[str, ...] = ()


def typed(argv: Sequence[str]) -> None:
    """Remember what the user typed: commands that are shown keep his settings."""
    _Typed.words = tuple(argv)


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
    """One of our commands with the settings that the user gave as flags and that it takes: it means the same stack."""
    taken = _taken(command)
    given = {word.partition("=")[0] for word in command}
    local = "local" in command[command.index("--target") + 1 :][:1] if "--target" in command else False
    more: list[str] = []
    for option, words in _given():
        if option in taken and option not in given and not (local and _of_containers(option)):
            more += words
    return (*command, *more)


def _taken(command: tuple[str, ...]) -> frozenset[str]:
    row = find(command[1]) if command[:1] == (NAME,) and len(command) > 1 else None
    if row is None or not row.settings:
        return frozenset()
    keys = settings() if row.settings == ALL else row.settings
    return frozenset(flag(key) for key in keys) | {"--config"}


def _of_containers(option: str) -> bool:
    return any(setting.container for setting in settings().values() if setting.flag == option)


def _given() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each flag with a value that was typed, with its words; never one with a password."""
    words = _Typed.words[: _Typed.words.index("--")] if "--" in _Typed.words else _Typed.words
    known = {setting.flag for setting in settings().values()} | {"--config"}
    for index, word in enumerate(words):
        option, equals, _ = word.partition("=")
        whole = (word,) if equals else tuple(words[index : index + 2])
        if option in known and (equals or len(whole) == 2) and not has_credentials(whole[-1]):
            yield option, whole
