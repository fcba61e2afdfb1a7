"""The first thing that listens: answers the probes itself, everything else as soon as the application is there."""

from __future__ import annotations

import logging
import re
import secrets
import time
from urllib.parse import parse_qs

from tts_server.asgi import Gone, Message, Receive, Scope, Send, header, locale_of, respond, respond_json
from tts_server.net import places
from tts_server.net.places import Part, Place
from tts_server.refusal import Refusal
from tts_server.start.logs import request_id
from tts_server.state import State

_log = logging.getLogger(__name__)
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LIVE = ("/livez", "/healthz")
_READY = ("/readyz", "/health")
_RETRY = {"retry-after": "1"}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Front:
    """The ASGI application that uvicorn serves."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no lifespan, no web sockets: uvicorn is told so
        if scope["method"] in ("GET", "HEAD") and await self._probe(scope, send):
            return
        asked = header(scope, "x-request-id")
        ident = asked if _CLIENT_ID.fullmatch(asked) else secrets.token_hex(8)
        token = request_id.set(ident)
        try:
            await self._serve(scope, receive, send, ident)
        finally:
            request_id.reset(token)

    async def _probe(self, scope: Scope, send: Send) -> bool:
        path = scope["path"]
        if path in _LIVE:
            await respond_json(send, 200, {"state": "alive"})
        elif path in _READY:
            model = parse_qs(scope["query_string"].decode("latin-1")).get("model", ["auto"])[0]
            status, document = self._state.readiness(model)
            await respond_json(send, status, document, _RETRY if status == 503 else None)
        elif path == "/startupz":
            over = self._state.ledger.over
            await respond_json(send, 200 if over else 503, self._state.ledger.view(), None if over else _RETRY)
        else:
            return False
        return True

    async def _serve(self, scope: Scope, receive: Receive, send: Send, ident: str) -> None:
        began, status = time.monotonic(), 0
        place = places.find(scope["path"])

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", ident.encode())]
            await send(message)

        try:
            await self._answer(scope, receive, watched, place)
        except Gone:
            return  # nobody is there to hear why
        except Refusal as refusal:
            if status:
                _log.warning("answer cut short: %s", refusal.code)
                return  # uvicorn closes the connection: the client sees that the answer is not whole
            await respond_json(watched, refusal.status, refusal.document(self._locale(scope)), refusal.headers)
        except Exception:  # noqa: BLE001 - the last line of defence: the client gets an answer
            _log.exception("request failed: %s", _shown(scope, place))
            if not status:
                await respond_json(watched, 500, Refusal("internal").document(self._locale(scope)))
        finally:
            self._record(scope, place, status, time.monotonic() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, place: Place | None) -> None:
        from tts_server.http import pages
        from tts_server.http.keys import Keys

        if scope.get("state", {}).get("crowded"):
            raise Refusal("too_busy")
        keys, locale = Keys(self._state.settings.api_key), self._locale(scope)
        person = scope["method"] in ("GET", "HEAD") and "text/html" in header(scope, "accept")
        if scope["path"] == "/login" and scope["method"] == "POST" and self._state.settings.api_key:
            _plain_body(scope)
            await keys.log_in(scope, receive, send, locale)
        elif not keys.allows(scope):
            if not person:
                raise Refusal("invalid_api_key")
            await respond(send, 401, pages.login(locale), pages.HTML)
        elif person and scope["path"] == "/" and (page := self._state.page) != "there":
            await respond(send, 503, pages.waiting(locale, page), pages.HTML, _RETRY)
        else:
            await self._hand_over(scope, receive, send, place)

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send, place: Place | None) -> None:
        """Let the API or the page answer, where there is something to ask it for."""
        if place is None or place.part is Part.LOGIN:
            raise Refusal("not_found")
        places.admit(place, scope["method"])
        _plain_body(scope)
        app = self._state.page_app if place.part is Part.PAGE else self._state.app
        if app is None:
            raise Refusal("not_ready")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]  # uvicorn leaves the body out
        await app({**scope, "method": method}, receive, send)

    def _locale(self, scope: Scope) -> str:
        return locale_of(header(scope, "accept-language"), self._state.settings.locale)

    def _record(self, scope: Scope, place: Place | None, status: int, seconds: float) -> None:
        of_interest = place is not None and place.part is Part.API and status and place.name != "/metrics"
        level = logging.INFO if of_interest or status >= 500 else logging.DEBUG
        _log.log(level, "%s %s %.0f ms", _shown(scope, place), status or "-", seconds * 1000)


def _shown(scope: Scope, place: Place | None) -> str:
    """Method and address as the log may name them: never by words of the client's."""
    method = scope["method"] if scope["method"] in _METHODS else "…"
    return f"{method} {place.name if place else '…'}"


def _plain_body(scope: Scope) -> None:
    if header(scope, "content-encoding").strip().lower() not in ("", "identity"):
        raise Refusal("unsupported_encoding")
