"""Where IndexTTS' own code comes from: fetched or copied once, cut down to the files we take, known by their digest.

``auto`` is the pinned commit from whatever place serves it: the digest makes all places equal. Another source (a
folder, an archive, a repository with a commit) is allowed, because the user names it, and is said to be unlocked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy_kit import data, proc
from deploy_kit.builder import payload, taken
from deploy_kit.builder.fetch import Fetcher
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Message
from deploy_kit.progress import Event, EventKind, Reporter, note
from deploy_kit.redact import redact

STEP = "engine-source"
AUTO = "auto"
MARKER = "STAND-IN"

_GIT_SECONDS = 600.0
_REASON = 160
_ARCHIVES = (".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True, slots=True)
class EngineSource:
    """The files of a source in a folder of their own, fit to be a build context.

    ``digest`` is over the files; ``locked`` whether they are the pinned ones; ``stand_in`` whether they are the tests'.
    """

    folder: Path
    digest: str
    locked: bool
    stand_in: bool


def home() -> Path:
    """Where sources are kept once they were fetched: the same for every stack of a user."""
    if os.getuid() == 0:
        return Path("/var/cache/deploykit/engine")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path(os.environ.get("HOME", "/")) / ".cache")
    return Path(base) / "deploykit/engine"


def identity(setting: str) -> str:
    """What stands for a source in the hash of an image's inputs; reads a folder, never the network."""
    if setting == AUTO:
        return str(_rule()["digest"])
    if (folder := _folder(setting)) is not None:
        return taken.digest(taken.files(folder, _rule()))
    if (archive := _file(setting)) is not None:
        return hashlib.sha256(archive.read_bytes()).hexdigest()
    return hashlib.sha256(setting.encode()).hexdigest()


def is_stand_in(setting: str) -> bool:
    """Whether a setting names a folder that holds the tests' stand-in: its images go by another name."""
    folder = _folder(setting)
    return folder is not None and taken.stands_in(folder, _rule())


def at_hand(setting: str, *, cache: Path | None = None) -> bool:
    """Whether a source needs no network: named on the disk, or kept since it was fetched."""
    if _folder(setting) is not None or _file(setting) is not None:
        return True
    rule = _rule()
    kept = str(rule["digest"]) if setting == AUTO else identity(setting)
    place = (home() if cache is None else cache) / kept[:16]
    return (place / str(rule["package"])).is_dir()


def acquire(settings: BuildSettings, fetcher: Fetcher, report: Reporter, *, cache: Path | None = None) -> EngineSource:
    """The source that the settings name, from the cache, the disk or the network.

    Raises:
        Failure: BUILD-ENGINE-SOURCE (not to be had, or no IndexTTS), BUILD-ENGINE-UNLOCKED (a mirror serves something
            else than the pinned commit).
    """
    cache = home() if cache is None else cache
    setting = settings.engine_source
    if setting == AUTO:
        return _pinned(settings, fetcher, report, cache)
    place = cache / identity(setting)[:16]
    if (folder := _folder(setting)) is not None:
        found = _keep(folder, place, setting)
    elif (archive := _file(setting)) is not None:
        with _unpacked(archive, setting) as root:
            found = _keep(root, place, setting)
    else:
        found = _kept(place) or _named(setting, fetcher, place)
    report(_told(found, setting))
    return found


def _rule() -> dict[str, Any]:
    return dict(data.table("engine_source"))


def _folder(setting: str) -> Path | None:
    path = Path(setting).expanduser()
    return path if setting != AUTO and "://" not in setting and path.is_dir() else None


def _file(setting: str) -> Path | None:
    path = Path(setting).expanduser()
    return path if setting != AUTO and "://" not in setting and path.is_file() else None


def _told(found: EngineSource, setting: str) -> Event:
    kind = "stand-in" if found.stand_in else "locked" if found.locked else "unlocked"
    message = Message.of(f"builder.engine-{kind}", source=redact(setting), digest=found.digest[:12])
    return Event(EventKind.NOTE, STEP, found.digest[:12], message=message)


def _pinned(settings: BuildSettings, fetcher: Fetcher, report: Reporter, cache: Path) -> EngineSource:
    rule = _rule()
    place = cache / str(rule["digest"])[:16]
    kept = _kept(place)
    if kept is not None and kept.locked:
        return kept
    reasons: list[str] = []
    others: list[str] = []
    for url in (*settings.engine_archives, *rule["archives"], *(f"{one}#{{commit}}" for one in rule["repositories"])):
        address = url.replace("{commit}", rule["commit"])
        report(note(STEP, "builder.engine-fetching", source=redact(address)))
        try:
            found = _named(address, fetcher, place)
        except Failure as failure:
            reasons.append(f"{redact(address)}: {dict(failure.finding.args)['reason']}")
            continue
        if found.locked:
            report(_told(found, address))
            return found
        shutil.rmtree(place, ignore_errors=True)
        others.append(redact(address))
    if others:
        raise fail("BUILD-ENGINE-UNLOCKED", ", ".join(others), commit=rule["commit"], digest=rule["digest"])
    raise fail("BUILD-ENGINE-SOURCE", rule["commit"], reason="; ".join(reasons))


def _named(setting: str, fetcher: Fetcher, place: Path) -> EngineSource:
    """Fetch what a URL names: an archive by its suffix or without a commit, else a repository."""
    address, _, commit = setting.partition("#")
    with tempfile.TemporaryDirectory(prefix="deploykit-source-") as name:
        folder = Path(name)
        if commit and not urlsplit(address).path.endswith(_ARCHIVES):
            return _keep(_cloned(address, commit, folder, fetcher), place, setting)
        archive = folder / "archive"
        reason = fetcher.fetch(address, archive, int(_rule()["largest_bytes"]))
        if reason:
            raise fail("BUILD-ENGINE-SOURCE", redact(setting), reason=reason[:_REASON])
        with _unpacked(archive, setting) as root:
            return _keep(root, place, setting)


def _cloned(address: str, commit: str, folder: Path, fetcher: Fetcher) -> Path:
    """One commit without its history and without large files; a password in the address stays out of process lists."""
    root = folder / "checkout"
    config = folder / "config"
    config.touch(mode=0o600)
    config.write_text(f'[remote "source"]\n\turl = {address}\n', encoding="utf-8")
    environment = {
        **fetcher.environment,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_CONFIG_GLOBAL": str(config),
    }
    steps = (
        ("git", "init", "--quiet", str(root)),
        ("git", "-C", str(root), "fetch", "--quiet", "--depth=1", "--no-tags", "source", commit),
        ("git", "-C", str(root), "-c", "core.autocrlf=false", "checkout", "--quiet", "--detach", "FETCH_HEAD"),
    )
    try:
        for step in steps:
            proc.run(step, timeout=_GIT_SECONDS, env=environment)
    except proc.CommandFailed as error:
        said = (error.result.stderr.strip().splitlines() or [str(error)])[-1]
        raise fail("BUILD-ENGINE-SOURCE", redact(f"{address}#{commit}"), reason=redact(said)[:_REASON]) from None
    except proc.CommandError as error:
        raise fail("BUILD-ENGINE-SOURCE", redact(f"{address}#{commit}"), reason=str(error)[:_REASON]) from None
    return root


@contextlib.contextmanager
def _unpacked(archive: Path, setting: str) -> Iterator[Path]:
    """The files that we take of an archive, in a folder for the moment. Nothing else of it is written anywhere."""
    with tempfile.TemporaryDirectory(prefix="deploykit-source-") as name:
        try:
            for path, content in _members(archive):
                target = Path(name) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
            reason = f"no readable archive ({error})"[:_REASON]
            raise fail("BUILD-ENGINE-SOURCE", redact(setting), reason=reason) from None
        yield Path(name)


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Relative path without the archive's own top folder, and content, of the regular files that we may take."""
    most = int(_rule()["largest_bytes"])
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for one in zipped.infolist():
                if (path := _wanted(one.filename)) is not None and (most := most - one.file_size) > 0:
                    yield path, zipped.read(one)
        return
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            if member.isreg() and (path := _wanted(member.name)) is not None and (most := most - member.size) > 0:
                file = tar.extractfile(member)
                assert file is not None
                yield path, file.read()


def _wanted(name: str) -> str | None:
    """Where a member goes: the archives of forges hold one folder, those made by hand may hold none."""
    rule = _rule()
    parts = name.removeprefix("./").split("/")
    if parts[0] != rule["package"] and len(parts) > 1:
        parts = parts[1:]
    if ".." in parts or "" in parts:
        return None
    package = parts[0] == rule["package"] and parts[-1].endswith(tuple(rule["suffixes"]))
    root = len(parts) == 1 and parts[0] in (*rule["licences"], MARKER)
    return "/".join(parts) if package or root else None


def _kept(place: Path) -> EngineSource | None:
    """A source that was kept before, looked at anew: nothing is taken on trust."""
    found = _look(place)
    return found if (place / _rule()["package"]).is_dir() else None


def _look(folder: Path) -> EngineSource:
    rule = _rule()
    digest = taken.digest(taken.files(folder, rule))
    return EngineSource(folder, digest, digest == rule["digest"], taken.stands_in(folder, rule))


def _keep(root: Path, place: Path, setting: str) -> EngineSource:
    """Put the files that we take into their place, whole or not at all.

    Raises:
        Failure: BUILD-ENGINE-SOURCE when there is no package in it, or the place cannot be written.
    """
    rule = _rule()
    files = taken.files(root, rule)
    if not any(name.startswith(f"{rule['package']}/") for name in files):
        raise fail("BUILD-ENGINE-SOURCE", redact(setting), reason=f"no {rule['package']}/ in it")
    if (root / MARKER).is_file():
        files[MARKER] = root / MARKER
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        for name, path in files.items():
            target = partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            then = payload.moment(target.read_bytes())  # see there
            os.utime(target, (then, then))
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    except OSError as error:
        raise fail("BUILD-ENGINE-SOURCE", redact(setting), reason=f"{place}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _look(place)
