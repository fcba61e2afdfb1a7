"""Answers by bare ASGI: for what must work before, beside and without FastAPI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from tts_server.refusal import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gone(Exception):
    """The client closed the connection."""


async def body_of(receive: Receive, limit: int) -> bytes:
    """The whole body of a request, at most ``limit`` bytes. Raises `Gone` or `Refusal`."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise Refusal("body_too_large", limit=limit)
    return bytes(body)


def header(scope: Scope, name: str) -> str:
    """A request header (name in lower case); empty when absent."""
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), "")


def locale_of(accepted: str, default: str) -> str:
    """The best of our locales for an ``Accept-Language`` header; ``default`` when it names none of them."""
    best, weight = default, 0.0
    for part in accepted.split(","):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.split("-")[0].lower()
        try:
            value = float(quality) if quality else 1.0
        except ValueError:
            continue
        if language in ("en", "zh") and value > weight:
            best, weight = language, value
    return best


async def respond(
    send: Send, status: int, body: bytes, kind: str = "application/json", extra: Mapping[str, str] | None = None
) -> None:
    """Send one complete answer."""
    headers = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-store", **(extra or {})}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, document: Any, extra: Mapping[str, str] | None = None) -> None:
    """Send one JSON document."""
    await respond(send, status, json.dumps(document, ensure_ascii=False).encode(), extra=extra)
