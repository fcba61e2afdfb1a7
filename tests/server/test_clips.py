"""Reference clips as files: what is made is removed, whatever comes between."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path

import pytest
from tts_server.engines.builtin import Builtin
from tts_server.sound import clips
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
        async with Clips(Builtin(Ledger())).hold(UPLOAD, temporary):
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
            async with Clips(Builtin(Ledger())).hold(UPLOAD, temporary):
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
