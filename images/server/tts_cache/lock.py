"""The lock: which files of which repositories, at which revision, with which size and sha256.

Whatever a source sends is measured against it, so that all sources are equal and a lying one is harmless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_kit import codec, data
from deploy_kit.errors import fail

SCHEMA = 1
EMOTION_TEXT = "emotion_text"
"""The one part of an engine that can be left out: emotion by text."""

MODELS = "models"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """One file of a repository. ``part`` is None or `EMOTION_TEXT`; ``view`` its place in upstream's model directory
    where that does not follow from the repository's."""

    path: str
    bytes: int | None
    sha256: str | None
    part: str | None = None
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """The same repository on ModelScope; ``revision`` None means that none is pinned there."""

    name: str
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository at one revision. ``view`` is the folder of its files in upstream's model directory."""

    name: str
    revision: str
    engines: tuple[str, ...]
    files: tuple[File, ...]
    view: str = ""
    licence: str | None = None
    modelscope: Twin | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One file that an engine needs. ``place`` is relative to cache_hub, ``view`` to upstream's model directory;
    ``bytes`` and ``sha256`` are None where the lock does not know them."""

    repository: str
    revision: str
    path: str
    bytes: int | None
    sha256: str | None
    place: str
    view: str


@dataclass(frozen=True, slots=True)
class _Document:
    schema: int
    repositories: tuple[Repository, ...]
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock as loaded. ``path`` None is the product's own."""

    path: str | None
    repositories: tuple[Repository, ...]

    @classmethod
    def load(cls, path: Path | str | None = None) -> Lock:
        """The lock of a file, or the product's own.

        Raises:
            Failure: CACHE-LOCK when the file cannot be read or says what no lock says.
        """
        try:
            raw = data.table("weights") if path is None else codec.plain(_content(Path(path)))
            if isinstance(raw, dict) and raw.get("schema") != SCHEMA:
                raise codec.CodecError(f"$.schema: expected {SCHEMA}")
            document = codec.read(_Document, raw)
            _check(document)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise fail("CACHE-LOCK", str(path or "weights.json"), reason=reason) from None
        return cls(None if path is None else str(path), document.repositories)

    @property
    def digest(self) -> str:
        """sha256 of what the lock says."""
        return codec.digest(self.repositories)

    def repository(self, name: str) -> Repository:
        """The repository of this name.

        Raises:
            KeyError: The lock has none.
        """
        for one in self.repositories:
            if one.name == name:
                return one
        raise KeyError(name)

    def needs(self, engine: str | None, emotion_text: bool) -> tuple[Item, ...]:
        """What an engine needs, with or without emotion by text; of every engine when ``engine`` is None.

        An engine that the lock does not know needs nothing: the built-in voice has no weights.
        """
        return tuple(
            _item(repository, file)
            for repository in self.repositories
            if engine is None or engine in repository.engines
            for file in repository.files
            if emotion_text or file.part != EMOTION_TEXT
        )

    def all(self) -> tuple[Item, ...]:
        """Every file of the lock."""
        return self.needs(None, True)


def folder_of(repository: str, revision: str) -> str:
    """Where the files of a repository lie, relative to cache_hub."""
    return f"{MODELS}/{repository.replace('/', '--')}/{revision}"


def _item(repository: Repository, file: File) -> Item:
    view = file.view or "/".join(part for part in (repository.view, file.path) if part)
    place = f"{folder_of(repository.name, repository.revision)}/{file.path}"
    return Item(repository.name, repository.revision, file.path, file.bytes, file.sha256, place, view)


def _content(path: Path) -> Any:
    if not path.is_file():  # a pipe would keep us
        raise OSError(0, "no such file" if not path.exists() else "not a regular file")
    with path.open("rb") as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError(f"more than {_LARGEST} bytes")
    return text


def _check(document: _Document) -> None:
    """Refuse what could lead out of cache_hub, or what no file can be.

    Raises:
        ValueError: With the place in the document.
    """
    names: set[str] = set()
    for repository in document.repositories:
        _demand(_NAME.fullmatch(repository.name) is not None, repository.name, "owner/name")
        _demand(repository.name not in names, repository.name, "once")
        names.add(repository.name)
        twin = repository.modelscope
        for revision in (repository.revision, twin.revision if twin else None):
            _demand(revision is None or bool(_WORD.fullmatch(revision)), f"{repository.name}: {revision!r}", "revision")
        _demand(twin is None or bool(_NAME.fullmatch(twin.name)), repository.name, "modelscope owner/name")
        _demand(repository.view == "" or safe(repository.view), f"{repository.name}: {repository.view!r}", "view")
        for file in repository.files:
            _check_file(repository.name, file)
        paths = [file.path for file in repository.files]
        _demand(len(set(paths)) == len(paths), repository.name, "each path once")


def _check_file(name: str, file: File) -> None:
    where = f"{name}: {file.path!r}"
    _demand(safe(file.path), where, "relative path")
    _demand(file.view is None or safe(file.view), where, "relative view")
    _demand(file.bytes is None or file.bytes >= 0, where, "bytes")
    _demand(file.sha256 is None or _SHA256.fullmatch(file.sha256) is not None, where, "sha256 in lower-case hex")
    _demand(file.part in (None, EMOTION_TEXT), where, "part")


def safe(path: str) -> bool:
    """Whether a path can only lie below the folder that it is joined to."""
    parts = path.split("/")
    return bool(path) and not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)


def _demand(condition: bool, where: str, wanted: str) -> None:
    if not condition:
        raise ValueError(f"{where}: expected {wanted}")
