"""The API key: a bearer token for programs, a signed cookie for people who typed it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from urllib.parse import parse_qs

from tts_server.asgi import Receive, Scope, Send, body_of, header, respond
from tts_server.http import pages

_COOKIE = "deploykit_session"
_SECONDS = 30 * 24 * 3600
_FORM_LIMIT = 4096
_WRONG_PAUSE = 0.5


class Keys:
    """Knows the key; an empty one lets everybody in."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def allows(self, scope: Scope) -> bool:
        """Whether the request carries the key, or a cookie made from it."""
        if not self._key:
            return True
        kind, _, token = header(scope, "authorization").partition(" ")
        if kind.lower() == "bearer" and self._is_key(token.strip()):
            return True
        return self._is_session(_cookie(scope))

    async def log_in(self, scope: Scope, receive: Receive, send: Send, locale: str) -> None:
        """Answer ``POST /login``: a cookie and the page for the right key, else the form again."""
        form = parse_qs((await body_of(receive, _FORM_LIMIT)).decode("utf-8", errors="replace"))
        if not self._is_key(form.get("key", [""])[0].strip()):
            await asyncio.sleep(_WRONG_PAUSE)
            await respond(send, 401, pages.login(locale, wrong=True), pages.HTML)
            return
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{_COOKIE}={self._session()}; Path=/; Max-Age={_SECONDS}; HttpOnly; SameSite=Strict{secure}"
        await respond(send, 303, b"", pages.HTML, {"location": "/", "set-cookie": cookie})

    def _is_key(self, token: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", errors="replace"), self._key)

    def _session(self) -> str:
        end = str(int(time.time()) + _SECONDS)
        return f"{end}.{self._signature(end)}"

    def _is_session(self, value: str) -> bool:
        end, _, signature = value.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signature(end).encode())
        return genuine and int(end) > time.time()

    def _signature(self, end: str) -> str:
        return hmac.new(self._key, f"session {end}".encode(), hashlib.sha256).hexdigest()


def _cookie(scope: Scope) -> str:
    pairs = (part.strip().partition("=") for part in header(scope, "cookie").split(";"))
    return next((value for name, _, value in pairs if name == _COOKIE), "")
