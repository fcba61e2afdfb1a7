"""From the bound socket to the exit: the order of the start, and the drain."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from uvicorn.server import Server as Uvicorn

from deploy_kit.errors import Failure, fail
from deploy_kit.messages import Catalogue, system_locale
from tts_server.beside import in_thread
from tts_server.front import Front
from tts_server.net import limits
from tts_server.net.connection import Connection
from tts_server.settings import Settings
from tts_server.start import hush
from tts_server.state import State

_log = logging.getLogger(__name__)
_BACKLOG = 128
_SHOWN = 80
_CLOSE_SECONDS = 1
"""How long uvicorn waits for connections that are not speech: the page's event streams never end by themselves."""
_PREFLIGHT_SECONDS = 2
"""How long the start waits for the preflight; with a sick graphics driver it takes longer and goes on beside."""


class _Server(Uvicorn):
    """uvicorn without its signals: it would end the process by the signal itself (exit 143)."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def bind(settings: Settings) -> socket.socket:
    """The listening socket.

    Raises:
        deploy_kit.errors.Failure: The address cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and settings.host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # a name that cannot be one is a UnicodeError
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise fail("HOST-LISTEN", f"{settings.host}:{settings.port}"[:_SHOWN], reason=reason) from None
    return listener


def explain(failure: Failure) -> str:
    """A failure before there is a log: code, what, why, remedy."""
    say = Catalogue(system_locale())
    messages = map(failure.finding.sentence, ("what", "why", "remedy"))
    texts = [say.text(message.key, message.args) for message in messages]
    return f"{failure.finding.code}: " + "\n".join(texts)


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until told to end; returns when everything is down."""
    hush.install()
    asyncio.get_running_loop().set_exception_handler(limits.Complaints())
    Connection.room = limits.connections()
    state = State(settings)
    config = uvicorn.Config(
        Front(state), loop="none", http=Connection, ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=_CLOSE_SECONDS, backlog=_BACKLOG,
    )  # fmt: skip
    server = _Server(config)
    life = _Life(state, server)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    _log.info("listening: %s port %d", settings.host, listener.getsockname()[1])
    life.begin()
    await serving
    await life.end()


class _Life:
    """The start's steps and the drain of one process."""

    def __init__(self, state: State, server: Uvicorn) -> None:
        self._state = state
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()
        self._shutdown = contextlib.AsyncExitStack()

    def begin(self) -> None:
        """Start everything that is not there yet; returns at once."""
        for name, essential in (("preflight", True), ("worker", True), ("api", True), ("webui", False)):
            self._state.ledger.plan(name, essential=essential)
        if self._state.settings.engine != "espeak":
            self._state.ledger.plan("weights", essential=False)
            self._state.ledger.plan("engine", essential=False)
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._terminate, signum)
        self._spawn(self._rise())

    async def end(self) -> None:
        """Take down what `begin` brought up."""
        for task in self._tasks:
            task.cancel()
        if self._state.team is not None:
            await self._state.team.stop()
        with contextlib.suppress(Exception):  # the page's own clean-up must not change our exit code
            await self._shutdown.aclose()
        _log.info("stopped")

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _rise(self) -> None:
        ledger = self._state.ledger
        ledger.start("preflight")
        await self._step("worker", self._raise_worker)
        look = self._spawn(self._step("preflight", self._preflight))
        await asyncio.wait({look}, timeout=_PREFLIGHT_SECONDS)
        await self._step("api", self._raise_api)
        if self._state.app is not None:
            await self._step("webui", self._raise_page)
        _log.info("started after %.2f s", time.monotonic() - ledger.began)

    async def _step(self, name: str, work: Callable[[], Any]) -> None:
        self._state.ledger.start(name)
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a failed step must not take the others along
            _log.exception("start step failed: %s", name)
            self._state.ledger.fail(name, type(error).__name__)

    async def _raise_worker(self) -> None:
        """Start the engines without waiting for them: their own phases move the steps on."""
        from tts_server.engines.builtin import Builtin
        from tts_server.engines.team import Team
        from tts_server.sound.clips import Clips

        state = self._state
        builtin = Builtin(state.ledger)
        clips = Clips(builtin, state.settings.cache_hub)
        team = Team(state.settings, state.ledger, builtin, clips.spoken)
        self._shutdown.callback(clips.close)
        state.team, state.clips = team, clips
        team.start()

    async def _preflight(self) -> None:
        module = await in_thread(lambda: importlib.import_module("tts_server.start.preflight"))
        self._state.ledger.findings.extend(await in_thread(lambda: module.examine(self._state.settings)))
        self._state.ledger.finish("preflight")

    async def _raise_api(self) -> None:
        module = await in_thread(lambda: importlib.import_module("tts_server.http.app"))
        self._state.app = module.create(self._state)
        self._state.ledger.finish("api")

    async def _raise_page(self) -> None:
        module = await in_thread(lambda: importlib.import_module("tts_server.webui.page"))
        shell, gate = await in_thread(lambda: module.mount(self._state))
        await self._shutdown.enter_async_context(shell.router.lifespan_context(shell))
        self._state.page_app = gate
        self._state.ledger.finish("webui")

    def _terminate(self, signum: int) -> None:
        if self._state.draining:  # asked twice: at once
            self._server.should_exit = True
            return
        _log.info("%s: refusing new work, finishing what runs", signal.Signals(signum).name)
        self._state.draining = True
        self._spawn(self._drain())

    async def _drain(self) -> None:
        service = self._state.service
        if service is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(service.idle(), self._state.settings.drain_seconds)
        self._server.should_exit = True
