"""One IndexTTS engine in this process: the GPU judged, upstream imported, weights loaded, one sentence spoken."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy_kit.data import table
from tts_worker import log, memory
from tts_worker.engines import EngineError, Report
from tts_worker.engines.indextts import faults, upstream
from tts_worker.engines.indextts.clips import Clips
from tts_worker.engines.indextts.options import Load
from tts_worker.engines.indextts.prints import Listener
from tts_worker.engines.indextts.speaker import Speaker
from tts_worker.guard import child, kernel
from tts_worker.guard.verdict import Verdict
from tts_worker.guard.watch import Deadline
from tts_worker.home import Home

_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "USE_MODELSCOPE": "false"}
_WARM_UP = "你好。"
_WARM_UP_ON_CPU = {"num_beams": 1, "max_mel_tokens": 50}


class IndexTts:
    """IndexTTS-2.5 or IndexTTS-2, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._facts: dict[str, Any] = table("engines")[name]
        self.rate = int(self._facts["rate"])
        self._home: Home | None = None
        self._speaker: Speaker | None = None

    def load(self, options: dict[str, Any], report: Report) -> dict[str, Any]:
        """Judge the GPU, import, load the weights, speak once. Raises `EngineError`."""
        load = Load.of(options)
        printed, home = self._settle()
        upstream.check_files(load.model, self._facts, load.emotion_text)
        verdict = _guard(load, self._facts, report)
        with faults.of_load(load.model):
            report.phase("imports")
            torch = _torch(load)
            found = upstream.find(self._facts)
            report.phase("weights")
            model = upstream.construct(found, self._facts, load, torch)
        clips = Clips(home.folder / "clips", self._facts["reference"])
        speaker = self._speaker = Speaker(model, torch, self._facts, load, clips, printed)
        if load.warm_up is not None:
            report.phase("warm-up")
            _warm_up(speaker, load.warm_up)
        return self._capabilities(speaker, verdict)

    def speak(self, fields: dict[str, Any], emit: Callable[[bytes], bool]) -> dict[str, Any]:
        """Do one job, a segment at a time. Raises `EngineError`."""
        assert self._speaker is not None, "speak before load"
        return self._speaker.speak(fields, emit)

    def close(self) -> None:
        """Remove the folder of this process."""
        if self._home is not None:
            self._home.leave()

    def _settle(self) -> tuple[Listener, Home]:
        """Close the streams and make a home, before anything foreign is imported."""
        log.hush()
        sys.stdout = printed = Listener()
        home = self._home = Home()
        home.enter()
        os.environ.update(_OFFLINE)
        return printed, home

    def _capabilities(self, speaker: Speaker, verdict: Verdict) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "device": speaker.device,
            "name": verdict.name,
            "capability": verdict.capability,
            "half": speaker.load.half,
            "emotion_text": speaker.load.emotion_text,
            "torch": str(speaker.torch.__version__),
            "engine_version": upstream.version(),
            **memory.figures(speaker.torch, speaker.device),
        }


def _guard(load: Load, facts: dict[str, Any], report: Report) -> Verdict:
    """Both stages for a GPU; nothing at all for a CPU. Raises `EngineError` with the verdict's code."""
    if not load.cuda:
        return Verdict()
    report.phase("guard-driver")
    verdict = child.judge()
    if verdict.code is None:
        report.phase("guard-kernel")
        seconds = table("guard")["seconds"]["kernel"]
        late = f"no end of the kernel within {seconds:g} s"
        with Deadline(seconds, lambda: report.give_up("GPU-PROBE-HUNG", late)):
            verdict = kernel.judge(verdict, facts["half_dtype"] if load.half else None)
    if verdict.code is not None:
        raise EngineError(verdict.code, verdict.detail)
    return verdict


def _torch(load: Load) -> Any:
    """torch, told how many threads it may use and, for a CPU, that there is no GPU."""
    torch = importlib.import_module("torch")
    if load.threads > 0:
        torch.set_num_threads(load.threads)
    if not load.cuda:
        # upstream and its libraries ask even when the device is the CPU, and asking starts the driver
        torch.cuda.is_available = lambda: False
        torch.cuda.device_count = lambda: 0
    return torch


def _warm_up(speaker: Speaker, clip: Path) -> None:
    """The first sentence of a process is slow, and shows whether the model works at all. Raises `EngineError`."""
    job: dict[str, Any] = {
        "text": _WARM_UP,
        "language": "zh",
        "reference": str(clip),
        "seed": 0,
        "pause": False,
        "sampling": {} if speaker.load.cuda else _WARM_UP_ON_CPU,
    }
    try:
        speaker.speak(job, lambda _: True)
    except EngineError as error:
        if error.code == "cuda":  # judged as in the guard
            code, _, words = error.detail.partition(": ")
            raise EngineError(code, words) from None
        if error.code == "out_of_memory":
            raise
        raise EngineError("engine", f"warm-up: {error.code}: {error.detail}") from None
