"""CDI specifications of NVIDIA's devices: what they define, for which driver they were made, and what is gone since."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import CdiSpec, Fact, known

VENDOR = "nvidia.com/"
STANDARD = ("/etc/cdi", "/var/run/cdi", "/run/cdi")
_READ = (".json", ".yaml")
_ALIKE = ".yml"
_LARGEST = 8 << 20
_SLOW = 1 << 17
_BRACKETS = 1000
_LINE = 4000
_MISSING = 5
_DRIVER = re.compile(r"\.so\.(\d{3,4}\.\d+(?:\.\d+)?)$|/nvidia/(\d{3,4}\.\d+(?:\.\d+)?)/")
_KIND = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def observe(context: Context, named: tuple[str, ...], *, rootless: bool = False) -> Fact[tuple[CdiSpec, ...]]:
    """Every specification in the engine's folders and the standard ones; never raises.

    Args:
        named: The folders that the engine names.
        rootless: The engine is one of this user, which looks into the user's own folders, too.
    """
    found, notes = [], []
    for folder in _folders(context, named, rootless=rootless):
        for name in _files(context, folder):
            spec, note = _spec(context, f"{folder}/{name}")
            found += [spec] if spec is not None else []
            notes += [note] if note else []
    reason = "; ".join(notes) or ("" if found else "no specification of NVIDIA devices")
    return known(_conflicts(found), ", ".join(dict.fromkeys((*named, *STANDARD))), reason)


def devices(specs: tuple[CdiSpec, ...], folders: tuple[str, ...]) -> tuple[str, ...]:
    """The names that an engine finds in these folders: a specification with a fault defines none for it."""
    looked = {os.path.normpath(folder) for folder in folders}
    alias = {"/run/cdi": "/var/run/cdi", "/var/run/cdi": "/run/cdi"}
    looked |= {alias[folder] for folder in looked if folder in alias}
    used = (spec for spec in specs if not spec.trouble and os.path.dirname(spec.path) in looked)  # noqa: PTH120
    return tuple(sorted({name for spec in used for name in spec.devices}))


def _folders(context: Context, named: tuple[str, ...], *, rootless: bool) -> Iterator[str]:
    """Each folder once, under the first of its names: /var/run is /run on most systems."""
    own = []
    if rootless:
        config = context.env.get("XDG_CONFIG_HOME") or f"{context.home}/.config"
        own = [config, *([context.env["XDG_RUNTIME_DIR"]] if context.env.get("XDG_RUNTIME_DIR") else [])]
    seen = set()
    for folder in (*named, *STANDARD, *(f"{place}/cdi" for place in own)):
        clean = os.path.normpath(folder)
        real = os.path.realpath(context.path(clean))
        if real not in seen:
            seen.add(real)
            yield clean


def _files(context: Context, folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(context.path(folder)))  # noqa: PTH208  # names are all we need
    except OSError:
        return []
    return [name for name in names if name.endswith((*_READ, _ALIKE)) and context.is_file(f"{folder}/{name}")]


def _spec(context: Context, path: str) -> tuple[CdiSpec | None, str]:
    """A specification of ours, or None where it is somebody else's; and what should be known of the attempt."""
    try:
        with context.path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        return None, f"{path}: {error.strerror or error}"
    if len(content) > _LARGEST:
        return None, f"{path}: larger than any specification"
    text = content.decode(errors="replace")
    if path.endswith(_ALIKE):
        trouble = "engines read only files that end in .yaml or .json"
        return (CdiSpec(path, trouble=trouble) if VENDOR in text else None), ""
    try:
        data = parse(text)
    except _Untold as untold:
        return None, f"{path}: {untold}"
    except ValueError as error:
        return (CdiSpec(path, trouble=str(error)) if _ours(path, text) else None), ""
    kind = data.get("kind") if isinstance(data, dict) else None
    if not (isinstance(kind, str) and kind.startswith(VENDOR)):
        broken = _ours(path, text) and not (isinstance(kind, str) and _KIND.fullmatch(kind))
        return (CdiSpec(path, trouble="no kind of devices") if broken else None), ""
    return _described(context, path, data), ""


def _ours(path: str, text: str) -> bool:
    return VENDOR in text or "nvidia" in path.rsplit("/", 1)[-1].lower()


class _Untold(Exception):
    """Nothing here can say what the text means."""


def parse(text: str) -> Any:
    """The content of a specification: JSON, plain YAML, and whatever else is YAML by a library that takes its time.

    Raises:
        ValueError: It is neither; the message is one line.
    """
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            return json.loads(text)
        return _by_library(text)  # engines read every file as YAML
    from deploy_kit.detect.site import plain_yaml

    try:
        return plain_yaml.read(text)
    except plain_yaml.Unsure:
        return _by_library(text)


def _by_library(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise _Untold("written in a way that is not read here") from None
    careful = _deep(text)
    if careful and len(text) > _SLOW:
        raise _Untold("very deep")
    loader = yaml.BaseLoader if careful else getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506  # it makes nothing but text, lists and mappings
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark is not None else ""
        raise ValueError(f"{place}{getattr(error, 'problem', None) or 'no YAML'}") from None
    except RecursionError:
        raise ValueError("nested without end") from None


def _deep(text: str) -> bool:
    """Whether the fast library, which knows no limit, might go deeper than its stack."""
    open_brackets = text.count("[") + text.count("{") > _BRACKETS
    return open_brackets or max(map(len, text.splitlines()), default=0) > _LINE


def _described(context: Context, path: str, data: dict[str, Any]) -> CdiSpec:
    rows = [row for row in _items(data.get("devices")) if isinstance(row.get("name"), str) and row["name"]]
    names = [f"{data['kind']}={row['name']}" for row in rows]
    edits = [_mapping(data.get("containerEdits")), *(_mapping(row.get("containerEdits")) for row in rows)]
    wanted = list(dict.fromkeys(one for edit in edits for one in _host_paths(edit)))
    drivers = {match[1] or match[2] for one in wanted if (match := _DRIVER.search(one))}
    version = data.get("cdiVersion")
    missing = [one for one in wanted if not _there(context, one)]
    trouble = ""
    if not version:
        trouble = "no cdiVersion"
    elif not names:
        trouble = "no devices"
    elif len(set(names)) < len(names):
        trouble = f"{next(name for name in names if names.count(name) > 1)} is defined twice"
    return CdiSpec(
        path,
        str(version) if version else None,
        tuple(dict.fromkeys(names)),
        tuple(sorted(drivers)),
        tuple(missing[:_MISSING]),
        trouble,
    )


def _host_paths(edit: dict[str, Any]) -> Iterator[str]:
    """The paths of this host that a container with these edits needs."""
    nodes = (node.get("hostPath") or node.get("path") for node in _items(edit.get("deviceNodes")))
    mounts = (mount.get("hostPath") for mount in _items(edit.get("mounts")))
    hooks = (hook.get("path") for hook in _items(edit.get("hooks")))
    for path in (*nodes, *mounts, *hooks):
        if isinstance(path, str) and path.startswith("/"):
            yield path


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _there(context: Context, path: str) -> bool:
    """Whether a path exists, or lies where this user may not look."""
    try:
        context.path(path).stat()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _conflicts(specs: list[CdiSpec]) -> tuple[CdiSpec, ...]:
    """Two files of one folder that define the same device: an engine then finds it in neither."""
    owners: dict[tuple[str, str], list[str]] = {}
    for spec in specs:
        folder, _, file = spec.path.rpartition("/")
        for name in () if spec.trouble else spec.devices:
            owners.setdefault((folder, name), []).append(file)
    told = []
    for spec in specs:
        folder, _, file = spec.path.rpartition("/")
        twice = [(name, files) for name in spec.devices if len(files := owners.get((folder, name), [])) > 1]
        if twice and not spec.trouble:
            name, files = twice[0]
            others = ", ".join(other for other in files if other != file)
            told.append(replace(spec, trouble=f"{name} is defined in {others}, too"))
        else:
            told.append(spec)
    return tuple(told)
