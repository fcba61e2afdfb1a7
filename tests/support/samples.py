"""Values to start from: a plain request and the stack that comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deploy_kit.compat import DeviceRequest
from deploy_kit.config.request import BuildSettings, Listen, Request
from deploy_kit.plan.resolve import resolve
from deploy_kit.plan.stack import Stack

BASE = "docker.io/library/debian:bookworm-slim"


def request(**changes: Any) -> Request:
    """The default request, with these fields changed."""
    plain = Request(
        name="indextts",
        engine="espeak",
        device="auto",
        variant="auto",
        target="compose",
        listen=Listen("127.0.0.1", 7860),
        cache_volume="cache_hub",
        cache_path=None,
        region="global",
        memory=1 << 30,
        pids=256,
        cpus=None,
        drain_seconds=20.0,
        service=(("TTS_LOG_LEVEL", "info"), ("TTS_QUEUE", "16")),
        api_key_file=None,
        build=BuildSettings(BASE),
    )
    return replace(plain, **changes)


def stack(
    *,
    secret_version: str | None = None,
    uid: int = 0,
    inputs: str = "ab" * 32,
    variant: str = "core",
    device: str = "cpu",
    gpu: DeviceRequest | None = None,
    token_version: str | None = None,
    **changes: Any,
) -> Stack:
    """The stack of that request."""
    return resolve(
        request(**changes),
        variant=variant,
        device=device,
        inputs=inputs,
        uid=uid,
        folders=("/state/cache_hub", "/state/outputs", "/state/gpu"),
        secret_version=secret_version,
        gpu=gpu,
        token_version=token_version,
    )


def model_stack(gpu: DeviceRequest | None = None, **changes: Any) -> Stack:
    """The stack of IndexTTS with this request for a card."""
    wish = {"engine": "indextts-2.5", "variant": "cu128", "device": "cuda" if gpu else "cpu"} | changes
    return stack(gpu=gpu, **wish)
