"""Who may import whom: the rooms of `docs/architecture.md`, checked by walking every import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy_kit.builder.payload import TRAVELLING

PACKAGE = Path(__file__).parents[2] / "deploy_kit"
IMAGES = Path(__file__).parents[2] / "images/server"

TRAVELLERS = {room.removesuffix(".py").replace("/", ".") for room in TRAVELLING} | {""}
LEAVES = {
    "assets",
    "codec",
    "data",
    "facts",
    "files",
    "findings",
    "http10",
    "messages",
    "proc",
    "progress",
    "redact",
    "units",
    "wire",
}
EDGES = {
    "errors": {"findings"},
    "progress": {"findings"},
    "detect": {
        "cluster.facts",
        "codec",
        "config.request",
        "data",
        "detect",
        "facts",
        "findings",
        "http10",
        "proc",
        "tools.helm",
        "tools.kubectl",
        "tools.python",
    },
    "compat": {"facts", "findings", "errors", "data", "units", "compat"},
    "diagnose": {"findings", "data", "diagnose"},
    "cache": {"errors", "findings", "plan.stack", "progress", "units", "cache"},
    "cluster": {"compat", "data", "facts", "findings", "errors", "units", "cluster"},
    "config": {"data", "errors", "files", "findings", "messages", "redact", "config"},
    "plan": {"codec", "compat", "config.request", "findings", "plan"},
    "render": {"assets", "builder.payload", "compat", "config", "data", "files", "messages", "plan", "render", ""},
    "tools": {"proc", "errors", "findings", "facts", "progress", "data", "tools", "compat", "messages"},
    "builder": {
        "assets",
        "builder",
        "codec",
        "compat",
        "config.request",
        "data",
        "diagnose",
        "errors",
        "facts",
        "findings",
        "messages",
        "plan",
        "proc",
        "progress",
        "redact",
        "tools",
        "units",
    },
    "client": {"config.request", "errors", "http10"},
    "verify": {
        "assets",
        "verify",
        "errors",
        "findings",
        "messages",
        "proc",
        "progress",
        "tools",
        "data",
        "builder",
        "client",
        "config.request",
    },
    "run": {
        "assets",
        "builder",
        "client",
        "codec",
        "compat",
        "config.request",
        "errors",
        "facts",
        "files",
        "findings",
        "plan",
        "proc",
        "progress",
        "render",
        "run",
        "tools",
    },
}
"""Room to what it may import of ours. `lifecycle` knows everything but the command line; `cli` everything."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield name.removesuffix("__init__").removesuffix("."), path


def imports(path: Path) -> Iterator[str]:
    """Every module named by an import statement, ``TYPE_CHECKING`` ones included; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    return {
        name.removeprefix("deploy_kit").removeprefix(".")
        for name in imports(path)
        if name.split(".")[0] == "deploy_kit"
    }


def within(name: str, rooms: set[str]) -> bool:
    """Whether an imported name lies in one of the rooms; the room ``""`` is the package's own ``__version__``."""
    return any(name == room or name.startswith(f"{room}.") if room else name in ("", "__version__") for room in rooms)


@pytest.mark.parametrize(("name", "path"), [pytest.param(*row, id=row[0] or "package") for row in modules()])
def test_a_room_imports_only_what_it_may(name: str, path: Path) -> None:
    room = name.split(".", maxsplit=1)[0]
    if room in ("cli", "__main__"):
        return
    if room == "lifecycle":
        assert not [found for found in ours(path) if found.startswith("cli.")]
        return
    allowed = EDGES.get(room, set()) | ({room} if room in LEAVES else set()) | (LEAVES if room == "tools" else set())
    allowed |= {"assets"} if room == "assets" else set()

    assert [found for found in sorted(ours(path)) if not within(found, allowed)] == []


@pytest.mark.parametrize(
    ("name", "path"), [pytest.param(*row, id=row[0]) for row in modules() if within(row[0], TRAVELLERS) and row[0]]
)
def test_what_travels_needs_nothing_that_does_not(name: str, path: Path) -> None:
    foreign = {
        found.split(".")[0]
        for found in imports(path)
        if found.split(".")[0] not in sys.stdlib_module_names | {"deploy_kit", "pynvml"}
    }

    assert foreign == set()
    assert [found for found in sorted(ours(path)) if not within(found, TRAVELLERS)] == []


@pytest.mark.parametrize("path", sorted(IMAGES.rglob("*.py")), ids=lambda path: str(path.relative_to(IMAGES)))
def test_the_image_imports_of_us_only_what_travels(path: Path) -> None:
    assert [found for found in sorted(ours(path)) if not within(found, TRAVELLERS)] == []


def test_the_worker_stands_on_the_standard_library_alone() -> None:
    names = {name.split(".")[0] for path in (IMAGES / "tts_worker").rglob("*.py") for name in imports(path)}

    assert names - sys.stdlib_module_names == {"deploy_kit", "tts_worker"}


def test_the_cache_stands_on_the_standard_library_alone() -> None:
    names = {name.split(".")[0] for path in (IMAGES / "tts_cache").rglob("*.py") for name in imports(path)}

    assert names - sys.stdlib_module_names == {"deploy_kit", "tts_cache"}


def test_the_server_never_imports_an_engine() -> None:
    names = {name.split(".")[0] for path in (IMAGES / "tts_server").rglob("*.py") for name in imports(path)}

    assert not names & {"torch", "torchaudio", "transformers", "indextts", "tts_worker"}


def test_compat_and_diagnose_do_not_know_each_other() -> None:
    found = {name: ours(path) for name, path in modules()}

    assert not [
        name for name in found if name.startswith("compat") and any(x.startswith("diagnose") for x in found[name])
    ]
    assert not [
        name for name in found if name.startswith("diagnose") and any(x.startswith("compat") for x in found[name])
    ]
