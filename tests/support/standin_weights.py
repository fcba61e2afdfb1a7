"""Weights for the stand-in engine: every file that upstream's model directory has, small, and written without torch.

``write(folder, engine)`` makes a directory as the engine wants it; ``files(engine)`` gives the same as bytes, for a
hub.
``python -m tests.support.standin_weights FOLDER ENGINE [KEY=VALUE ...]`` does the first from a shell; keys go into
config.yaml (see `tests.support.standin.indextts.standin` for those that make it fail).
"""

from __future__ import annotations

import io
import json
import math
import struct
import sys
import wave
import zipfile
from array import array
from pathlib import Path

WIDTH = 256
EMOTION_ROWS, SPEAKER = 73, 192
RATE = 24_000
_OLDEST = (1980, 1, 1, 0, 0, 0)

Tensors = dict[str, tuple[tuple[int, ...], "array[float]"]]


def write(folder: Path, engine: str, **settings: object) -> Path:
    """A model directory, with a reference voice beside; returns the folder."""
    for name, data in (files(engine, **settings) | {"reference_voice.wav": clip(2.0, 220.0)}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def files(engine: str, **settings: object) -> dict[str, bytes]:
    """Path in the model directory to content; the same bytes each time. ``settings`` go into config.yaml."""
    version = engine.partition("-")[2]
    found = {
        "config.yaml": _config(version, settings),
        "gpt.pth": torch_file(identity()),
        "s2mel.pth": torch_file({"net.weight": _filled(64, 64)}),
        "feat1.pt": torch_file({"speakers": _filled(EMOTION_ROWS, SPEAKER)}),
        "feat2.pt": torch_file({"emotions": _filled(EMOTION_ROWS, SPEAKER)}),
        "wav2vec2bert_stats.pt": torch_file({"mean": _filled(1024), "var": _filled(1024)}),
        "hf_cache/w2v-bert-2.0/config.json": _json({"model_type": "wav2vec2-bert"}),
        "hf_cache/w2v-bert-2.0/preprocessor_config.json": _json({"feature_size": 80}),
        "hf_cache/w2v-bert-2.0/model.safetensors": safetensors_file({"weight": _filled(128, 128)}),
        "hf_cache/campplus_cn_common.bin": torch_file({"weight": _filled(64, 64)}),
        "hf_cache/bigvgan/config.json": _json({"sampling_rate": 22_050}),
        "hf_cache/bigvgan/bigvgan_generator.pt": torch_file({"weight": _filled(64, 64)}),
        "qwen0.6bemo4-merge/model.safetensors": safetensors_file({"weight": _filled(64, 64)}),
    }
    for name in ("config", "generation_config", "tokenizer", "tokenizer_config", "vocab", "added_tokens"):
        found[f"qwen0.6bemo4-merge/{name}.json"] = _json({"stand-in": name})
    for name in ("special_tokens_map.json", "chat_template.jinja", "merges.txt"):
        found[f"qwen0.6bemo4-merge/{name}"] = _json({"stand-in": name})
    if version == "2.5":
        found["codec.pth"] = torch_file({"model.weight": _filled(64, 64)})
        found["multilingual_zh_ja_yue_char_del.tiktoken"] = b"YQ== 0\n"
    else:
        found["bpe.model"] = b"stand-in\n"
        found["hf_cache/semantic_codec_model.safetensors"] = safetensors_file({"weight": _filled(64, 64)})
    return dict(sorted(found.items()))


def identity() -> Tensors:
    """The matrix with which the stand-in speaks at its right loudness."""
    matrix = array("f", bytes(4 * WIDTH * WIDTH))
    for row in range(WIDTH):
        matrix[row * WIDTH + row] = 1.0
    return {"tone.weight": ((WIDTH, WIDTH), matrix), "tone.bias": ((WIDTH,), array("f", bytes(4 * WIDTH)))}


def clip(seconds: float, pitch: float, rate: int = RATE) -> bytes:
    """A WAV file with one tone: a reference voice whose pitch a test knows."""
    samples = array("h", (int(9000 * math.sin(2 * math.pi * pitch * at / rate)) for at in range(int(seconds * rate))))
    if sys.byteorder == "big":
        samples.byteswap()
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.tobytes())
    return target.getvalue()


def torch_file(tensors: Tensors) -> bytes:
    """A state dict as ``torch.save`` writes it: an archive of one pickle and one file a tensor."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        parts = {"data.pkl": _pickle(tensors), "byteorder": sys.byteorder.encode(), "version": b"3\n"}
        parts |= {f"data/{at}": values.tobytes() for at, (_, values) in enumerate(tensors.values())}
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}", _OLDEST), data)
    return target.getvalue()


def safetensors_file(tensors: Tensors) -> bytes:
    """Length of the header, the header, the values."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        end = len(data) + len(values) * 4
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), end]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _pickle(tensors: Tensors) -> bytes:
    """Protocol 2 by hand: names of torch's functions can only be pickled where torch is installed."""
    out = b"\x80\x02}("
    for at, (name, (shape, values)) in enumerate(tensors.items()):
        storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(str(at)) + _text("cpu")
        storage += _number(len(values)) + b"tQ"
        stride = tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
        hooks = b"ccollections\nOrderedDict\n)R"
        tensor = storage + _number(0) + _numbers(shape) + _numbers(stride) + b"\x89" + hooks
        out += _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + tensor + b"tR"
    return out + b"u."


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _number(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def _numbers(numbers: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(_number, numbers)) + b"t"


def _filled(*shape: int) -> tuple[tuple[int, ...], array[float]]:
    count = math.prod(shape)
    return shape, array("f", (math.sin(at) for at in range(count)))


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _config(version: str, settings: dict[str, object]) -> bytes:
    rows = {
        "gpt_checkpoint": "gpt.pth",
        "s2mel_checkpoint": "s2mel.pth",
        "w2v_stat": "wav2vec2bert_stats.pt",
        "spk_matrix": "feat1.pt",
        "emo_matrix": "feat2.pt",
        "qwen_emo_path": "qwen0.6bemo4-merge/",
        "version": version,
        **settings,
    }
    return "".join(f"{key}: {value}\n" for key, value in rows.items()).encode()


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2], **dict(pair.split("=", 1) for pair in sys.argv[3:]))
