"""The page's sentences: labels are translated by the browser, answers by the language it asks for."""

from __future__ import annotations

import html

import gradio as gr

from deploy_kit.messages import Catalogue, topic
from tts_server.asgi import locale_of
from tts_server.state import State

_CHINESE = ("zh-CN", "zh-TW", "zh-HK", "zh-Hans", "zh-Hant")
_ENGINES = {"ready": "good", "starting": "wait", "restarting": "wait", "draining": "wait"}


def translations() -> gr.I18n:
    """All labels, for each tag that a browser may send."""
    english, chinese = topic("en", "webui"), topic("zh", "webui")
    return gr.I18n(en=english, zh=chinese, **dict.fromkeys(_CHINESE, chinese))


def speaker(request: gr.Request | None, state: State) -> Catalogue:
    """The catalogue in the language of whoever looks at the page."""
    accepted = request.headers.get("accept-language", "") if request is not None else ""
    return Catalogue(locale_of(accepted, state.settings.locale))


def header(say: Catalogue, state: State) -> str:
    """Title and status line."""
    _, seen = state.readiness()
    status = seen["state"]
    mood = _ENGINES.get(status, "bad")
    parts = [
        say(f"webui.status.{status if say.has(f'webui.status.{status}') else 'failed'}"),
        say("webui.status.engine", engine=seen["auto"]),
        say("webui.status.device", device=seen["device"].upper()),
    ]
    line = " · ".join(map(html.escape, parts))
    return (
        f'<div id="hero"><div><h1>IndexTTS</h1><p>{html.escape(say("webui.subtitle"))}</p></div>'
        f'<div class="pill {mood}" role="status"><span class="dot"></span>{line}</div></div>'
    )


def result(say: Catalogue, values: dict[str, str]) -> str:
    """The line below the sound: who spoke, how long, how fast."""
    return html.escape(say.text("webui.result", values))
