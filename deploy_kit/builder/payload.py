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

from deploy_kit import assets, data
from deploy_kit.messages import LOCALES

TRAVELLING = (
    "__init__.py",
    "codec.py",
    "errors.py",
    "facts.py",
    "findings.py",
    "http10.py",
    "proc.py",
    "units.py",
    "wire.py",
    "messages",
    "data",
    "detect/machine",
    "compat",
)
"""Files and folders of ``deploy_kit`` that travel; they import only each other and the standard library."""

_HOST_TOPICS = (
    *("book", "builder", "cli", "compose", "config", "help", "plan", "report", "settings", "up", "verify"),
    *(f"findings/{family}" for family in ("base", "build", "cluster", "engine", "health", "internal")),
    *(f"findings/{family}" for family in ("speech", "usage", "verify")),
)
_HOST_TABLES = ("base", "book", "engine_source", "image_budget", "kubectl", "kubernetes", "mirrors", "reach")
STAYING = frozenset(
    {f"deploy_kit/messages/{locale}/{topic}.json" for locale in LOCALES for topic in _HOST_TOPICS}
    | {f"deploy_kit/data/{name}.json" for name in _HOST_TABLES}
)
"""Files of travelling folders that only the host reads: a change in them must not make a new image."""

SINGLE = (
    ("__init__.py", "errors.py", "facts.py", "findings.py"),
    ("codec.py", "http10.py", "proc.py", "units.py", "wire.py"),
)
"""The single files of `TRAVELLING`, parted into layers."""

SERVER = "images/server"
LOCK = "images/requirements/server.txt"
SLIM = "images/tools/slim.py"
ENGINE_LOCKS = ("images/requirements/engine.txt", "images/requirements/engine-build.txt")
"""The locks of what every engine's environment holds besides torch, and of what builds a few of those packages."""

SDISTS = ("antlr4-python3-runtime", "argbind", "openai-whisper", "randomname", "unidic-lite")
"""Packages of the engines that are published as sources only; all are pure Python."""

SOURCE_TABLE = "deploy_kit/data/engine_source.json"
ENGINE_FILES = (
    *ENGINE_LOCKS,
    *(f"images/tools/{name}.py" for name in ("check_engine", "elf", "install_engine", "slim_engine", "stub_library")),
    "deploy_kit/builder/taken.py",
    SOURCE_TABLE,
)
"""What the build of an engine's environment reads, besides the lock of its torch."""

APP = "/opt/deploykit/app"
ENGINE = "/opt/deploykit/engine"
"""Where the engine's environment stands in an image."""
TIMESTAMP = 1704067200
"""The modification time of folders and, in the image, of files."""
_SPREAD = 1 << 25

_LAYER_BYTES = 24_000
"""A folder of more is parted: so much travels, compressed to about a third, when one line of it changes."""

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


def has_engine(variant: str) -> bool:
    """Whether a variant holds an engine's environment besides the built-in voice."""
    return variant in data.table("matrix")["variants"]


def torch_lock(variant: str) -> str:
    """The place of the lock of a variant's torch, with the CUDA libraries it loads."""
    return f"images/requirements/engine-{variant}.txt"


def own_lock(variant: str) -> Path | None:
    """The lock of a variant's torch, None while nobody has made it: see ``locked`` in the table ``matrix``."""
    path = assets.root() / torch_lock(variant)
    return path if path.is_file() else None


def lock_command(variant: str) -> tuple[str, ...]:
    """What a maintainer who reaches PyTorch's index runs, in a checkout, to make that lock."""
    place, index = torch_lock(variant), data.table("engine_source")["torch_index"].replace("{variant}", variant)
    options = ("--no-deps", "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header")
    platform = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28")
    source = place.removesuffix("txt") + "in"
    return ("uv", "pip", "compile", *options, *platform, "--extra-index-url", index, "--output-file", place, source)


def dockerfile(variant: str) -> str:
    """The Dockerfile's place in the context."""
    return f"images/{variant}/Dockerfile"


def sources(variant: str, lock: Path | None = None) -> tuple[Source, ...]:
    """Every file that can change the image, sorted by its place in the context.

    Args:
        lock: Another lock of torch than the variant's own. That one may be missing: then it has no place here either.
    """
    found = {name: assets.root() / name for name in (dockerfile(variant), LOCK, SLIM)}
    if has_engine(variant):
        found |= {name: _place(name) for name in ENGINE_FILES}
        found |= {torch_lock(variant): path for path in (lock or own_lock(variant),) if path is not None}
    found |= dict(_under(SERVER, assets.root() / SERVER))
    for room in TRAVELLING:
        found |= dict(_under(f"deploy_kit/{room}", assets.package() / room))
    return tuple(Source(name, found[name]) for name in sorted(found))


def inputs(variant: str, base: str, engine: str = "", lock: Path | None = None) -> str:
    """sha256 over everything an image is made of.

    Args:
        base: The base image as asked for, not what it resolves to.
        engine: What identifies the engine's source (`engine_source.identity`); empty for a variant without one.
        lock: As for `sources`.
    """
    total = hashlib.sha256(f"{variant}\0{base}\0".encode())
    if has_engine(variant):
        total.update(f"{engine}\0".encode())
    for source in sources(variant, lock):
        content = hashlib.sha256(source.path.read_bytes()).hexdigest()
        total.update(f"{source.name}\0{content}\n".encode())
    return total.hexdigest()


def stage(folder: Path, variant: str = "core", lock: Path | None = None) -> None:
    """Write the build context into an empty folder: equal sources give equal names, contents, modes and times."""
    _write(sources(variant, lock), folder)


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


def ignore_file(variant: str) -> str:
    """The allow list beside the Dockerfile, for builds straight from a checkout."""
    engine = (*ENGINE_FILES, torch_lock(variant)) if has_engine(variant) else ()
    allowed = (*(f"deploy_kit/{room}" for room in TRAVELLING), SERVER, LOCK, SLIM, *engine)
    never = ("**/__pycache__", "**/*.pyc", "**/.*", *sorted(STAYING - set(engine)))
    return "\n".join(["*", *(f"!{name}" for name in allowed), *never, ""])


def _place(name: str) -> Path:
    """Where a file of the context lies: in the package, or beside it."""
    inside = name.removeprefix("deploy_kit/")
    return assets.package() / inside if inside != name else assets.root() / name


def _layers(place: str, path: Path, folder: str) -> Iterator[Layer]:
    inside = _visible(path)
    groups = list(_groups([one for one in inside if one.is_file() and f"{place}/{one.name}" not in STAYING]))
    for number, letters in enumerate(groups, 1):
        # every file has a suffix and no folder has one (a test says so), so the pattern takes files only
        some = f"[{letters}]*.*" if len(groups) > 1 else "*.*"
        name = folder.replace("/", "-")
        yield Layer(f"{name}-{number}" if len(groups) > 1 else name, (f"{place}/{some}",), folder)
    for one in inside:
        if one.is_dir():
            yield from _layers(f"{place}/{one.name}", one, f"{folder}/{one.name}")


def _groups(files: list[Path]) -> Iterator[str]:
    """The first letters of the files, parted so that the files of each part are not more than a layer may weigh."""
    letters, weight = "", 0
    for letter in sorted({path.name[0] for path in files}):
        size = sum(path.stat().st_size for path in files if path.name.startswith(letter))
        if letters and weight + size > _LAYER_BYTES:
            yield letters
            letters, weight = "", 0
        letters, weight = letters + letter, weight + size
    if letters:
        yield letters


def _write(files: Iterable[Source], folder: Path) -> None:
    for source in files:
        target = folder / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.path.read_bytes())
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
        then = TIMESTAMP if path.is_dir() else moment(path.read_bytes())
        os.utime(path, (then, then))


def moment(content: bytes) -> int:
    """The modification time of a staged file, from what it holds.

    BuildKit sends a file again only when its size or its time changed: with one time for all, a changed file of the
    same length would stay as it was.
    """
    return TIMESTAMP + int.from_bytes(hashlib.sha256(content).digest()[:4], "big") % _SPREAD


def _under(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    if stat.S_ISREG(path.stat().st_mode):
        if name not in STAYING:
            yield name, path
        return
    for inside in _visible(path):
        yield from _under(f"{name}/{inside.name}", inside)


def _visible(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.name not in _SKIPPED and path.suffix != ".pyc" and not path.name.startswith(".")
    )
