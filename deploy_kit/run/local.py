"""Target local: the same server and worker as plain processes, for hosts without a container engine.

The service runs in a session of its own, so it outlives the shell that started it. Its process id and start time
stand in ``local/process.json``; a recycled process id is recognised by the start time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import time
from pathlib import Path

from deploy_kit import assets, codec, files, proc
from deploy_kit.errors import fail
from deploy_kit.findings import Message
from deploy_kit.plan.observed import Observed, Service, ServiceState, lasting
from deploy_kit.plan.stack import Stack
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Reporter, line
from deploy_kit.run import local_engine, network
from deploy_kit.run.job import Job
from deploy_kit.run.process import Process, running
from deploy_kit.run.state import State
from deploy_kit.run.wait import Pulse, until_ready
from deploy_kit.tools import environment, python, uv

_VERSION = "3.11"
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""What the service takes over from the shell that starts it, besides ``LC_…``: never a password, never a setting."""


def environment_digest(variant: str) -> str:
    """The locks that the environments of server and engine are made from, as a digest."""
    server, engine = hashlib.sha256(_lock().read_bytes()).hexdigest(), local_engine.digest(variant)
    return f"{server}+{engine}" if engine else server


def _lock() -> Path:
    return assets.root() / "images/requirements/server.txt"


def _made_from(state: State, variant: str) -> str | None:
    """As `environment_digest`, of what stands there; None without an environment of the server."""
    try:
        server = hashlib.sha256((_paths(state)[0] / environment.LOCK).read_bytes()).hexdigest()
    except OSError:
        return None
    engine = local_engine.made_from(state, variant)
    return f"{server}+{engine}" if engine else server


def _paths(state: State) -> tuple[Path, Path, Path]:
    """The server's environment, the unpacked payload, the log."""
    return state.local / "server", state.local / "app", state.local / "service.log"


def find(state: State) -> Process | None:
    """The service's process, if it is alive."""
    try:
        process = codec.loads(Process, (state.local / "process.json").read_bytes())
    except (OSError, codec.CodecError):
        return None
    return process if running(process) else None


def observe(stack: Stack, state: State, packages: tuple[str, ...]) -> Observed:
    """What stands of this stack."""
    _, payload, _ = _paths(state)
    process = find(state)
    return Observed(
        packages=packages,
        engine_up=True,
        base=True,
        image=_stamp(payload),
        environment=_made_from(state, stack.image.variant),
        volumes=frozenset(source for source in lasting(stack) if files.is_folder(Path(source))),
        files=stack.digest,  # nothing is rendered for processes
        secret=state.key_version(),
        service=service(process),
        proved=process is not None and state.proof() == _start_of(process),
        previous=state.stack(),
    )


def settled(stack: Stack, state: State) -> bool:
    """Whether the process runs just this stack from the present lock, and this start of it was proved."""
    process = find(state)
    if process is None or process.stack != stack.digest:
        return False
    if _made_from(state, stack.image.variant) != environment_digest(stack.image.variant):
        return False
    return state.proof() == _start_of(process)


def service(process: Process | None) -> Service | None:
    """The process as `reconcile` sees it."""
    if process is None:
        return None
    return Service(str(process.pid), ServiceState.RUNNING, process.stack, process.inputs, str(process.started))


def _stamp(folder: Path) -> str | None:
    try:
        return (folder / ".deploykit-stamp").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _start_of(process: Process) -> str:
    return f"{process.pid} {process.started}"


def apply(step: Step, job: Job) -> None:
    """Carry out one step.

    Raises:
        Failure: with the finding of what went wrong; running the same plan again goes on from there.
    """
    match step.operation:
        case Operation.MAKE_ENVIRONMENT:
            _make_environment(job)
        case Operation.UNPACK_PAYLOAD:
            _unpack(job)
        case Operation.MAKE_SECRET:
            assert job.key is not None
            job.state.save_key(job.key, shared_with_group=False, unseen=job.key_unseen)
        case Operation.CREATE_VOLUME:
            _create_folder(Path(step.subject))
        case Operation.START_SERVICE:
            _start(job)
        case Operation.WAIT_READY:
            _wait(job)
        case _:
            raise AssertionError(f"local has no step {step.operation.value}")


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise fail("HOST-FOLDER-UNWRITABLE", str(folder), reason=error.strerror or str(error)) from None


def _make_environment(job: Job) -> None:
    from deploy_kit.builder import region, site

    build = region.with_preset(job.request.build, job.request.region, job.facts.site)
    bundle = site.ca_bundle(build, job.facts.site)
    settings = {"PIP_INDEX_URL": build.package_index, "PIP_CERT": bundle, "SSL_CERT_FILE": bundle}
    given = {name: value for name, value in settings.items() if value is not None}
    interpreter = python.find(_VERSION) or _fetch_python(job, given)
    environment.ensure(
        _paths(job.state)[0],
        _lock(),
        interpreter,
        line=lambda text: job.report(line(Operation.MAKE_ENVIRONMENT.value, text)),
        settings=given,
    )
    local_engine.make(job, interpreter, build, given)


def _fetch_python(job: Job, settings: dict[str, str]) -> str:
    """Let uv fetch the interpreter into this user's own folder, where it is found from now on.

    Raises:
        Failure: HOST-PYTHON-NOT-CONSENTED, HOST-PYTHON-FETCH.
    """
    lock = assets.root() / "requirements/uv.txt"
    fetch = uv.Fetch.plan(_VERSION, python.home(), lock, job.state.local / f".uv.{os.getpid()}")
    if not job.consent(Message.of("up.ask-python", version=_VERSION, folder=fetch.folder), fetch.commands):
        raise fail("HOST-PYTHON-NOT-CONSENTED", f"python{_VERSION}", commands=fetch.commands)
    fetch.carry_out(lambda text: job.report(line(Operation.MAKE_ENVIRONMENT.value, text)), settings)
    found = python.find(_VERSION)
    if found is None:
        raise fail("HOST-PYTHON-FETCH", _VERSION, commands=fetch.commands, reason=fetch.folder)
    return found


def _unpack(job: Job) -> None:
    from deploy_kit.builder import payload, region

    local_engine.install(job, region.with_preset(job.request.build, job.request.region, job.facts.site))
    _, final, _ = _paths(job.state)
    partial = final.with_name(f".app.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        payload.unpack(partial)
        (partial / ".deploykit-stamp").write_text(job.stack.image.inputs, encoding="utf-8")
        _replace(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(partial: Path, final: Path) -> None:
    """Put a whole folder in the place of an older one."""
    old = final.with_name(f".old-{final.name}.{os.getpid()}")
    if final.exists():
        final.rename(old)
    partial.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def _start(job: Job) -> None:
    place, app, log = _paths(job.state)
    settings: dict[str, str | None] = {name: None for name in os.environ if not _inherited(name)}
    settings |= dict(job.stack.settings)
    settings |= {mount.target: mount.source for mount in job.stack.mounts}
    settings |= {"PYTHONPATH": str(app), "PYTHONUNBUFFERED": "1", "TTS_LOG_FILE": str(log)}
    if (engine := local_engine.python(job.state, job.stack.image.variant)) is not None:
        settings["TTS_ENGINE_PYTHON"] = engine
    if job.stack.secret_version is not None:
        settings["TTS_API_KEY_FILE"] = str(job.state.key_file)
    network.save(job.request, job.facts.site, job.stack, job.state, shared_with_group=False)
    pid = proc.spawn((str(place / "bin/python"), "-m", "tts_server"), log=log, env=settings, cwd=app)
    try:
        process = Process.of(pid, stack=job.stack.digest, inputs=job.stack.image.inputs)
        job.state.write(job.state.local / "process.json", codec.dumps(process))
        job.state.save_stack(job.stack)
    except BaseException:  # a service that nobody can find again must not stay
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        raise
    job.state.record("start", stack=job.stack.digest, pid=pid)


def _inherited(name: str) -> bool:
    return name in _INHERITED or name.startswith("LC_")


def _wait(job: Job) -> None:
    def pulse() -> Pulse:
        process = find(job.state)
        return Pulse(process is not None, _start_of(process) if process else "")

    until_ready(job.client, job.stack.name, pulse, lambda count: tail(job.state, count), job.report)


def remember_proof(job: Job) -> None:
    """Note that this very start of the service has spoken."""
    if (process := find(job.state)) is not None:
        job.state.remember_proof(_start_of(process))


def stop(state: State, stack: Stack | None, report: Reporter) -> bool:
    """End the service: SIGTERM, the drain time, then SIGKILL for its whole session. False when there was none."""
    process = find(state)
    if process is None:
        return False
    deadline = time.monotonic() + (stack.stop_grace_seconds if stack is not None else 30.0)
    os.kill(process.pid, signal.SIGTERM)
    while running(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    if running(process):
        report(line(Operation.STOP_SERVICE.value, f"pid {process.pid}: SIGKILL"))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    (state.local / "process.json").unlink(missing_ok=True)
    state.record("stop", pid=process.pid)
    return True


def tail(state: State, lines: int) -> tuple[str, ...]:
    """The last lines of the service's log."""
    log = _paths(state)[2]
    if not log.is_file():
        return ()
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 400 * max(lines, 1)))
        return tuple(file.read().decode(errors="replace").splitlines()[-lines:])


def logs(state: State, *, follow: bool, lines: int) -> None:
    """Become ``tail`` on the service's log; does not return.

    Raises:
        Failure: HEALTH-NOT-RUNNING when nothing was ever started.
    """
    log = _paths(state)[2]
    if not log.is_file():
        raise fail("HEALTH-NOT-RUNNING", state.name)
    proc.replace(("tail", "-n", str(lines), *(("-F",) if follow else ()), str(log)))
