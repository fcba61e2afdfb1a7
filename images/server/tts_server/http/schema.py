"""What `/openapi.json` says about a request for speech: made from the tables that judge it."""

from __future__ import annotations

from typing import Any

from deploy_kit.data import table
from tts_server.fields.plain import FORMATS
from tts_server.settings import Settings
from tts_server.speech.request import ALIASES

_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean", "text": "string"}


def schema(settings: Settings) -> dict[str, Any]:
    """The body and the answer of ``POST /v1/audio/speech``."""
    limits = table("espeak")
    number = {name: {"type": "number", **limits[name]} for name in ("speed", "pitch")}
    languages = [*limits["languages"]]
    more: dict[str, Any] = {}
    if settings.engine != "espeak":
        facts = table("engines")[settings.engine]
        languages = [*facts["languages"]]
        more = {name: _field(row) for name, row in facts["fields"].items() if name != "speed"}
        more |= {name: {"type": "string", "contentEncoding": "base64"} for name in ("reference_audio", "emo_audio")}
    properties = {
        "model": {
            "type": "string", "enum": [*dict.fromkeys((settings.engine, "espeak")), *ALIASES], "default": "auto",
        },
        "input": {"type": "string", "maxLength": settings.max_chars},
        "voice": {"type": "string", "default": "auto"},
        "response_format": {"type": "string", "enum": list(FORMATS), "default": "wav"},
        "stream_format": {"type": "string", "enum": ["audio"]},
        "instructions": {"type": "string"},
        "language": {"type": "string", "enum": ["auto", *languages], "default": "auto"},
        **number,
        **more,
    }  # fmt: skip
    body = {"type": "object", "required": ["input"], "properties": properties, "additionalProperties": False}
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "Sound", "content": {"audio/wav": binary, "audio/pcm": binary}}},
    }


def _field(row: dict[str, Any]) -> dict[str, Any]:
    if row["type"] == "vector":
        item = {"type": "number", "minimum": row["minimum"], "maximum": row["maximum"]}
        return {"type": "array", "items": item, "minItems": row["length"], "maxItems": row["length"]}
    found: dict[str, Any] = {"type": _TYPES[row["type"]]}
    if "maximum_characters" in row:
        found["maxLength"] = row["maximum_characters"]
    return found | {name: row[name] for name in ("minimum", "maximum", "default") if row.get(name) is not None}
