"""Upstream's class: found, held against what we call, constructed, and its weights counted."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts_worker.engines import EngineError
from tts_worker.engines.indextts.options import Load

_SHORT = 12
_CONFIGURED = re.compile(r"^(\w+)\s*:\s*(?:'([^']*)'|\"([^\"]*)\"|([^#\s]+))\s*(?:#.*)?$", re.MULTILINE)
_CONSTRUCTOR = ("cfg_path", "model_dir", "device", "use_cuda_kernel", "use_deepspeed", "use_accel", "use_torch_compile")
_INFER = (
    "spk_audio_prompt", "text", "output_path", "emo_audio_prompt", "emo_alpha", "emo_vector", "use_emo_text",
    "emo_text", "use_random", "interval_silence", "verbose", "max_text_tokens_per_segment", "stream_return",
)  # fmt: skip
_MOST = 0.5
"""A model of which less than this part was filled from its file speaks noise."""


def check_files(model: Path, facts: Mapping[str, Any], emotion_text: bool) -> None:
    """Every file that upstream opens is there, and its configuration stays inside the folder.

    Raises:
        EngineError: ``weights``, with the name relative to the folder.
    """
    names = [*facts["files"], *(facts["emotion_text_files"] if emotion_text else ())]
    for name in names:
        _present(model, name)
    features = "hf_cache/w2v-bert-2.0"
    if not any((model / features / name).is_file() for name in ("model.safetensors", "pytorch_model.bin")):
        raise EngineError("weights", f"{features}/model.safetensors")
    text = (model / "config.yaml").read_text(encoding="utf-8", errors="replace")
    named = {row[0]: next(filter(None, row[1:]), "") for row in _CONFIGURED.findall(text)}
    for key in facts["config_paths"]:
        if key not in named:
            raise EngineError("weights", f"config.yaml: {key} is missing")
        if Path(named[key]).is_absolute() or ".." in Path(named[key]).parts:
            raise EngineError("weights", f"config.yaml: {key} leads out of the folder")
        _present(model, named[key])


def _present(model: Path, name: str) -> None:
    try:
        with (model / name).open("rb") as file:
            if file.read(1):
                return
    except OSError:
        pass
    raise EngineError("weights", name)


def find(facts: Mapping[str, Any]) -> Any:
    """The inference class, when it takes what we are going to give it.

    Raises:
        EngineError: ``signature`` otherwise; ``engine`` when it cannot be imported.
    """
    try:
        found = getattr(importlib.import_module(facts["module"]), facts["class"])
    except ModuleNotFoundError as error:
        ours = (error.name or "").partition(".")[0] == facts["module"].partition(".")[0]
        raise EngineError("signature" if ours else "engine", f"no module {error.name}") from None
    except AttributeError:
        raise EngineError("signature", f"{facts['module']} has no {facts['class']}") from None
    check(found.__init__, (*_CONSTRUCTOR, facts["half_option"], "use_qwen_emo", *_aux(facts)), False)
    optional = [name for name in ("duration_factor", "text_normalization") if name in facts["fields"]]
    check(found.infer, (*_INFER, *(["lang"] if facts["language_argument"] else []), *optional), True)
    return found


def check(function: Callable[..., Any], given: tuple[str, ...], keywords: bool) -> None:
    """Whether a method takes these names, needs no other one, and (``keywords``) takes sampling options besides.

    Raises:
        EngineError: ``signature``, naming the first parameter that does not fit.
    """
    parameters = dict(list(inspect.signature(function).parameters.items())[1:])
    kinds = inspect.Parameter
    lacking = [name for name in given if name not in parameters]
    required = [
        name
        for name, one in parameters.items()
        if one.default is kinds.empty and one.kind not in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL)
    ]
    unknown = [name for name in required if name not in given]
    if lacking or unknown:
        what = f"has no parameter {lacking[0]}" if lacking else f"demands {unknown[0]}"
        raise EngineError("signature", f"{function.__qualname__} {what}")
    if keywords and not any(one.kind is kinds.VAR_KEYWORD for one in parameters.values()):
        raise EngineError("signature", f"{function.__qualname__} takes no sampling options")


def construct(found: Any, facts: Mapping[str, Any], load: Load, torch: Any) -> Any:
    """A loaded model. Device and precision are said outright, so that upstream chooses nothing by itself."""
    cache = load.model / "hf_cache"
    places = {
        "w2v_bert": str(cache / "w2v-bert-2.0"),
        "semantic_codec": str(cache / "semantic_codec_model.safetensors"),
        "campplus": str(cache / "campplus_cn_common.bin"),
        "bigvgan": str(cache / "bigvgan"),
    }
    arguments: dict[str, Any] = {
        "cfg_path": str(load.model / "config.yaml"),
        "model_dir": str(load.model),
        "device": "cuda:0" if load.cuda else "cpu",
        "use_cuda_kernel": False,
        "use_deepspeed": False,
        "use_accel": False,
        "use_torch_compile": False,
        facts["half_option"]: load.half,
        "use_qwen_emo": load.emotion_text,
        **dict.fromkeys(_aux(facts), places),
    }
    with counted(torch, found.__module__.partition(".")[0]) as fills:
        model = found(**arguments)
    for fill in fills:
        if fill.part < _MOST:
            raise EngineError("weights", f"{fill.name}: only {fill.part:.0%} of it is in its file")
    return model


def _aux(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return ("aux_paths",) if facts["needs_aux_paths"] else ()


@dataclass(frozen=True, slots=True)
class Fill:
    """How much of a module came from its file, by number of values: 0 to 1."""

    name: str
    part: float


@contextlib.contextmanager
def counted(torch: Any, package: str) -> Iterator[list[Fill]]:
    """Watch how the modules of a package are filled while it loads.

    Its loaders skip what does not fit and go on with random values (they print a line about it), so a wrong file would
    give noise. Values that a module is given back as they are count as not filled.
    """
    module = torch.nn.Module
    original = module.load_state_dict
    fills: list[Fill] = []

    def watched(self: Any, state: Mapping[str, Any], *rest: Any, **named: Any) -> Any:
        if type(self).__module__.partition(".")[0] != package:
            return original(self, state, *rest, **named)  # other libraries check for themselves
        own = self.state_dict()
        taken = {
            name
            for name, value in state.items()
            if name in own and value.shape == own[name].shape and value.data_ptr() != own[name].data_ptr()
        }
        total = sum(value.numel() for value in own.values())
        fills.append(Fill(type(self).__name__, sum(own[name].numel() for name in taken) / max(1, total)))
        return original(self, state, *rest, **named)

    module.load_state_dict = watched
    try:
        yield fills
    finally:
        module.load_state_dict = original


def version() -> str:
    """Version of the engine's package, with the commit that the builder took, where it is known."""
    try:
        number = importlib.metadata.version("indextts")
    except importlib.metadata.PackageNotFoundError:
        number = "unknown"
    try:
        source = json.loads((Path(sys.prefix) / "deploykit.json").read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        source = {}
    mark = str(source.get("commit") or source.get("digest") or "")
    return f"{number}+{mark[:_SHORT]}" if mark else number
