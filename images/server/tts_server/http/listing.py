"""``GET /v1/models`` and ``GET /v1/audio/voices``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tts_server.refusal import Refusal
from tts_server.speech import voices
from tts_server.speech.request import shown
from tts_server.state import State

_CREATED = 1_760_000_000
"""OpenAI's list wants a date for a model; engines have none, so it is a constant."""


def add(app: FastAPI, state: State) -> None:
    """Add both lists."""

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The engines, and ``auto``."""
        return {"object": "list", "data": [_model(name) for name in ("auto", state.settings.engine)]}

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        """One engine."""
        if name not in ("auto", state.settings.engine):
            raise Refusal("model_not_found", "model", name=shown(name), known=f"auto, {state.settings.engine}")
        return _model(name)

    @app.get("/v1/audio/voices")
    async def list_voices() -> dict[str, Any]:
        """The voices, with their other names."""
        return {"voices": [_voice(voice, state.settings.engine) for voice in voices.catalogue().values()]}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "deploykit"}


def _voice(voice: voices.Voice, engine: str) -> dict[str, Any]:
    return {
        "id": voice.id, "name": voice.name, "language": voice.language, "gender": voice.gender, "model": engine,
        "aliases": list(voice.aliases),
    }  # fmt: skip
