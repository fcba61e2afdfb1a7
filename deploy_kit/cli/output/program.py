"""How this program is called where it is: a shown command must work when it is copied."""

from __future__ import annotations

import shlex
import shutil
from functools import cache
from pathlib import Path

from deploy_kit import assets

NAME = "deploykit"


@cache
def name() -> str:
    """``deploykit`` when that is on PATH, else the launcher of this checkout."""
    launcher = assets.root() / NAME
    if shutil.which(NAME) or not launcher.is_file():
        return NAME
    return f"./{NAME}" if launcher.parent == Path.cwd() else str(launcher)


def shown(command: tuple[str, ...]) -> str:
    """A command as it is typed here."""
    return shlex.join((name(), *command[1:]) if command[:1] == (NAME,) else command)
