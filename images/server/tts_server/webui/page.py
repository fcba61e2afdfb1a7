"""The page: a text, a voice, a button, a sound. It calls the same service as the API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from tts_server.refusal import Refusal
from tts_server.sound.audio import wav_header
from tts_server.speech.request import SpeechRequest, body_limit, check
from tts_server.speech.service import Service, means
from tts_server.speech.ticket import Ticket
from tts_server.state import State

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr

from tts_server.form import inputs, status
from tts_server.form.marks import marked
from tts_server.webui import texts
from tts_server.webui.gate import Gate

_STYLE = Path(__file__).with_name("page.css")
_KEEP_SECONDS = 3600
_SWEEP_SECONDS = 300
_REFRESH_SECONDS = 5
_POLL_SECONDS = 0.05
_HEAD = """<meta name="color-scheme" content="light dark"><style>@media (max-width: 640px) {
  .gradio-container.gradio-container { padding: 0 4px 16px !important }
  .gradio-container .main.app { padding: 8px !important } }</style>"""
"""In the head, because Gradio puts a prefix before each rule of the style sheet: the outer frames are out of reach."""


def mount(state: State) -> tuple[FastAPI, Gate]:
    """The page in an application of its own, whose lifespan must be entered, and the gate that leads to it."""
    service = state.service
    assert service is not None
    folder = (service.folder or Path("/tmp")) / "page"  # noqa: S108 - last resort; the preflight has warned
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    page = build(state, service, folder)
    shell = FastAPI(openapi_url=None)
    gr.mount_gradio_app(
        shell, page, path="/", i18n=texts.translations(), footer_links=[], run_history=False,
        max_file_size="1kb", ssr_mode=False, show_error=False, enable_monitoring=False, theme=_theme(),
        css_paths=[_STYLE], head=_HEAD,
    )  # fmt: skip
    return shell, Gate(shell, page, folder, body_limit(state.settings.max_chars, state.settings.engine))


@dataclass(frozen=True, slots=True)
class _Parts:
    """The components of the page that something happens to."""

    hero: gr.HTML
    form: inputs.Form
    speak: gr.Button
    stop: gr.Button
    sound: gr.Audio
    note: gr.HTML


def build(state: State, service: Service, folder: Path) -> gr.Blocks:
    """The page's parts and what they do."""
    say = texts.translations()
    page: gr.Blocks
    with gr.Blocks(title="IndexTTS", analytics_enabled=False, delete_cache=(_SWEEP_SECONDS, _KEEP_SECONDS)) as page:
        hero = gr.HTML(status.header(texts.speaker(None, state), state), padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                form = inputs.build(say, state.settings)
                speak, stop = _buttons(say)
            with gr.Column(scale=2, min_width=320):
                sound, note = _result(say)
        _wire(page, _Parts(hero, form, speak, stop, sound, note), state, _Speaker(state, service, folder))
    page.has_launched = True  # a mounted page counts as not launched, and such a page may read any file
    page.queue(default_concurrency_limit=None)  # only the service admits
    page._queue.sleep_when_free = _POLL_SECONDS  # noqa: SLF001 - its 1 ms would cost 6 % of a core for ever
    return page


def _buttons(say: gr.I18n) -> tuple[gr.Button, gr.Button]:
    with gr.Row():
        speak = gr.Button(say("speak"), variant="primary", size="lg", elem_id="speak", scale=4)
        stop = gr.Button(say("stop"), size="lg", elem_id="stop", scale=1, min_width=90)
    return speak, stop


def _result(say: gr.I18n) -> tuple[gr.Audio, gr.HTML]:
    note = gr.HTML(elem_id="note")
    sound = gr.Audio(
        label=say("sound"), type="filepath", interactive=False, autoplay=True, buttons=["download"], elem_id="sound"
    )
    return sound, note


@dataclass(frozen=True, slots=True)
class _Speaker:
    """What the button does."""

    state: State
    service: Service
    folder: Path

    async def speak(self, fields: dict[str, Any], request: gr.Request) -> tuple[Any, str]:
        """The sound's file and the line below it; on an error the old sound stays, and the line says what is wrong."""
        say = texts.speaker(request, self.state)
        try:
            wanted = check(
                fields, engine=self.state.settings.engine, max_chars=self.state.settings.max_chars,
                means=await means(self.state),
            )  # fmt: skip
            path, facts, notes = await _record(self.service, wanted, self.folder)
        except Refusal as refusal:
            return gr.skip(), _fault(refusal.sentence(say.locale))
        except OSError:
            return gr.skip(), _fault(say("webui.no_space"))
        return str(path), texts.result(say, facts, notes)


def _wire(page: gr.Blocks, parts: _Parts, state: State, speaker: _Speaker) -> None:
    async def on_speak(request: gr.Request, *values: Any) -> tuple[Any, str]:
        return await speaker.speak(parts.form.fields(*values), request)

    def on_load(request: gr.Request) -> str:
        return status.header(texts.speaker(request, state), state)

    speaking = parts.speak.click(
        on_speak, list(parts.form.inputs), [parts.sound, parts.note], concurrency_limit=None, js=parts.form.script,
        show_progress_on=[parts.sound], api_visibility="private",
    )  # fmt: skip
    parts.stop.click(None, cancels=[speaking], queue=False, api_visibility="private")
    page.load(on_load, None, parts.hero, show_progress="hidden", queue=False, api_visibility="private")
    timer = gr.Timer(_REFRESH_SECONDS)
    timer.tick(on_load, None, parts.hero, show_progress="hidden", queue=False, api_visibility="private")


async def _record(
    service: Service, wanted: SpeechRequest, folder: Path
) -> tuple[Path, dict[str, str], tuple[str, ...]]:
    """Speak into a file of its own folder (its name cannot be guessed); the file, what to tell about it, and notes."""
    began = time.monotonic()
    await asyncio.to_thread(_sweep, folder)
    path = folder / secrets.token_hex(16) / "speech.wav"
    with service.admit(wanted) as ticket:
        path.parent.mkdir(parents=True)
        try:
            size = await _write(path, ticket, ticket.rate)
        except BaseException:
            path.unlink(missing_ok=True)
            path.parent.rmdir()
            raise
    facts = {
        "seconds": f"{size / 2 / ticket.rate:.1f}", "work": f"{time.monotonic() - began:.2f}",
        "voice": ", ".join(ticket.request.voices), "engine": ticket.request.model,
    }  # fmt: skip
    return path, facts, ticket.notes


async def _write(path: Path, ticket: Ticket, rate: int) -> int:
    """Write a WAV file sentence by sentence; bytes of samples."""
    size = 0
    with path.open("wb") as file:
        file.write(wav_header(0, rate))
        async with aclosing(ticket.samples()) as sentences:
            async for samples in sentences:
                await asyncio.to_thread(file.write, samples)
                size += len(samples)
        file.seek(0)
        file.write(wav_header(size, rate))
    return size


def _fault(sentence: str) -> str:
    return f'<span class="fault" role="alert">{marked(sentence)}</span>'


def _sweep(folder: Path) -> None:
    """Remove recordings that are over their time: those of an earlier process, and the folders Gradio leaves."""
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.stat().st_mtime < time.time() - _KEEP_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)


def _theme() -> gr.themes.Base:
    """Soft colours, and only fonts that are there: nothing is fetched."""
    fonts = ("system-ui", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
    return gr.themes.Soft(
        primary_hue="indigo", secondary_hue="indigo", neutral_hue="slate", radius_size="lg", font=fonts,
        font_mono=("ui-monospace", "Menlo", "Consolas", "monospace"),
    )  # fmt: skip
