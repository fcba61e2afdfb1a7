"""Title, status, banners and figures: what the page shows of the service, anew every few seconds."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy_kit.data import table
from deploy_kit.messages import Catalogue
from deploy_kit.units import size
from tts_server.engines import memory, resources
from tts_server.engines.status import EngineState, Trouble
from tts_server.form.marks import marked
from tts_server.state import State

if TYPE_CHECKING:
    from tts_server.indextts.model import Model

_MOODS = dict.fromkeys(("ready", "asleep"), "good") | dict.fromkeys(
    ("starting", "restarting", "draining", "fetching", "loading"), "wait"
)
_COMING = (EngineState.FETCHING, EngineState.LOADING, EngineState.UNLICENSED, EngineState.FAILED, EngineState.REFUSED)


def header(say: Catalogue, state: State) -> str:
    """Title, status line, what is wrong, and how much is in use."""
    _, seen = state.readiness()
    status = seen["state"]
    known = say.has(f"webui.status.{status}")
    parts = [
        say(f"webui.status.{status if known else 'failed'}"),
        say("webui.status.engine", engine=seen["answers"] or seen["auto"]),
        say("webui.status.device", device=_device(state, seen["answers"])),
    ]
    line = " · ".join(map(html.escape, parts))
    return (
        f'<div id="hero"><div><h1>IndexTTS</h1><p>{html.escape(say("webui.subtitle"))}</p></div>'
        f'<div class="pill {_MOODS.get(status, "bad")}" role="status"><span class="dot"></span>{line}</div></div>'
        + "".join(_banners(say, state))
        + f'<p id="figures">{" · ".join(map(html.escape, _figures(say, state)))}</p>'
    )


def _device(state: State, answers: str | None) -> str:
    engine = state.team.named(answers) if state.team and answers else None
    return ((engine.device if engine else "") or "cpu").upper()


def _banners(say: Catalogue, state: State) -> Iterator[str]:
    model = state.team.model if state.team else None
    if model is None:
        return
    if model.state in _COMING:
        yield _banner(_progress(say, model), model.trouble, say)
    if model.fallback is not None:
        yield _banner(say("webui.banner.fallback"), model.fallback, say)


def _progress(say: Catalogue, model: Model) -> str:
    name, progress = table("engines")[model.name]["name"], model.progress
    key = f"webui.banner.{model.state.value}"
    if model.state is EngineState.FETCHING and progress is not None and progress.total_bytes:
        done, total = size(progress.done_bytes), size(progress.total_bytes)
        return say(key, engine=name, percent=progress.percent, done=done, total=total) + _left(say, model)
    phase = next((place.phase for place, _ in model.workers() if place.phase), "")
    return say(key, engine=name, percent="0", done="–", total="–", phase=phase or "…")


def _left(say: Catalogue, model: Model) -> str:
    if model.progress is None or model.progress.eta_seconds is None:
        return ""
    return " " + say("webui.banner.left", minutes=f"{max(1.0, model.progress.eta_seconds / 60):.0f}")


def _banner(sentence: str, trouble: Trouble | None, say: Catalogue) -> str:
    said = [sentence]
    if trouble is not None:
        said += [trouble.sentence(say.locale, part) for part in ("what", "remedy")]
    return f'<div class="banner" role="status">{marked(" ".join(filter(None, said)))}</div>'


def _figures(say: Catalogue, state: State) -> Iterator[str]:
    for card in resources.cards(state.team):
        yield say("webui.figures.vram", name=card.name, used=size(card.used_bytes), total=size(card.total_bytes))
    found = memory.look()
    yield say("webui.figures.memory", used=size(found.used_bytes), total=size(found.limit_bytes))
    yield say("webui.figures.queue", count=str(state.service.waiting if state.service else 0))
