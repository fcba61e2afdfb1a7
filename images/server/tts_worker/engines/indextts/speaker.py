"""A loaded model, spoken with one job after the other."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tts_worker import memory
from tts_worker.engines import EngineError
from tts_worker.engines.indextts import faults, sound
from tts_worker.engines.indextts.clips import Clip, Clips
from tts_worker.engines.indextts.options import Emotion, Feeling, Job, Load
from tts_worker.engines.indextts.prints import Listener

_UPSTREAM_PAUSE = 1
"""Milliseconds; what upstream inserts is thrown away, but with 0 its stream holds something else than sound."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Upstream's object and what it is used with.

    Attributes:
        facts: The engine's row of ``data/engines.json``.
        load: As what it was loaded.
        printed: Standard output, for the timings that upstream prints.
    """

    model: Any
    torch: Any
    facts: Mapping[str, Any]
    load: Load
    clips: Clips
    printed: Listener

    @property
    def device(self) -> str:
        return "cuda:0" if self.load.cuda else "cpu"

    def speak(self, fields: Mapping[str, Any], emit: Callable[[bytes], bool]) -> dict[str, Any]:
        """Do one job, a segment at a time; what ``done`` says of it. Raises `EngineError`."""
        job = Job.of(fields, self.facts)
        described = job.feeling.text if job.feeling else None
        with faults.of_job(job.text, described or ""):
            return self._speak(job, emit)

    def _speak(self, job: Job, emit: Callable[[bytes], bool]) -> dict[str, Any]:
        voice = self.clips.hold(job.reference)
        feeling, clip = self._feeling(job.feeling)
        seed = int.from_bytes(os.urandom(4), "big") if job.seed is None else job.seed
        if not any(character.isalnum() for character in job.text):
            return self._nothing(job, emit, seed)
        self._sow(seed)
        self.printed.take()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", RuntimeWarning)
            count = self._forward(self.model.infer(**self._call(job, voice), **feeling), job, emit)
        notes = {
            "reference_cut": voice.cut,
            "emotion_reference_cut": clip is not None and clip.cut,
            "speech_cut": any("max_mel_tokens" in str(one.message) for one in warned),
        }
        return {
            "seed": seed,
            "segments": count,
            "notes": [name for name, given in notes.items() if given],
            "timings": self.printed.take(),
            **memory.figures(self.torch, self.device),
        }

    def _call(self, job: Job, voice: Clip) -> dict[str, Any]:
        """The arguments of ``infer`` but for the emotion."""
        can = self.facts["fields"]
        return {
            "spk_audio_prompt": str(voice.path),
            "text": job.text,
            "output_path": None,
            "use_random": job.random,
            "interval_silence": _UPSTREAM_PAUSE,
            "verbose": False,
            "max_text_tokens_per_segment": job.tokens,
            "stream_return": True,
            **({"lang": self.facts["languages"][job.language]} if self.facts["language_argument"] else {}),
            **({"duration_factor": job.duration} if "duration_factor" in can else {}),
            **({"text_normalization": job.normalize} if "text_normalization" in can else {}),
            **job.sampling,
        }

    def _feeling(self, feeling: Feeling | None) -> tuple[dict[str, Any], Clip | None]:
        """The arguments of ``infer`` for the emotion, and the clip that carries it."""
        if feeling is None:
            return {}, None
        if feeling.kind is Emotion.VECTOR:
            return {"emo_vector": list(feeling.vector), "emo_alpha": feeling.alpha}, None
        if feeling.kind is Emotion.TEXT:
            if not self.load.emotion_text:
                raise EngineError("emotion_text", "the model of emotion by text is not loaded")
            return {"use_emo_text": True, "emo_text": feeling.text, "emo_alpha": feeling.alpha}, None
        assert feeling.clip is not None, "an emotion by sound has a clip"
        clip = self.clips.hold(feeling.clip)
        return {"emo_audio_prompt": str(clip.path), "emo_alpha": feeling.alpha}, clip

    def _forward(self, stream: Any, job: Job, emit: Callable[[bytes], bool]) -> int:
        """Hand each segment over, pauses between them; the number of segments. Stops between two when told to."""
        pause = sound.silence(job.silence, int(self.facts["rate"]))
        count = 0
        with contextlib.closing(stream):
            for spoken in sound.segments(stream, self.torch):
                if not emit(pause + spoken if count else spoken):
                    return count
                count += 1
        if not count:
            raise EngineError("synthesis", "no sound came of this text")
        if job.pause and pause:
            emit(pause)
        return count

    def _nothing(self, job: Job, emit: Callable[[bytes], bool], seed: int) -> dict[str, Any]:
        """A pause: between two sentences there may be a piece without a letter, of which the model would babble."""
        emit(sound.silence(max(1, job.silence), int(self.facts["rate"])))
        figures = memory.figures(self.torch, self.device)
        return {"seed": seed, "segments": 0, "notes": ["nothing_spoken"], "timings": {}, **figures}

    def _sow(self, seed: int) -> None:
        """The same seed, the same sound; nothing of it is taken back, the next job sows anew.

        A new reference uses up random numbers (its model draws one a layer, for nothing) and a known one does not, so
        torch is sown once more behind the references: upstream tells its progress there.
        """
        random.seed(seed)
        importlib.import_module("numpy").random.seed(seed)
        self.torch.manual_seed(seed)
        pending = [seed]

        def begun(*_: Any, desc: str = "") -> None:
            if pending and not desc.startswith("starting"):
                self.torch.manual_seed(pending.pop())

        self.model.gr_progress = begun
