"""The real ``tts_cache`` as a process, against a hub on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import OWNER, Hub, commit, write_lock

ROOT = Path(__file__).parents[3]
ENGINE = "indextts-2.5"
QUICK = "reserve_bytes=0,silence_seconds=5,slow_bytes=1000,slow_seconds=2,patience_seconds=3,probe_seconds=5"


def noise(name: str, size: int) -> bytes:
    """Bytes that look like weights: the same for the same name."""
    return hashlib.shake_256(name.encode()).digest(size)


FILES = {
    "config.yaml": b"gpt_checkpoint: gpt.pth\ns2mel_checkpoint: s2mel.pth\nversion: 2.5\n",
    "gpt.pth": noise("gpt", 300_000),
    "s2mel.pth": noise("s2mel", 90_000),
    "hf_cache/bigvgan/config.json": b'{"a": 1}\n',
    "hf_cache/bigvgan/bigvgan_generator.pt": noise("bigvgan", 60_000),
    "qwen0.6bemo4-merge/config.json": b'{"model_type": "x"}\n',
    "qwen0.6bemo4-merge/model.safetensors": noise("qwen", 50_000),
}


@dataclass
class Ran:
    """A finished ``tts_cache``: its exit code and its events."""

    code: int
    events: list[dict[str, Any]]
    stderr: str
    seconds: float

    @property
    def failed(self) -> dict[str, Any]:
        assert self.code == 9, (self.code, self.events, self.stderr)
        assert [event["event"] for event in self.events].count("failed") == 1
        return self.events[-1]

    @property
    def done(self) -> dict[str, Any]:
        assert self.code == 0, (self.code, self.events, self.stderr)
        return self.events[-1]

    def notes(self, code: str) -> list[dict[str, str]]:
        return [event["args"] for event in self.events if event["event"] == "note" and event["code"] == code]


class Cache:
    """A cache folder, the lock for it, and ``tts_cache`` to work on it."""

    def __init__(self, interpreter: str, folder: Path, lock: Path) -> None:
        self.interpreter = interpreter
        self.folder = folder
        self.lock = lock

    def command(self, *args: str) -> list[str]:
        head, *rest = args
        return [self.interpreter, "-m", "tts_cache", head, "--cache", str(self.folder), "--lock", str(self.lock), *rest]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'images/server'}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "no_proxy": "127.0.0.1,localhost",
        }

    def start(self, *args: str, under: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*under, *self.command(*args), "--json"],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, under: tuple[str, ...] = (), **environment: str) -> Ran:
        began = time.monotonic()
        process = self.start(*args, under=under, **environment)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            raise
        return Ran(process.returncode, [json.loads(row) for row in out.splitlines()], err, time.monotonic() - began)

    def pull(self, source: str, *args: str, **environment: str) -> Ran:
        return self.run("pull", "--engine", ENGINE, "--source", source, "--limits", QUICK, *args, **environment)

    def place(self, path: str) -> Path:
        rows = json.loads(self.lock.read_text())["repositories"]
        return self.folder / "models" / rows[0]["name"].replace("/", "--") / rows[0]["revision"] / path

    def lying(self, path: str) -> int:
        """Bytes of a file that is not whole yet."""
        try:
            return (self.folder / "partial" / hashlib.sha256(FILES[path]).hexdigest()).stat().st_size
        except OSError:
            return 0

    def until_lying(self, path: str, size: int) -> None:
        """Wait until so much of a file is there."""
        end = time.monotonic() + 30
        while self.lying(path) < size:
            assert time.monotonic() < end, "not in time"
            time.sleep(0.01)

    def holds(self, *, emotion_text: bool = False) -> None:
        """Fail unless the cache holds every file, byte for byte, and nothing unfinished."""
        for path, data in FILES.items():
            if emotion_text or not path.startswith("qwen"):
                assert self.place(path).read_bytes() == data, path
        assert list((self.folder / "partial").iterdir()) == []


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A tiny model directory as upstream has it."""
    return plant(tmp_path / "weights")


def plant(root: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.fixture
def hub(weights: Path) -> Iterator[Hub]:
    with Hub(weights) as hub:
        yield hub


@pytest.fixture
def second(weights: Path) -> Iterator[Hub]:
    """Another hub with the same files."""
    with Hub(weights) as hub:
        yield hub


@pytest.fixture
def cache(interpreter: str, tmp_path: Path, weights: Path) -> Cache:
    write_lock(weights, tmp_path / "lock.json", engine=ENGINE)
    return Cache(interpreter, tmp_path / "cache", tmp_path / "lock.json")


MakeCache = Callable[..., Cache]


@pytest.fixture
def another(interpreter: str, tmp_path: Path, weights: Path) -> MakeCache:
    """Further caches: with a lock of their own when anything is said about it."""

    def make(name: str, **lock: Any) -> Cache:
        path = tmp_path / f"{name}.json"
        write_lock(weights, path, engine=ENGINE, **lock)
        return Cache(interpreter, tmp_path / name, path)

    return make


__all__ = ["ENGINE", "FILES", "OWNER", "QUICK", "Cache", "Ran", "commit", "noise", "plant"]
