"""Reference clips as files: what is made is removed, whatever comes between."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tts_server.engines.builtin import Builtin
from tts_server.sound import clips, shelf
from tts_server.sound.clips import Clips
from tts_server.speech.request import Reference
from tts_server.start.ledger import Ledger

UPLOAD = Reference("upload", "reference_audio", b"fLaC" + bytes(1000))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_full_disk_keeps_no_half_of_an_upload(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:500])
        raise OSError(errno.ENOSPC, "No space left on device")

    async def hold() -> None:
        async with Clips(Builtin(Ledger()), temporary).hold(UPLOAD):
            pass

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(hold())

    assert files(temporary) == []


def test_an_upload_whose_request_ends_while_it_is_written_is_removed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, store = threading.Event(), threading.Event(), clips._store

    def slow(path: Path, data: bytes) -> None:
        begun.set()
        go_on.wait(10)
        store(path, data)

    async def give_up() -> None:
        async def hold() -> None:
            async with Clips(Builtin(Ledger()), temporary).hold(UPLOAD):
                pass

        job = asyncio.create_task(hold())
        await asyncio.to_thread(begun.wait, 10)
        job.cancel()
        await asyncio.sleep(0.05)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await job
        await asyncio.sleep(0.05)

    monkeypatch.setattr(clips, "_store", slow)
    asyncio.run(give_up())

    assert files(temporary) == []


@pytest.fixture
def silent_mount(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The folder of clips does not answer until the event is set."""
    answer, users = threading.Event(), shelf.users

    def slow(folder: Path) -> dict[str, Path]:
        answer.wait(60)
        return users(folder)

    monkeypatch.setattr(shelf, "users", slow)
    monkeypatch.setattr(shelf, "_PATIENCE", 0.2)
    yield answer
    answer.set()


def test_a_folder_that_hangs_holds_up_nobody_and_is_asked_again_when_it_answers(
    tmp_path: Path, silent_mount: threading.Event
) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices/anna.wav").touch()

    async def work() -> None:
        found = shelf.Shelf(tmp_path)
        silent_mount.set()
        assert list(await found.clips()) == ["anna"]
        (tmp_path / "voices/bert.wav").touch()
        silent_mount.clear()
        ticks = asyncio.create_task(_ticks())
        assert list(await found.clips()) == ["anna"], "what was seen last"
        began, threads = time.monotonic(), threading.active_count()
        for _ in range(100):
            await found.clips()
        assert time.monotonic() - began < 20, "nobody waits for it twice"
        assert threading.active_count() == threads
        assert not ticks.done(), "the loop stood still"
        ticks.cancel()
        silent_mount.set()
        for _ in range(500):
            if list(await found.clips()) == ["anna", "bert"]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the folder answers, and nobody looks")

    asyncio.run(asyncio.wait_for(work(), 60))


async def _ticks() -> None:
    """Fails when the loop stands still."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        assert time.monotonic() - before < 5


def test_a_look_that_was_given_up_does_not_hold_up_the_exit(tmp_path: Path, silent_mount: threading.Event) -> None:
    began = time.monotonic()
    assert asyncio.run(shelf.Shelf(tmp_path).clips()) == {}
    assert time.monotonic() - began < 30, "half of what the folder takes"
