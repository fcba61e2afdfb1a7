"""The engine's environment under target local: from the same locks and by the same scripts as in the build of an image.

It stands beside the server's. What is interrupted leaves nothing that counts: an environment counts once the check at
the end of its making has written down what is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy_kit import assets, proc
from deploy_kit.builder import image, payload, site
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import fail
from deploy_kit.plan.steps import Operation
from deploy_kit.progress import line
from deploy_kit.run.job import Job
from deploy_kit.run.state import State
from deploy_kit.tools import environment

FACTS = "deploykit.json"
"""Inside an environment: what its check found."""

_SECONDS = 1200.0


def folder(state: State) -> Path:
    """Where the environment is."""
    return state.local / "engine"


def python(state: State, variant: str) -> str | None:
    """The interpreter that engines run in, None for a variant without one."""
    return str(folder(state) / "bin/python") if payload.has_engine(variant) else None


def digest(variant: str) -> str:
    """What an environment of this variant is made from; empty for a variant without one."""
    return hashlib.sha256(requirements(variant).encode()).hexdigest() if payload.has_engine(variant) else ""


def made_from(state: State, variant: str) -> str:
    """As `digest`, of what stands there; empty while there is nothing whole, or no need of it."""
    place = folder(state)
    try:
        if payload.has_engine(variant) and (place / FACTS).is_file():
            return hashlib.sha256((place / environment.LOCK).read_bytes()).hexdigest()
    except OSError:
        pass
    return ""


def make(job: Job, interpreter: str, build: BuildSettings, settings: dict[str, str]) -> None:
    """Make the environment unless it is there, then put the engine's source into it.

    Args:
        settings: pip's environment, for the server's environment too.

    Raises:
        Failure: ENGINE-PYTHON-…, BUILD-TORCH-UNLOCKED, BUILD-ENGINE-….
    """
    variant = job.stack.image.variant
    if not payload.has_engine(variant):
        return
    if payload.own_lock(variant) is None:
        raise fail("BUILD-TORCH-UNLOCKED", variant, commands=(payload.lock_command(variant),))
    index = site.torch_index(build, job.facts.site, variant)
    with _tools(job.state) as tools:
        (tools / "engine.txt").write_text(requirements(variant), encoding="utf-8")
        environment.ensure(
            folder(job.state),
            tools / "engine.txt",
            interpreter,
            first=assets.root() / payload.ENGINE_LOCKS[1],
            options=("--no-build-isolation",),
            finish=lambda fresh: _run(job, fresh, tools / "slim_engine.py", str(fresh)),
            line=_liner(job),
            settings={**settings, **({"PIP_EXTRA_INDEX_URL": index} if index else {})},
        )
    install(job, build)


def install(job: Job, build: BuildSettings) -> None:
    """Put the engine's source into its environment, unless just that one is there, and check the whole.

    Raises:
        Failure: BUILD-ENGINE-….
    """
    variant, place = job.stack.image.variant, folder(job.state)
    if not payload.has_engine(variant) or not (place / environment.LOCK).is_file():
        return
    parts = image.engine(variant, build, job.facts.site, job.report)
    assert parts is not None
    if _installed(place) == parts.source.digest:
        return
    (place / FACTS).unlink(missing_ok=True)
    with _tools(job.state) as tools:
        wish = {
            "variant": variant,
            "source": str(parts.source.folder),
            "licences": str(place / "licenses/indextts"),
            "matrix": str(assets.package() / "data/matrix.json"),
            "rule": str(assets.package() / "data/engine_source.json"),
            "lock": str(parts.lock),
        }
        _run(job, place, tools / "install_engine.py", json.dumps(wish))


def requirements(variant: str) -> str:
    """All that is installed, as one file of requirements: the engines' packages and the variant's torch."""
    only = f"--only-binary :all:\n--no-binary {','.join(payload.SDISTS)}\n"
    lock = payload.own_lock(variant)
    texts = (assets.root() / payload.ENGINE_LOCKS[0], *((lock,) if lock is not None else ()))
    return only + "".join(path.read_text(encoding="utf-8") for path in texts)


def _installed(place: Path) -> str | None:
    try:
        return str(json.loads((place / FACTS).read_text(encoding="utf-8"))["source"]["digest"])
    except (OSError, ValueError, KeyError):
        return None


@contextlib.contextmanager
def _tools(state: State) -> Iterator[Path]:
    """The scripts that also run in the build of an image, beside each other as there."""
    state.local.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tools.", dir=state.local) as name:
        for place in (*(assets.root() / "images/tools").glob("*.py"), assets.package() / "builder/taken.py"):
            shutil.copyfile(place, Path(name) / place.name)
        yield Path(name)


def _run(job: Job, place: Path, script: Path, argument: str) -> None:
    """Run a script with an environment's interpreter; what it cannot do is the finding.

    Raises:
        Failure: BUILD-ENGINE-CHECK.
    """
    room = str(script.parent)
    settings: dict[str, str | None] = {"PYTHONPATH": None, "PYTHONHOME": None, "PYTHONDONTWRITEBYTECODE": "1"}
    settings |= {"HOME": room, "NUMBA_CACHE_DIR": room, "MPLCONFIGDIR": room}
    command = (str(place / "bin/python"), "-s", str(script), argument)
    try:
        proc.stream(command, _liner(job), timeout=_SECONDS, env=settings, cwd=script.parent)
    except proc.CommandFailed as error:
        said = (error.result.stdout.strip().splitlines() or [str(error)])[-1]
        raise fail("BUILD-ENGINE-CHECK", _subject(job), reason=said) from None
    except proc.CommandError as error:
        raise fail("BUILD-ENGINE-CHECK", _subject(job), reason=str(error)) from None


def _subject(job: Job) -> str:
    """What the findings call the environment."""
    return f"{job.stack.name} ({job.stack.image.variant})"


def _liner(job: Job) -> Callable[[str], None]:
    return lambda text: job.report(line(Operation.MAKE_ENVIRONMENT.value, text))
