"""``GET /v1/models`` and ``GET /v1/audio/voices``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tts_server.fields.plain import shown
from tts_server.refusal import Refusal
from tts_server.speech import voices
from tts_server.state import State

_CREATED = 1_760_000_000
"""OpenAI's list wants a date for a model; engines have none, so it is a constant."""


def add(app: FastAPI, state: State) -> None:
    """Add both lists."""
    engine = state.settings.engine
    names = list(dict.fromkeys(("auto", engine, "espeak")))

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The engines, and ``auto``."""
        return {"object": "list", "data": [_model(state, name) for name in names]}

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        """One engine."""
        if name not in names:
            raise Refusal("model_not_found", "model", name=shown(name), known=", ".join(names))
        return _model(state, name)

    @app.get("/v1/audio/voices")
    async def list_voices() -> dict[str, Any]:
        """The voices, with their other names; for an engine that speaks like a clip, the clips."""
        if engine == "espeak":
            return {"voices": [_voice(voice, engine, "voice") for voice in voices.catalogue().values()]}
        found = await state.clips.shelf.clips() if state.clips is not None else {}
        own = [_clip(name, engine) for name in found]
        return {"voices": [*own, *(_voice(voice, engine, "built-in clip") for voice in voices.catalogue().values())]}


def _model(state: State, name: str) -> dict[str, Any]:
    team = state.team
    engine = None if team is None else team.answering() if name == "auto" else team.named(name)
    view: dict[str, Any] = {"id": name, "object": "model", "created": _CREATED, "owned_by": "deploykit"}
    view["state"] = engine.state.value if engine else "starting"
    if name == "auto" and engine is not None:
        view["answers"] = engine.name
    return view


def _voice(voice: voices.Voice, engine: str, kind: str) -> dict[str, Any]:
    return {
        "id": voice.id, "name": voice.name, "language": voice.language, "gender": voice.gender, "model": engine,
        "aliases": list(voice.aliases), "kind": kind,
    }  # fmt: skip


def _clip(name: str, engine: str) -> dict[str, Any]:
    return {
        "id": name, "name": name, "language": None, "gender": None, "model": engine, "aliases": [], "kind": "clip",
    }  # fmt: skip
