"""Python interpreters: only one that really runs counts, since a version manager's shim may lead nowhere.

Detection, target local and the tests all find theirs here, so none promises what another does not see.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from deploy_kit import proc

_ASK = "import sys, venv, ensurepip; print(sys.version_info[:2]); print(sys.executable)"
_SECONDS = 10.0


def find(
    version: str,
    *,
    env: Mapping[str, str] | None = None,
    root: Path = Path("/"),
    run: proc.Runner = proc.run,
) -> str | None:
    """The path of an interpreter of this version (``3.11``) with venv and pip, or None; the system's own first.

    Args:
        env: Where PATH and the user's folders are looked up; the environment of this process by default.
        root: The file tree to look in.
        run: Asks an interpreter.
    """
    wanted = str(tuple(int(part) for part in version.split(".")))
    for candidate in _candidates(version, os.environ if env is None else env, root):
        try:
            said = run((candidate, "-I", "-c", _ASK), timeout=_SECONDS).stdout.split("\n")
        except proc.CommandError:
            continue
        if said[0] == wanted:
            return said[1]
    return None


def home(env: Mapping[str, str] | None = None) -> Path:
    """Where we keep interpreters that were fetched for this user; the launcher looks there too."""
    found = os.environ if env is None else env
    share = found.get("XDG_DATA_HOME") or f"{found.get('HOME', '/root')}/.local/share"
    return Path(share) / "deploykit/python"


def _candidates(version: str, env: Mapping[str, str], root: Path) -> Iterator[str]:
    places = ["/usr/bin", *env.get("PATH", "").split(os.pathsep), f"{env.get('HOME', '/root')}/.local/bin"]
    with suppress(OSError):  # a home that may not be looked into holds nothing for us
        fetched = (root / str(home(env)).lstrip("/")).glob("*/bin")
        places += sorted(f"/{folder.relative_to(root)}" for folder in fetched)
    for name in (f"python{version}", "python3"):
        for place in dict.fromkeys(place for place in places if place.startswith("/")):
            path = root / place.lstrip("/") / name
            if os.access(path, os.X_OK) and path.is_file():  # is_file raises where the folder is barred
                yield f"{place.rstrip('/')}/{name}"
