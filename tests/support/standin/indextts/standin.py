"""What the stand-in does in the place of two neural networks: tones that tell a test what reached it.

Length follows the text; pitch follows the reference clip, the language and the emotion; loudness follows the emotion; a
little noise follows the seed. It shares upstream's habits that a deployment must know: it prints the user's text, keeps
the last speaker by the path of the clip, decodes whole clips and uses 15 s, draws random numbers for a new clip, hands
out speech and pauses in turn (with a pause of 0 the list of all speech instead), and skips weights that do not fit.

Faults on demand, as keys of config.yaml: ``standin_fault`` (``oom``, ``cuda``, ``hang``, ``crash`` or ``error`` while
loading), ``standin_load_seconds``, ``standin_pace`` (seconds of work for each second of speech), ``standin_bytes``
(memory to hold). As marks in the text: ``[[oom]]``, ``[[cuda]]``, ``[[hang]]``, ``[[crash]]``, ``[[error]]``,
``[[nan]]``, ``[[loud]]``, ``[[slow]]``, ``[[nothing]]``.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
import torch

from indextts.utils.front import TextNormalizer

RATE = 22050
REFERENCE_SECONDS = 15
LETTER_SECONDS = 0.06
SLOW_SECONDS = 1.0
TOKENS_A_SECOND = {"2.5": 25, "2": 50}
WIDTH = 256
EMOTIONS = ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
PITCH = (0.5, 0.3, -0.5, 0.2, -0.2, -0.4, 0.7, 0.0)
LOUDNESS = (0.2, 0.6, -0.4, -0.2, 0.3, -0.5, 0.2, -0.3)
LANGUAGES = {"ZH": 1.0, "EN": 1.0, "JA": 1.25, "ES": 0.8, "AR": 1.5}
WORDS = {"sad": 2, "悲": 2, "happy": 0, "高兴": 0, "angry": 1, "愤怒": 1}
SAMPLING = (
    "do_sample", "top_p", "top_k", "temperature", "length_penalty", "num_beams", "repetition_penalty", "max_mel_tokens",
)  # fmt: skip
_SETTING = re.compile(r"^(\w+)\s*:\s*(\S.*?)\s*$", re.MULTILINE)
_MARK = re.compile(r"\[\[(\w+)\]\]")


class Network(torch.nn.Module):
    """The only weights: one matrix, which the right file makes the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.tone = torch.nn.Linear(WIDTH, WIDTH)

    @torch.no_grad()
    def strength(self) -> float:
        """1.0 with the right weights, something else with others."""
        weight = self.tone.weight
        return float(self.tone(torch.ones(WIDTH, device=weight.device, dtype=weight.dtype)).float().mean())


@dataclass
class Wish:
    """The arguments of one call of ``infer``."""

    clip: str
    text: str
    language: str | None
    emotion_clip: str | None
    alpha: float
    vector: list[float] | None
    by_text: bool
    emotion_text: str | None
    random: bool
    pause: int
    tokens: int
    duration: float
    normalize: bool
    sampling: dict[str, Any]


class Core:
    """A loaded stand-in."""

    def __init__(
        self,
        version: str,
        config: str,
        model: str,
        device: str | None,
        half: bool,
        emotion_text: bool,
        auxiliary: dict[str, str] | None,
    ) -> None:
        self.version = version
        there = torch.cuda.is_available()  # asked whatever the device is, as upstream does
        self.device = device or ("cuda:0" if there else "cpu")
        self.config = dict(_SETTING.findall(Path(config).read_text(encoding="utf-8")))
        self.pace = float(self.config.get("standin_pace", 0))
        time.sleep(float(self.config.get("standin_load_seconds", 0)))
        fault(self.config.get("standin_fault", ""), "")
        self.held = bytearray(int(self.config.get("standin_bytes", 0)))
        self.network = self._weights(Path(model), auxiliary).to(self.device)
        if half and self.device != "cpu":
            self.network = self.network.to(torch.bfloat16 if version == "2.5" else torch.float16)
        self.emotion_text = emotion_text
        if emotion_text:
            json.loads((Path(model) / self.config["qwen_emo_path"] / "config.json").read_text(encoding="utf-8"))
        TextNormalizer(enable_glossary=True).load()
        self.known: tuple[str, float] | None = None
        self.known_emotion: tuple[str, float] | None = None

    def _weights(self, model: Path, auxiliary: dict[str, str] | None) -> Network:
        network = Network()
        state = torch.load(model / self.config["gpt_checkpoint"], map_location="cpu")
        missing, _ = network.load_state_dict(state, strict=False)
        if missing:
            print(f">> load_checkpoint: missing keys ({len(missing)})")
        torch.load(model / self.config["s2mel_checkpoint"], map_location="cpu")
        for name in ("w2v_stat", "spk_matrix", "emo_matrix"):
            torch.load(model / self.config[name], map_location="cpu")
        cache = model / "hf_cache"
        if self.version == "2.5":
            torch.load(model / "codec.pth", map_location="cpu")
        else:
            assert auxiliary is not None
            tensors(Path(auxiliary["semantic_codec"]))
        tensors(cache / "w2v-bert-2.0" / "model.safetensors")
        torch.load(cache / "campplus_cn_common.bin", map_location="cpu")
        torch.load(cache / "bigvgan" / "bigvgan_generator.pt", map_location="cpu")
        return network

    def whole(self, stream: Iterator[Any], path: str | None) -> Any:
        """Without streaming: a file, or rate and samples."""
        speech = torch.cat(list(stream)[::2], dim=1)
        if path:
            soundfile.write(path, (speech / 32767).numpy().T, RATE, subtype="PCM_16")
            return path
        return RATE, speech.to(torch.int16).numpy().T

    def stream(self, wish: Wish, progress: Callable[..., None] | None) -> Iterator[Any]:
        """Speech and pauses in turn."""
        tell = progress or (lambda *_, **__: None)
        print(f">> starting inference... {wish.text}")
        print(f"text: {wish.text}", file=sys.stderr)
        os.write(1, f"text: {wish.text}\n".encode())
        tell(0, desc="starting inference...")
        began = time.perf_counter()
        unknown = set(wish.sampling) - set(SAMPLING)
        if unknown:
            raise ValueError(f"The following `model_kwargs` are not used by the model: {sorted(unknown)}")
        vector = self._vector(wish)
        pitch = self._pitch(wish)
        tell(0.1, desc="text processing...")
        spoken: list[Any] = []
        for segment in self._segments(wish):
            tell(0.5, desc="speech synthesis")
            speech = self._speech(segment, wish, vector, pitch)
            time.sleep(self.pace * speech.shape[1] / RATE)
            spoken.append(speech)
            yield speech
            yield torch.zeros(1, RATE * wish.pause // 1000) if wish.pause > 0 else spoken
        print(f">> gpt_gen_time: {time.perf_counter() - began:.2f} seconds")
        torch.cat(spoken, dim=1)  # as upstream: an error for a text without a segment

    def _vector(self, wish: Wish) -> list[float] | None:
        vector = wish.vector
        if wish.by_text:
            if not self.emotion_text:
                raise RuntimeError("use_emo_text=True requires QwenEmotion, but it was not loaded")
            said = (wish.emotion_text or wish.text).lower()
            index = next((at for word, at in WORDS.items() if word in said), EMOTIONS.index("calm"))
            vector = [1.0 if at == index else 0.0 for at in range(len(EMOTIONS))]
        if vector is None:
            return None
        scale = max(0.0, min(1.0, wish.alpha)) * (random.uniform(0.5, 1.5) if wish.random else 1.0)
        return [value * scale for value in vector]

    def _pitch(self, wish: Wish) -> float:
        if self.known is None or self.known[0] != wish.clip:
            self.known = (wish.clip, heard(wish.clip))
        clip = wish.clip if wish.emotion_clip is None or wish.vector is not None or wish.by_text else wish.emotion_clip
        if self.known_emotion is None or self.known_emotion[0] != clip:
            self.known_emotion = (clip, heard(clip))
        alpha = wish.alpha if clip != wish.clip else 0.0
        pitch = self.known[1] * (1 - alpha) + self.known_emotion[1] * alpha
        return pitch * LANGUAGES.get(wish.language or "", 1.0)

    def _segments(self, wish: Wish) -> list[str]:
        text = TextNormalizer().normalize(wish.text) if wish.normalize else wish.text
        if "[[nothing]]" in text:
            return []
        segments, current = [], ""
        for part in re.findall(r"[^,.!?;，。！？；]*[,.!?;，。！？；]?", text):
            if current and units(current + part) > wish.tokens:
                segments.append(current)
                current = ""
            current += part
        return [*segments, current] if current else segments

    def _speech(self, text: str, wish: Wish, vector: list[float] | None, pitch: float) -> Any:
        mark = _MARK.search(text)
        fault(mark[1] if mark else "", text)
        letters = max(1, sum(character.isalnum() for character in _MARK.sub("", text)))
        seconds = letters * LETTER_SECONDS * wish.duration
        longest = wish.sampling.get("max_mel_tokens", 1500) / TOKENS_A_SECOND[self.version]
        if seconds > longest:
            warnings.warn("generation stopped due to exceeding `max_mel_tokens`", RuntimeWarning, stacklevel=2)
        loud = 0.3 * self.network.strength()
        if vector is not None:
            pitch *= 2 ** sum(a * b for a, b in zip(vector, PITCH, strict=True))
            loud *= 1 + sum(a * b for a, b in zip(vector, LOUDNESS, strict=True))
        moment = torch.arange(int(min(seconds, longest) * RATE)) / RATE
        wave = loud * torch.sin(2 * math.pi * pitch * moment)
        wave += 0.002 * wish.sampling.get("temperature", 0.8) * torch.randn(len(moment))
        if mark and mark[1] == "nan":
            wave[10] = float("nan")
        if mark and mark[1] == "loud":
            wave *= 10
        clamped = wave * 32767 if mark and mark[1] == "loud" else torch.clamp(32767 * wave, -32767.0, 32767.0)
        return clamped.unsqueeze(0)


def heard(path: str) -> float:
    """The pitch of a clip, by its crossings of zero; some random numbers are used up on the way, as upstream does."""
    torch.rand(17)
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = torch.from_numpy(samples).mean(dim=1)[: REFERENCE_SECONDS * rate]
    rises = int(((samples[:-1] <= 0) & (samples[1:] > 0)).sum())
    return max(60.0, min(2000.0, rises / (len(samples) / rate)))


def units(text: str) -> int:
    """Tokens of a text: words of letters, or single characters where there are no words."""
    return len(re.findall(r"[A-Za-z0-9']+|[^\sA-Za-z0-9']", text))


def tensors(path: Path) -> None:
    """Open a safetensors file as strictly as its own library."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if size > len(data):
        raise ValueError("Error while deserializing header: HeaderTooLarge")
    header = json.loads(data[8 : 8 + size])
    if 8 + size + max(row["data_offsets"][1] for row in header.values()) != len(data):
        raise ValueError("Error while deserializing header: MetadataIncompleteBuffer")


def fault(kind: str, text: str) -> None:
    """Fail as torch and its surroundings fail."""
    if kind == "oom":
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB"
        )
    if kind == "cuda":
        raise RuntimeError(
            "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronous"
        )
    if kind == "hang":
        time.sleep(3600)
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "slow":
        time.sleep(SLOW_SECONDS)
    if kind == "error":
        raise ValueError(f"cannot speak {text}")
