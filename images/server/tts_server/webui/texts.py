"""The page's sentences: labels are translated by the browser, answers by the language it asks for."""

from __future__ import annotations

import html

import gradio as gr

from deploy_kit.messages import Catalogue, topic
from tts_server.asgi import locale_of
from tts_server.form.marks import marked
from tts_server.state import State

_CHINESE = ("zh-CN", "zh-TW", "zh-HK", "zh-Hans", "zh-Hant")


def translations() -> gr.I18n:
    """All labels, for each tag that a browser may send."""
    english, chinese = topic("en", "webui"), topic("zh", "webui")
    return gr.I18n(en=english, zh=chinese, **dict.fromkeys(_CHINESE, chinese))


def speaker(request: gr.Request | None, state: State) -> Catalogue:
    """The catalogue in the language of whoever looks at the page."""
    accepted = request.headers.get("accept-language", "") if request is not None else ""
    return Catalogue(locale_of(accepted, state.settings.locale))


def result(say: Catalogue, values: dict[str, str], notes: tuple[str, ...] = ()) -> str:
    """The line below the sound: who spoke, how long, how fast; then what the engine remarked."""
    remarks = (f'<br><span class="remark">{marked(say(f"server.note.{note}"))}</span>' for note in notes)
    return html.escape(say.text("webui.result", values)) + "".join(remarks)
