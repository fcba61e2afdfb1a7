"""What the service costs beside the bare engine: a sentence over HTTP against ``infer``, a start against a load.

The engine is the tests' stand-in with real torch, made to work a quarter of a second for each second of speech, as a
good GPU does. Needs the environments that ``./deploykit test --tier worker`` makes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import Row

ROOT = Path(__file__).parents[1]
ENGINE = "indextts-2.5"
PORT = 17862
TEXT = "The quick brown fox jumps over the lazy dog and does not look back at it even once today."
PACE = 0.25
_SERVER = ROOT / ".venv-server/bin/python"
_WORKER = ROOT / ".venv-engine/bin/python"
_STANDIN = ROOT / "tests/support/standin"

_BARE = """
import json, sys, time
from indextts.infer_v2_5 import IndexTTS2
folder, text, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = IndexTTS2(cfg_path=f"{folder}/config.yaml", model_dir=folder, device="cpu")
loaded, spent = time.time(), []
for _ in range(turns):
    began = time.perf_counter()
    engine.infer(f"{folder}/reference_voice.wav", text, None, "EN")
    spent.append(time.perf_counter() - began)
print("\\n" + json.dumps({"loaded": loaded, "seconds": spent}))
"""


def rows(turns: int = 9) -> Iterator[Row]:
    """Both comparisons; without the environments, none."""
    if not (_SERVER.exists() and _WORKER.exists()):
        print("benchmarks of the engine need: ./deploykit test --tier worker", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="dk-bench-engine-") as name:
        folder = Path(name)
        _weights(folder)
        loads, starts, bare, served = [], [], [], []
        for _ in range(3):
            began = time.time()
            told = _run_bare(folder / "model", turns)
            loads.append(told["loaded"] - began)
            bare += told["seconds"][1:]
            start, sentences = _run_service(folder, turns)
            starts.append(start)
            served += sentences[1:]
    note = f"{PACE:g} s of work a second of speech"
    yield Row("sentence over HTTP against the bare call", _middle(served), _middle(bare), "s", 1.03, note)
    yield Row("service start → model ready against loading it in a script", _middle(starts), _middle(loads), "s", None)


def _weights(folder: Path) -> None:
    sys.path.insert(0, str(ROOT))
    from tests.support import standin_weights
    from tests.support.hub import write_lock

    standin_weights.write(folder / "model", ENGINE, standin_pace=PACE)
    write_lock(folder / "model", folder / "lock.json", engine=ENGINE)
    (folder / "outputs").mkdir()
    command = ("-m", "tts_cache", "import", str(folder / "model"), "--cache", str(folder / "cache"))
    lock = ("--lock", str(folder / "lock.json"), "--engine", ENGINE)
    subprocess.run((str(_SERVER), *command, *lock), check=True, capture_output=True, env=_environment())


def _run_bare(model: Path, turns: int) -> dict[str, Any]:
    command = (str(_WORKER), "-c", _BARE, str(model), TEXT, str(turns))
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment())
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run_service(folder: Path, turns: int) -> tuple[float, list[float]]:
    """Seconds from the start of the process to a model that is ready, and those of each sentence."""
    settings = {
        "TTS_LISTEN": f"127.0.0.1:{PORT}",
        "TTS_ENGINE": ENGINE,
        "TTS_DEVICE": "cpu",
        "TTS_ENGINE_PYTHON": str(_WORKER),
        "TTS_WEIGHTS_LOCK": str(folder / "lock.json"),
        "TTS_CACHE_HUB": str(folder / "cache"),
        "TTS_OUTPUTS": str(folder / "outputs"),
        "TTS_ACCEPT_LICENSE": "true",
    }
    began = time.time()
    command, silent = (str(_SERVER), "-m", "tts_server"), subprocess.DEVNULL
    with subprocess.Popen(command, env={**_environment(), **settings}, stdout=silent, stderr=silent) as process:
        try:
            _until(f"/readyz?model={ENGINE}")
            started = time.time() - began
            _until("/startupz")  # the page is imported beside the model: sentences are timed when that is over
            return started, [_sentence() for _ in range(turns)]
        finally:
            process.terminate()


def _environment() -> Mapping[str, str]:
    path = ":".join(map(str, (ROOT / "images/server", ROOT, _STANDIN)))
    return {name: value for name, value in os.environ.items() if not name.startswith("TTS_")} | {"PYTHONPATH": path}


def _until(path: str) -> None:
    """Until this address answers 200."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if _answers(path):
            return
        time.sleep(0.02)
    raise SystemExit(f"{path} of the service with the stand-in engine never answered 200")


def _answers(path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=5):
            return True
    except OSError:
        return False


def _sentence() -> float:
    body = json.dumps({"input": TEXT, "model": ENGINE, "language": "en", "response_format": "wav"}).encode()
    address = f"http://127.0.0.1:{PORT}/v1/audio/speech"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - began


def _middle(values: list[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    from benchmarks.measure import table

    print(table(list(rows())))
