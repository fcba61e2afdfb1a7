"""``cache``: the store of the weights, worked on by a job in a container, or by a process for target local."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deploy_kit import assets, proc
from deploy_kit.cache import container
from deploy_kit.cache.container import Box
from deploy_kit.cache.errand import WRITING, Errand, words
from deploy_kit.cache.hearing import Hearing
from deploy_kit.compat import needs
from deploy_kit.config.request import Request, Weights
from deploy_kit.errors import ExitCode, fail
from deploy_kit.facts import EngineState
from deploy_kit.findings import Message
from deploy_kit.lifecycle import access, licence
from deploy_kit.lifecycle.site import state_of
from deploy_kit.plan.stack import Mount, MountKind, Target
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.run.job import Consent
from deploy_kit.tools import docker
from deploy_kit.units import size

if TYPE_CHECKING:
    from deploy_kit.lifecycle.up import Prepared

_LONGEST = 14 * 86400.0
_SILENCE = 3600.0
_COUNTING = 30.0
_LOOPBACK = ("localhost", "127.", "::1", "[::1]")


@dataclass(frozen=True, slots=True)
class Ask:
    """What the command line asked for: ``action`` and its path, ``voices`` (purge), ``dry_run`` (prune, purge)."""

    action: str
    path: Path | None = None
    voices: bool = False
    dry_run: bool = False


def settled(request: Request, *, target_given: bool) -> Request:
    """The request with the target under which its stack was last started, unless the user named one."""
    previous = state_of(request).stack()
    if previous is None or target_given:
        return request
    return replace(request, target=previous.target.value)


def run(
    ask: Ask, request: Request, report: Reporter, consent: Consent, agree: licence.Ask = lambda _: False
) -> dict[str, Any]:
    """Do it; what `tts_cache` told at the end.

    Prune and purge are shown and asked for before anything is deleted.

    Args:
        agree: Shows the licences of the weights and returns the answer.

    Raises:
        Failure: CACHE-…, or what building the image for the job raises.
    """
    if ask.action == "pull" and request.engine == needs.BUILT_IN:
        raise fail("CACHE-NO-ENGINE", request.engine, commands=(("deploykit", "cache", "pull", "--engine", _first()),))
    place = _place(ask, request, report, consent)
    if ask.action in ("prune", "purge") and not ask.dry_run:
        planned = place.run(replace(ask, dry_run=True), report)
        if not planned["places"] or not _may(planned, consent):
            return planned | {"event": "deleted" if not planned["places"] else "kept"}
    if ask.action != "pull":
        return place.run(ask, report)
    return _pull(place, ask, request, report, agree)


def _pull(place: _Place, ask: Ask, request: Request, report: Reporter, agree: licence.Ask) -> dict[str, Any]:
    """Fetch; only when the cache knows of no consent to the licences, a person is asked for it."""
    from deploy_kit.errors import Failure

    how = "accept_license" if request.accept_license else None
    try:
        return place.run(ask, report, accepted=how)
    except Failure as failure:
        if failure.finding.code != "CACHE-LICENCE" or not agree(licence.terms(request)):
            raise
    return place.run(ask, report, accepted="interactive")


def _may(planned: dict[str, Any], consent: Consent) -> bool:
    listed = "\n".join(f"    {name}" for name in planned["places"])
    question = Message.of("cache.ask-delete", files=planned["files"], size=size(planned["freed_bytes"]), places=listed)
    return consent(question, ())


def _first() -> str:
    from deploy_kit.data import table

    return str(next(iter(table("engines"))))


class _Place:
    """Where `tts_cache` runs: `_Local` or `_Container`."""

    def __init__(self, request: Request, *, emotion_text: bool) -> None:
        self._request = request
        self._emotion_text = emotion_text

    def run(self, ask: Ask, report: Reporter, accepted: str | None = None) -> dict[str, Any]:
        """Run the errand to its end.

        Raises:
            Failure: What it failed with; CACHE-JOB when it did not say.
        """
        step = f"cache-{ask.action}"
        hearing = Hearing(step, report)
        report(Event(EventKind.STEP, step, "" if ask.path is None else str(ask.path)))
        try:
            with ExitStack() as stack:
                code = self._run(ask, accepted, hearing, stack)
            result = _heard(ask, hearing, code)
        except BaseException:
            report(Event(EventKind.FAILED, step))
            raise
        report(Event(EventKind.DONE, step))
        return result

    def _run(self, ask: Ask, accepted: str | None, hearing: Hearing, stack: ExitStack) -> int:
        raise NotImplementedError

    def _errand(self, ask: Ask, accepted: str | None) -> Errand:
        request = self._request
        engine = None if request.engine == needs.BUILT_IN else request.engine
        return Errand(
            ask.action,
            engine=engine,
            emotion_text=self._emotion_text or (ask.action in ("prune", "verify") and not _refused(request)),
            source=request.weights.source,
            region=request.region,
            lock=request.weights.lock,
            accepted=accepted,
            path=None if ask.path is None else str(ask.path),
            voices=ask.voices,
            dry_run=ask.dry_run,
        )


class _Local(_Place):
    """A process of this very interpreter: the cache's code needs nothing but a Python."""

    def _run(self, ask: Ask, accepted: str | None, hearing: Hearing, stack: ExitStack) -> int:
        request = self._request
        cache = self._cache(stack)
        errand = replace(self._errand(ask, accepted), token_file=request.weights.token_file)
        paths = (assets.root() / "images/server", assets.package().parent)
        env: dict[str, str | None] = {"PYTHONPATH": os.pathsep.join(map(str, paths))}
        if request.build.ca_bundle is not None:
            env["SSL_CERT_FILE"] = request.build.ca_bundle
        command = (sys.executable, "-m", "tts_cache", *words(errand, cache))
        return proc.stream(command, hearing.line, timeout=_LONGEST, silence=_SILENCE, env=env, check=False).returncode

    def _cache(self, stack: ExitStack) -> str:  # noqa: ARG002
        return self._request.cache_path or str(state_of(self._request).cache_hub)


class _Nowhere(_Local):
    """For a cache with nothing in it: the same answers as a container's, and no image has to be built for them."""

    def _cache(self, stack: ExitStack) -> str:
        return str(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deploykit-"))) / "nothing")


class _Container(_Place):
    """A container of the stack's own image, or of the core image, which has all that it takes."""

    def __init__(self, request: Request, prepared: Prepared, image: str, *, emotion_text: bool) -> None:
        super().__init__(request, emotion_text=emotion_text)
        self._prepared = prepared
        self._image = image

    def _run(self, ask: Ask, accepted: str | None, hearing: Hearing, stack: ExitStack) -> int:
        errand = self._errand(ask, accepted)
        mounts = list(self._cache(ask))
        if ask.path is not None:
            mount, inside = _carried(ask)
            mounts.append(mount)
            errand = replace(errand, path=inside)
        errand = self._weights(ask, errand, mounts, stack)
        cache = container.CACHE if any(one.target == container.CACHE for one in mounts) else container.NOTHING
        env, network = self._network(ask, mounts)
        name = f"{self._request.name}-cache-{os.getpid()}"
        box = Box(name, self._image, f"{self._user(ask)}:0", tuple(mounts), tuple(sorted(env)), network)
        try:
            done = docker.stream(
                container.command(box, words(errand, cache)),
                hearing.line,
                timeout=_LONGEST,
                silence=_SILENCE,
                env=env,
                check=False,
            )
        except proc.CommandTimeout:
            docker.call("rm", "--force", name, check=False)  # the client was killed; its container is not
            raise
        return done.returncode

    def _cache(self, ask: Ask) -> list[Mount]:
        mount = self._prepared.stack.mounts[0]
        volume = mount.kind is MountKind.VOLUME
        there = mount.source in docker.volumes() if volume else Path(mount.source).is_dir()
        if not there and ask.action not in WRITING:
            return []
        if not there and not volume:
            Path(mount.source).mkdir(parents=True)
        return [replace(mount, target=container.CACHE)]

    def _user(self, ask: Ask) -> int:
        """The service's user; for files of the host the caller, who may read and write them: both are of group 0."""
        stack = self._prepared.stack
        return os.getuid() if ask.path is not None and stack.mounts[0].kind is MountKind.VOLUME else stack.user

    def _weights(self, ask: Ask, errand: Errand, mounts: list[Mount], stack: ExitStack) -> Errand:
        weights = self._request.weights
        if weights.lock is not None:
            mounts.append(Mount(MountKind.BIND, weights.lock, container.LOCK, read_only=True))
            errand = replace(errand, lock=container.LOCK)
        if ask.action != "pull":
            return errand
        if weights.path is not None:
            mounts.append(Mount(MountKind.BIND, weights.path, container.PATH, read_only=True))
            errand = replace(errand, source=container.PATH)
        token = access.token_for(self._request)
        if token is not None:
            file = _private(token, stack)
            mounts.append(Mount(MountKind.BIND, str(file), container.TOKEN, read_only=True))
            errand = replace(errand, token_file=container.TOKEN)
        return errand

    def _network(self, ask: Ask, mounts: list[Mount]) -> tuple[dict[str, str | None], str | None]:
        """Variables and network of the job: only a pull needs any."""
        if ask.action != "pull" or self._request.weights.path is not None:
            return {}, "none"
        from deploy_kit.builder import site

        facts = self._prepared.facts.site
        env: dict[str, str | None] = dict(site.proxy_environment(facts))
        if endpoint := os.environ.get("HF_ENDPOINT"):
            env["HF_ENDPOINT"] = endpoint
        if (bundle := site.ca_bundle(self._request.build, facts)) is not None:
            mounts.append(Mount(MountKind.BIND, os.path.realpath(bundle), container.AUTHORITIES, read_only=True))
            env["SSL_CERT_FILE"] = container.AUTHORITIES
        urls = [self._request.weights.source, *(value or "" for name, value in env.items() if name != "no_proxy")]
        return env, "host" if any(_loopback(url) for url in urls) else None


def _heard(ask: Ask, hearing: Hearing, code: int) -> dict[str, Any]:
    """The result of a run, or what it failed with."""
    if hearing.failure is not None:
        raise hearing.failure
    if code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code or hearing.result is None:
        raise fail("CACHE-JOB", ask.action, status=code, tail="\n".join(hearing.tail) or "-")
    return hearing.result


def _loopback(url: str) -> bool:
    """Whether a URL means this very host, which a container of its own network would not reach."""
    return any((urlsplit(one).hostname or "").startswith(_LOOPBACK) for one in url.split(",") if "://" in one)


def _carried(ask: Ask) -> tuple[Mount, str]:
    """What import and export work on, and how it is called inside."""
    assert ask.path is not None
    path = ask.path.absolute()
    if ask.action == "import":
        if not path.exists():
            raise fail("CACHE-SOURCE", str(path), reason="no such folder or archive")
        return Mount(MountKind.BIND, os.path.realpath(path), container.PATH, read_only=True), container.PATH
    if not path.parent.is_dir():
        raise fail("CACHE-DESTINATION", str(path), reason="no such folder")
    return Mount(MountKind.BIND, os.path.realpath(path.parent), container.PATH), f"{container.PATH}/{path.name}"


def _private(token: str, stack: ExitStack) -> Path:
    """The token in a file that only its owner and group 0 may read, for as long as the job runs."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deploykit-")))
    folder.chmod(0o711)
    file = folder / "hub_token"
    file.touch(mode=0o600)
    file.write_text(token, encoding="ascii")
    if os.getuid() == 0:
        os.chown(file, 0, 0)
        file.chmod(0o640)
    return file


def _place(ask: Ask, request: Request, report: Reporter, consent: Consent) -> _Place:
    if Target(request.target) is Target.LOCAL:
        return _Local(request, emotion_text=_emotion_text(request, request.device))
    from deploy_kit.lifecycle import up

    try:
        prepared = up.prepare(request)
        emotion_text = _emotion_text(request, prepared.verdict.device)
        image = _image_here(prepared, request)
        if image is None and ask.action not in WRITING and _empty(prepared):
            return _Nowhere(request, emotion_text=emotion_text)
        image = image or _core_image(request, report, consent)
    except proc.CommandError as error:
        raise fail("ENGINE-UNREACHABLE-NOW", "docker", reason=error) from None
    return _Container(request, prepared, image, emotion_text=emotion_text)


def _emotion_text(request: Request, device: str) -> bool:
    """Whether the model of emotion by text belongs to what is needed: as told, else where a card will run it."""
    told = dict(request.service).get("TTS_EMOTION_TEXT", "auto")
    return told == "on" or (told == "auto" and device != "cpu")


def _refused(request: Request) -> bool:
    return dict(request.service).get("TTS_EMOTION_TEXT") == "off"


def _empty(prepared: Prepared) -> bool:
    """Whether surely nothing lies in the cache; what cannot be seen from here may hold something."""
    mount = prepared.stack.mounts[0]
    if mount.kind is not MountKind.VOLUME:
        return not os.path.lexists(mount.source) or _bare(Path(mount.source))
    if not prepared.observed.engine_up:
        return prepared.facts.engine.state.value is EngineState.NO_CLIENT
    return mount.source not in docker.volumes() or _unused(mount.source)


def _bare(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def _unused(volume: str) -> bool:
    """Whether the engine counts no bytes in a volume; counting takes a while where there is much, so a look goes first.

    A folder weighs nothing in this count, and the cache's own notes are files.
    """
    told = docker.call("volume", "inspect", "--format", "{{json .Mountpoint}}", volume, check=False)
    place = json.loads(told.stdout or "null") if told.ok else None
    if isinstance(place, str) and os.access(place, os.R_OK | os.X_OK):
        return _bare(Path(place))
    told = docker.call("system", "df", "--verbose", "--format", "{{json .Volumes}}", timeout=_COUNTING, check=False)
    rows = json.loads(told.stdout or "[]") if told.ok else []
    return any(row.get("Name") == volume and row.get("Size") == "0B" for row in rows)


def _image_here(prepared: Prepared, request: Request) -> str | None:
    """An image of this very code that is there: the stack's own, or the core image."""
    from deploy_kit.lifecycle import up

    if not prepared.observed.engine_up:
        return None
    if docker.image(prepared.stack.image.reference) is not None:
        return prepared.stack.image.reference
    small = up.prepare(_core(request)).stack.image.reference
    return None if docker.image(small) is None else small


def _core_image(request: Request, report: Reporter, consent: Consent) -> str:
    """The core image, built now."""
    from deploy_kit.lifecycle import build, up

    small = up.prepare(_core(request))
    build.alone(small, _core(request), report, consent)
    return small.stack.image.reference


def _core(request: Request) -> Request:
    return replace(request, engine=needs.BUILT_IN, variant="core", device="cpu", weights=Weights())
