"""A server with an IndexTTS engine whose workers are scripted, on a machine whose GPUs are, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.server.running import ROOT, Running
from tests.support.hub import write_lock

ENGINE = "indextts-2.5"
CARD = "GPU-11111111-1111-1111-1111-111111111111"
OTHER = "GPU-22222222-2222-2222-2222-222222222222"
GIB = 1024**3
FILES = {
    "config.yaml": b"gpt_checkpoint: gpt.pth\nversion: 2.5\n",
    "gpt.pth": b"weights " * 4000,
    "qwen0.6bemo4-merge/config.json": b"{}",
}
DEADLINES = {"hello": 10, "load": 4, "silence": 5, "cancel": 1, "shutdown": 2}


class Stage:
    """What stands around the server: weights, the engine's Python, tables with short deadlines, GPUs."""

    def __init__(self, folder: Path, interpreter: str, start: Callable[..., Running], stubs: Path) -> None:
        self.folder = folder
        self.interpreter = interpreter
        self.weights = folder / "weights"
        self.lock = folder / "lock.json"
        self.cache = folder / "cache_hub"
        self.script = folder / "script.json"
        self.gpu = folder / "gpu"
        self._start = start
        self._stubs = stubs
        self._packages = folder / "packages"
        for path, data in FILES.items():
            (self.weights / path).parent.mkdir(parents=True, exist_ok=True)
            (self.weights / path).write_bytes(data)
        write_lock(self.weights, self.lock, engine=ENGINE)
        self.cache.mkdir()
        self.python = self._engine()
        self.tables()

    def tables(self, **changes: Any) -> None:
        """The product's own tables, but that a load needs little memory of this machine, and nobody waits long."""
        if not self._packages.exists():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / "deploy_kit", self._packages / "deploy_kit", ignore=ignore)
        path = self._packages / "deploy_kit/data/engines.json"
        document = json.loads((ROOT / "deploy_kit/data/engines.json").read_text(encoding="utf-8"))
        for row in document.values():
            row["deadlines"] = {"cuda": DEADLINES, "cpu": DEADLINES}
            for device in ("cpu", "cuda"):
                row["memory"][device] |= {"load_bytes": 1_000_000, "emotion_text_bytes": 1_000_000}
            for name, value in changes.items():
                row[name] = value if not isinstance(value, dict) else {**row[name], **value}
        path.write_text(json.dumps(document), encoding="utf-8")

    def fill(self, *, emotion_text: bool = True) -> None:
        """Put the weights into cache_hub, as a job would."""
        command = [self.interpreter, "-m", "tts_cache", "pull", "--cache", str(self.cache), "--lock", str(self.lock)]
        command += ["--engine", ENGINE, "--source", str(self.weights)]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'images/server'}:{ROOT}"}
        subprocess.run([*command, *(["--emotion-text"] if emotion_text else [])], env=env, check=True)

    def cards(self, *uuids: str, total: int = 16 * GIB, used: int = 0, **more: Any) -> None:
        """The GPUs of the machine from now on."""
        rows: dict[str, Any] = {"count": len(uuids), "total": total, "used": used, **more}
        rows |= {f"uuid.{number}": uuid for number, uuid in enumerate(uuids)}
        partial = self.gpu.with_suffix(".part")
        partial.write_text("".join(f"{name}={value}\n" for name, value in rows.items()))
        partial.rename(self.gpu)

    def tell(self, **script: Any) -> None:
        """What the workers do from now on."""
        partial = self.script.with_suffix(".part")
        partial.write_text(json.dumps(script))
        partial.rename(self.script)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What the workers were asked for: ``load`` or ``speak``."""
        log = Path(f"{self.script}.log")
        rows = [json.loads(row) for row in log.read_text().splitlines()] if log.exists() else []
        return [row for row in rows if row["kind"] == kind]

    def serve(self, *, wait: str | None = "/readyz", **settings: str) -> Running:
        """Start the server."""
        there = {
            "PYTHONPATH": f"{ROOT / 'images/server'}:{self._packages}:{ROOT}",
            "TTS_ENGINE": ENGINE,
            "TTS_ENGINE_PYTHON": str(self.python),
            "TTS_WEIGHTS_LOCK": str(self.lock),
            "TTS_WEIGHTS_SOURCE": str(self.weights),
            "TTS_CACHE_HUB": str(self.cache),
            "FAKE_WORKER": str(self.script),
            "LD_LIBRARY_PATH": str(self._stubs),
            "STUB_GPU": str(self.gpu),
        }
        if not self.gpu.exists():
            there["NVIDIA_VISIBLE_DEVICES"] = "void"
        return self._start(wait=wait, **(there | settings))

    def built_without_cuda(self) -> None:
        (self.python.parent.parent / "deploykit.json").write_text(json.dumps({"variant": "cpu", "cuda": None}))

    def _engine(self) -> Path:
        place = self.folder / "engine/bin/python"
        place.parent.mkdir(parents=True)
        fake = ROOT / "tests/server/fake_worker.py"
        place.write_text(f'#!/bin/sh\nexec {self.interpreter} {fake} "$@"\n')
        place.chmod(0o755)
        (place.parent.parent / "deploykit.json").write_text(json.dumps({"variant": "cu128", "cuda": "12.8"}))
        return place


def engine(server: Running) -> dict[str, Any]:
    """The engine's part of `/readyz`."""
    found: dict[str, Any] = server.get("/readyz").json["engines"][ENGINE]
    return found
