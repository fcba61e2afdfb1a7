"""Versions of the docker client's plug-ins.

Asking one costs 50 to 100 ms, so the answer is remembered together with the marks of its file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploy_kit import proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import endpoint
from deploy_kit.facts import Fact, known, unknown

_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_SECONDS = 10.0


def version(context: Context, name: str) -> Fact[str | None]:
    """The version of ``docker-NAME`` as the client would find it; None when it is not installed."""
    path = _find(context, f"docker-{name}")
    if path is None:
        return known(None, "docker plug-in folders", f"no docker-{name}")
    mark = _mark(context.path(path))
    remembered = _remembered(context.memo)
    entry = remembered.get(path)
    if entry and entry[:-1] == mark:
        return known(str(entry[-1]), path)
    try:
        answer = context.run((path, "docker-cli-plugin-metadata"), timeout=_SECONDS)
        found = str(json.loads(answer.stdout)["Version"])
    except (proc.CommandError, ValueError, KeyError, TypeError) as error:
        return unknown(path, str(error))
    _remember(context.memo, path, [*mark, found])
    return known(found, path)


def _find(context: Context, program: str) -> str | None:
    extra = endpoint.config(context).get("cliPluginsExtraDirs", [])
    for folder in (f"{endpoint.config_folder(context)}/cli-plugins", *extra, *_FOLDERS):
        if os.access(context.path(f"{folder}/{program}"), os.X_OK):
            return f"{folder}/{program}"
    return None


def _mark(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _remembered(memo: Path | None) -> dict[str, list[int | str]]:
    if memo is None:
        return {}
    try:
        data = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in data.items() if isinstance(v, list)} if isinstance(data, dict) else {}


def _remember(memo: Path | None, path: str, entry: list[int | str]) -> None:
    """Losing a memory costs 100 ms, so a full disk or a concurrent writer is no error; the file is replaced whole."""
    if memo is None:
        return
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        fresh = memo.with_name(f"{memo.name}.{os.getpid()}.{path.rsplit('/', 1)[-1]}")
        fresh.write_text(json.dumps(_remembered(memo) | {path: entry}), encoding="utf-8")
        fresh.replace(memo)
    except OSError:
        return
