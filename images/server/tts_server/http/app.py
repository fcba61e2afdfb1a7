"""The application: routes of the API, and the answers to everything that is not one."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from deploy_kit import __version__
from tts_server.asgi import locale_of
from tts_server.http import listing, speech
from tts_server.http.metrics import Metrics
from tts_server.refusal import Refusal
from tts_server.speech.service import Service
from tts_server.start.preflight import workplace
from tts_server.state import State

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}


def create(state: State) -> FastAPI:
    """The application on top of a running supervisor; also makes the service."""
    assert state.supervisor is not None
    metrics = Metrics(state)
    state.service = Service(state, state.supervisor, metrics, workplace(state.settings))
    app = FastAPI(title="deploykit", version=__version__, docs_url=None, redoc_url=None)
    speech.add(app, state, state.service)
    listing.add(app, state)
    app.add_api_route("/metrics", metrics.endpoint, include_in_schema=False)
    known = {route.path: set(route.methods or ()) for route in app.routes if isinstance(route, Route)}

    @app.api_route("/v1/{rest:path}", methods=_METHODS, include_in_schema=False)
    async def nothing_here(request: Request) -> Response:  # the page is mounted at "/" and would answer instead
        allowed = known.get(request.url.path)
        if allowed and request.method not in allowed:
            raise Refusal("method_not_allowed", method=request.method, allowed=", ".join(sorted(allowed)))
        raise Refusal("not_found")

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> JSONResponse:
        locale = locale_of(request.headers.get("accept-language", ""), state.settings.locale)
        return JSONResponse(refusal.document(locale), refusal.status, headers=refusal.headers)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> JSONResponse:
        locale = locale_of(request.headers.get("accept-language", ""), state.settings.locale)
        code = _CODES.get(error.status_code, "bad_request")
        refusal = Refusal(code, method=request.method, allowed=(error.headers or {}).get("Allow", "-"), limit=0)
        return JSONResponse(refusal.document(locale), error.status_code, headers=error.headers)

    return app
