"""The committed compose file of IndexTTS: what differs from that of the built-in voice."""

from __future__ import annotations

from typing import Any

from deploy_kit.data import table
from deploy_kit.plan.stack import Stack

PROJECT = "deploykit-indextts"
_VARIANT = "${DEPLOYKIT_VARIANT:-cu128}"


def document(stack: Stack, plain: dict[str, Any]) -> dict[str, Any]:
    """``plain``, with the variant, the engine's source, and the settings of the model left to ``.env``."""
    service = plain["services"]["tts"]
    service["image"] = f"deploykit/{_VARIANT}:manual"
    service["build"]["dockerfile"] = f"images/{_VARIANT}/Dockerfile"
    service["build"]["additional_contexts"] = {"engine": f"${{DEPLOYKIT_ENGINE_SOURCE:-{_source()}}}"}
    service["mem_limit"] = f"${{DEPLOYKIT_ENGINE_MEMORY:-{stack.limits.memory}}}"
    service["environment"] |= {
        "TTS_VARIANT": _VARIANT,
        "TTS_ENGINE": f"${{DEPLOYKIT_ENGINE:-{stack.engine}}}",
        "TTS_ACCEPT_LICENSE": "${DEPLOYKIT_ACCEPT_LICENSE:-false}",
        "TTS_WEIGHTS_SOURCE": "${DEPLOYKIT_WEIGHTS_SOURCE:-auto}",
    }
    return plain


def _source() -> str:
    source = table("engine_source")
    return f"{source['repositories'][0]}#{source['commit']}"
