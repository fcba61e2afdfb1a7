"""The form: what a visitor can set, and the fields of a request that it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from deploy_kit.data import table
from tts_server.fields import upload
from tts_server.settings import Settings
from tts_server.sound import shelf
from tts_server.speech import voices

_AUTO = ("Auto · 自动", "auto")
_BUILTIN = ("espeak · Built-in · 内置", "espeak")
_TONGUES = {
    "en": "English", "zh": "中文", "ja": "日本語", "es": "Español", "ar": "العربية",
}  # fmt: skip
_EXAMPLES = (
    "Hello, and welcome! How can I help you today?",
    "你好，欢迎使用语音合成服务。",
    "我正在用 Python 写一个小工具。",
)
_FILE = '<label id="reference-label">{label}<br><input type="file" id="reference-file" accept="audio/*"></label>'
_READ_FILE = """async (...values) => {
  const file = document.querySelector('#reference-file')?.files?.[0];
  const read = (done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(',')[1] || '');
    reader.onerror = fail;
    reader.readAsDataURL(file);
  };
  values[values.length - 1] = file ? await new Promise(read) : '';
  return values;
}"""
"""The sound of a visitor's goes along with the request as text: the page takes no uploads."""


@dataclass(frozen=True, slots=True)
class Form:
    """``inputs`` are the components in order, ``fields`` makes a request of their values, ``script`` runs first."""

    inputs: tuple[Any, ...]
    fields: Callable[..., dict[str, Any]]
    script: str | None = None


def build(say: gr.I18n, settings: Settings) -> Form:
    """The components, for the configured engine."""
    text = gr.Textbox(
        label=say("text"), placeholder=say("placeholder"), lines=7, max_lines=16, autofocus=True, elem_id="text",
        max_length=settings.max_chars,
    )  # fmt: skip
    examples = gr.Dataset(
        components=[text], samples=[[example] for example in _EXAMPLES], type="index", label=say("examples"),
        elem_id="examples",
    )  # fmt: skip
    choose = f"(index) => {json.dumps(_EXAMPLES)}[index]"
    examples.click(None, [examples], [text], js=choose, queue=False, api_visibility="private")
    return _plain(say, text) if settings.engine == "espeak" else _rich(say, text, settings)


def _plain(say: gr.I18n, text: gr.Textbox) -> Form:
    """For the built-in voice alone."""
    with gr.Row():
        voice = gr.Dropdown(_voices(), value="auto", label=say("voice"), elem_id="voice", min_width=200)
        language = _language(say, ("en", "zh"))
    limits = table("espeak")
    with gr.Row():
        speed = _slider(say, "speed", limits["speed"], 0.05)
        pitch = _slider(say, "pitch", limits["pitch"], 1)

    def fields(spoken: str, who: str, tongue: str, fast: float, high: float) -> dict[str, Any]:
        return {"input": spoken, "voice": who, "language": tongue, "speed": fast, "pitch": high}

    return Form((text, voice, language, speed, pitch), fields)


def _rich(say: gr.I18n, text: gr.Textbox, settings: Settings) -> Form:
    """For an IndexTTS engine beside it."""
    facts = table("engines")[settings.engine]
    limits = facts["fields"]
    with gr.Row():
        engine = gr.Dropdown(
            [_AUTO, (facts["name"], settings.engine), _BUILTIN], value="auto", label=say("engine"), elem_id="engine",
            min_width=180,
        )  # fmt: skip
        voice = gr.Dropdown(
            _voices(settings.cache_hub), value="auto", label=say("voice"), elem_id="voice", min_width=200
        )
        language = _language(say, tuple(facts["languages"]))
    gr.HTML(_FILE.format(label=say("reference")), elem_id="reference-part")
    duration = _slider(say, "duration", limits.get("duration_factor", _fixed()), 0.05)
    duration.visible = "duration_factor" in limits
    with gr.Accordion(say("emotion"), open=False, elem_id="emotion"):
        described = gr.Textbox(
            value="", label=say("emo_text"), elem_id="emo_text", max_length=limits["emo_text"]["maximum_characters"]
        )
        alpha = _slider(say, "emo_alpha", limits["emo_alpha"], 0.05)
        with gr.Row():
            vector = [
                _slider(say, f"emo_{name}", limits["emo_vector"] | {"default": 0}, 0.05, 150)
                for name in facts["emotion"]["order"]
            ]
    sound = gr.Textbox(value="", visible=False, max_length=upload.encoded_limit(facts), elem_id="reference")
    fields = _Fields(settings.engine, len(vector))
    return Form((text, engine, voice, language, duration, described, alpha, *vector, sound), fields, _READ_FILE)


@dataclass(frozen=True, slots=True)
class _Fields:
    """From the values of the rich form to a request: only what the visitor has touched."""

    engine: str
    emotions: int

    def __call__(
        self, text: str, model: str, voice: str, language: str, duration: float, described: str, alpha: float,
        *rest: Any,
    ) -> dict[str, Any]:  # fmt: skip
        vector, sound = list(rest[: self.emotions]), rest[self.emotions]
        fields: dict[str, Any] = {"input": text, "model": model, "voice": voice, "language": language}
        if model == "espeak":
            return fields | {"speed": 1 / duration}
        if duration != 1.0:
            fields["duration_factor"] = duration
        if described.strip():
            fields |= {"emo_text": described, "emo_alpha": alpha}
        elif any(vector):
            fields |= {"emo_vector": vector, "emo_alpha": alpha}
        return fields | ({"reference_audio": sound} if sound else {})


def _fixed() -> dict[str, float]:
    return {"minimum": 0.5, "maximum": 2.0, "default": 1.0}


def _language(say: gr.I18n, tongues: tuple[str, ...]) -> gr.Dropdown:
    choices = [_AUTO, *((_TONGUES[tongue], tongue) for tongue in tongues)]
    return gr.Dropdown(choices, value="auto", label=say("language"), elem_id="language", min_width=140)


def _slider(say: gr.I18n, name: str, limits: dict[str, Any], step: float, width: int = 220) -> gr.Slider:
    return gr.Slider(
        limits["minimum"], limits["maximum"], limits["default"], step=step, label=say(name), elem_id=name,
        min_width=width,
    )  # fmt: skip


def _voices(cache_hub: Path | None = None) -> list[tuple[str, str]]:
    own = shelf.users(cache_hub / shelf.FOLDER) if cache_hub is not None else {}
    built_in = [(voice.name, voice.id) for voice in voices.catalogue().values()]
    return [_AUTO, *((name, name) for name in own), *built_in]
