"""One worker process as the server sees it: started, asked, given up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from deploy_kit import wire
from deploy_kit.wire import Frame
from tts_server.workers.channel import Channel
from tts_server.workers.launch import Deadlines, Launch, environment

_log = logging.getLogger(__name__)
_FATAL = ("out_of_memory", "cuda")
"""Errors of a job after which the worker ends by itself: its context is worthless."""


NOTES = ("reference_cut", "emotion_reference_cut", "speech_cut", "nothing_spoken")
"""What a worker may remark about a job that was done; the sentences are ``server.note.<code>``."""


class Spoken(NamedTuple):
    """The samples of a job, and what the worker remarks about it."""

    samples: bytes
    notes: tuple[str, ...] = ()


class WorkerLost(Exception):
    """The worker crashed, was killed, or broke the protocol; another one must take its place."""


class WorkerLate(WorkerLost):
    """The worker was given up because it did not answer in time."""


class WorkerRefused(Exception):
    """The worker is well but could not do this job; ``code`` as in `tts_worker.engines.EngineError`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Worker:
    """A running worker. Made by `spawn`; used for one job at a time.

    Attributes:
        phase: What it last said it does.
        hung: It was killed because it did not answer.
        told: The fields of its ``ready``.
        fatal: Code of the error of a job that it does not survive; empty otherwise.
        vram_bytes: Most GPU memory it has held so far.
        rss_bytes: Memory it held after its last job.
        gone: Set when it has ended.
    """

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel, deadlines: Deadlines) -> None:
        self._process = process
        self._channel = channel
        self._deadlines = deadlines
        self._idents = itertools.count(1)
        self._inbox: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self.phase = "hello"
        self.hung = False
        self.fatal = ""
        self.told: dict[str, Any] = {}
        self.vram_bytes = 0
        self.rss_bytes = 0
        self.gone = asyncio.Event()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended or is just dying, by the kernel's word: the event loop hears of it later."""
        if self.gone.is_set():
            return True
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return True
        return state.rpartition(")")[2].split()[0] in "ZX"

    @property
    def rate(self) -> int:
        return int(self.told["rate"])

    @classmethod
    async def spawn(cls, launch: Launch, on_phase: Callable[[str], None]) -> Worker:
        """Start a worker and wait until it is ready.

        Raises:
            WorkerLost: It ended, spoke another protocol, or was late; it has been killed.
            WorkerRefused: It cannot load its engine.
        """
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                launch.python, "-m", "tts_worker", "--engine", launch.engine, "--fd", str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(), *launch.inherited),
                env=environment(launch.environment), start_new_session=True,
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = cls(process, await Channel.over(ours), launch.deadlines)
        worker._reader = asyncio.create_task(worker._read())
        try:
            await worker._become_ready(launch.load, on_phase)
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def speak(self, fields: dict[str, Any], seconds: float) -> Spoken:
        """Speak one sentence within ``seconds``.

        Raises:
            WorkerLost, WorkerLate: No good for another job; `kill` it.
            WorkerRefused: Only this job failed.
            asyncio.CancelledError: The job was cancelled; the worker has stopped, or has been killed.
        """
        ident = next(self._idents)
        self._channel.send("speak", id=ident, seconds=seconds, **fields)
        try:
            return await self._collect(ident, time.monotonic() + seconds)
        except (asyncio.CancelledError, WorkerLate):
            await self._settle(ident)
            raise

    async def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        self._channel.send("shutdown")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), self._deadlines.shutdown)
        await self.kill()

    async def kill(self) -> None:
        """End the process, whatever it does, and reap it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._reader is not None:
            self._reader.cancel()
        self._channel.close()
        self.gone.set()

    def how_it_ended(self) -> str:
        """For the log: the exit code or signal, and the last phase."""
        code = self._process.returncode
        return f"exit {code} in phase {self.phase}" if code is not None else f"silent in phase {self.phase}"

    async def _become_ready(self, load: Mapping[str, Any], on_phase: Callable[[str], None]) -> None:
        hello = await self._expect(time.monotonic() + self._deadlines.hello)
        if hello.kind != "hello" or hello.fields.get("protocol") != wire.PROTOCOL:
            raise WorkerLost(f"protocol {hello.fields.get('protocol')} instead of {wire.PROTOCOL}")
        self._channel.send("load", **load)
        end = time.monotonic() + self._deadlines.load
        while True:
            frame = await self._expect(end)
            if frame.kind == "phase":
                self.phase = str(frame.fields.get("name"))
                on_phase(self.phase)
            elif frame.kind == "error":
                raise WorkerRefused(str(frame.fields.get("code")), str(frame.fields.get("detail")))
            elif frame.kind == "ready":
                self.told, self.phase = frame.fields, "ready"
                self._measured(frame)
                return

    async def _collect(self, ident: int, end: float) -> Spoken:
        samples = bytearray()
        while True:
            frame = await self._expect(min(end, time.monotonic() + self._deadlines.silence))
            if frame.fields.get("id") != ident:
                continue
            if frame.kind == "audio":
                samples += frame.payload
                self._channel.send("ack", id=ident, seq=frame.fields.get("seq"))
            elif frame.kind == "done":
                self._measured(frame)
                return Spoken(bytes(samples), _notes(frame))
            elif frame.kind == "error" and frame.fields.get("code") == "deadline":
                raise WorkerLate("the job's time is over")
            elif frame.kind == "error":
                raise WorkerRefused(str(frame.fields.get("code")), str(frame.fields.get("detail")))

    def _measured(self, frame: Frame) -> None:
        self.vram_bytes = max(self.vram_bytes, int(frame.fields.get("vram_bytes") or 0))
        self.rss_bytes = int(frame.fields.get("rss_bytes") or 0)

    async def _settle(self, ident: int) -> None:
        """After a cancel: wait shortly for the end of the job, so that the worker can go on; else kill it."""
        if self.gone.is_set():
            return
        self._channel.send("cancel", id=ident)
        end = time.monotonic() + self._deadlines.cancel
        try:
            while True:
                frame = await self._expect(end)
                if frame.fields.get("id") == ident and frame.kind in ("done", "error"):
                    return
        except WorkerLost:
            _log.warning("worker did not stop its job in time, killing it: pid=%d", self.pid)
            self.hung = True
            await self.kill()

    async def _expect(self, end: float) -> Frame:
        try:
            frame = await asyncio.wait_for(self._inbox.get(), max(0.0, end - time.monotonic()))
        except TimeoutError:
            raise WorkerLate(f"no answer in phase {self.phase}") from None
        if frame is None:
            raise WorkerLost(self.how_it_ended())
        return frame

    async def _read(self) -> None:
        try:
            while (frame := await self._channel.receive()) is not None:
                if frame.kind == "error" and frame.fields.get("code") in _FATAL and frame.fields.get("id") is not None:
                    self.fatal = str(frame.fields["code"])
                self._inbox.put_nowait(frame)
        except wire.WireError as error:
            _log.error("worker pid=%d broke the protocol: %s", self.pid, error)
        self._inbox.put_nowait(None)
        self.gone.set()


def _notes(frame: Frame) -> tuple[str, ...]:
    told = frame.fields.get("notes")
    return tuple(note for note in NOTES if note in told) if isinstance(told, list) else ()
