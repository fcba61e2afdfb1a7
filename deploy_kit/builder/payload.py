"""What goes into an image: the files, the layers they stand in, and the hash over all of it.

`TRAVELLING` is the one list of what of ``deploy_kit`` also runs inside the image. The Dockerfile, its ignore file,
the staged build context and the hash of the inputs all follow from it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import assets
from deploy_kit.messages import LOCALES

TRAVELLING = (
    "__init__.py",
    "codec.py",
    "errors.py",
    "facts.py",
    "findings.py",
    "http10.py",
    "proc.py",
    "wire.py",
    "messages",
    "data",
    "detect/machine",
    "compat",
)
"""Files and folders of ``deploy_kit`` that travel; they import only each other and the standard library."""

_HOST_TOPICS = (
    *("builder", "cli", "compose", "config", "help", "plan", "settings", "up", "verify"),
    *(f"findings/{family}" for family in ("base", "build", "engine", "health", "internal")),
    *(f"findings/{family}" for family in ("speech", "usage", "verify")),
)
_HOST_TABLES = ("base", "build_failures", "image_budget", "mirrors")
STAYING = frozenset(
    {f"deploy_kit/messages/{locale}/{topic}.json" for locale in LOCALES for topic in _HOST_TOPICS}
    | {f"deploy_kit/data/{name}.json" for name in _HOST_TABLES}
)
"""Files of travelling folders that only the host reads: a change in them must not make a new image."""

SINGLE = (("__init__.py", "errors.py", "facts.py", "findings.py"), ("codec.py", "http10.py", "proc.py", "wire.py"))
"""The single files of `TRAVELLING`, parted into layers."""

SERVER = "images/server"
LOCK = "images/requirements/server.txt"
SLIM = "images/tools/slim.py"
APP = "/opt/deploykit/app"
TIMESTAMP = 1704067200
"""The modification time of staged files; BuildKit does not look at it, archives of the context do."""

_SKIPPED = frozenset({"__pycache__"})


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of our code: its name, its files as patterns relative to the build context, its folder below `APP`."""

    name: str
    sources: tuple[str, ...]
    folder: str

    @property
    def source(self) -> str:
        return " ".join(self.sources)


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the build context: where it stands in the context and where it lies now."""

    name: str
    path: Path


def dockerfile(variant: str) -> str:
    """The Dockerfile's place in the context."""
    return f"images/{variant}/Dockerfile"


def sources(variant: str) -> tuple[Source, ...]:
    """Every file that can change the image, sorted by its place in the context."""
    found = [Source(name, assets.root() / name) for name in (dockerfile(variant), LOCK, SLIM)]
    found += _under(SERVER, assets.root() / SERVER)
    for room in TRAVELLING:
        found += _under(f"deploy_kit/{room}", assets.package() / room)
    return tuple(sorted(found, key=lambda source: source.name))


def inputs(variant: str, base: str) -> str:
    """sha256 over everything an image is made of; ``base`` as asked for, not what it resolves to."""
    total = hashlib.sha256(f"{variant}\0{base}\0".encode())
    for source in sources(variant):
        content = hashlib.sha256(source.path.read_bytes()).hexdigest()
        total.update(f"{source.name}\0{content}\n".encode())
    return total.hexdigest()


def stage(folder: Path, variant: str = "core") -> None:
    """Write the build context into an empty folder: equal sources give equal names, contents, modes and times."""
    _write(sources(variant), folder)


def unpack(folder: Path) -> None:
    """Write our code into an empty folder as it stands in an image: ``tts_server`` … beside ``deploy_kit``."""
    code = (source for source in sources("core") if source.name.startswith((f"{SERVER}/", "deploy_kit/")))
    _write((Source(source.name.removeprefix(f"{SERVER}/"), source.path) for source in code), folder)


def layers() -> tuple[Layer, ...]:
    """The layers of our own code: two for the single files, one for each folder that holds files itself."""
    found = [
        Layer(f"deploy_kit-{number}", tuple(f"deploy_kit/{name}" for name in group), "deploy_kit")
        for number, group in enumerate(SINGLE, 1)
    ]
    for room in TRAVELLING:
        if (assets.package() / room).is_dir():
            found += _layers(f"deploy_kit/{room}", assets.package() / room, f"deploy_kit/{room}")
    for package in sorted(path for path in (assets.root() / SERVER).iterdir() if path.is_dir()):
        if package.name not in _SKIPPED:
            found += _layers(f"{SERVER}/{package.name}", package, package.name)
    return tuple(found)


def ignore_file() -> str:
    """The allow list beside the Dockerfile, for builds straight from a checkout."""
    allowed = (*(f"deploy_kit/{room}" for room in TRAVELLING), SERVER, LOCK, SLIM)
    never = ("**/__pycache__", "**/*.pyc", "**/.*", *sorted(STAYING))
    return "\n".join(["*", *(f"!{name}" for name in allowed), *never, ""])


def _layers(place: str, path: Path, folder: str) -> Iterator[Layer]:
    inside = _visible(path)
    if any(one.is_file() for one in inside):
        # every file has a suffix and no folder has one (a test says so), so the pattern takes files only
        yield Layer(folder.replace("/", "-"), (f"{place}/*.*",), folder)
    for one in inside:
        if one.is_dir():
            yield from _layers(f"{place}/{one.name}", one, f"{folder}/{one.name}")


def _write(files: Iterable[Source], folder: Path) -> None:
    for source in files:
        target = folder / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.path.read_bytes())
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (TIMESTAMP, TIMESTAMP))


def _under(name: str, path: Path) -> Iterator[Source]:
    if stat.S_ISREG(path.stat().st_mode):
        if name not in STAYING:
            yield Source(name, path)
        return
    for inside in _visible(path):
        yield from _under(f"{name}/{inside.name}", inside)


def _visible(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.name not in _SKIPPED and path.suffix != ".pyc" and not path.name.startswith(".")
    )
