"""The application: routes of the API and its errors. What has no address in `net.places` does not come this far."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from deploy_kit import __version__
from tts_server.asgi import Gone, Receive, Scope, Send, locale_of
from tts_server.http import listing, speech
from tts_server.http.metrics import Metrics
from tts_server.refusal import Refusal
from tts_server.speech.service import Service
from tts_server.start.preflight import workplace
from tts_server.state import State

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}


class _Silence(Response):
    """No answer: there is nobody to hear one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def create(state: State) -> FastAPI:
    """The application on top of running engines; also makes the service."""
    assert state.team is not None, "the engines come before the application"
    assert state.clips is not None, "so do the clips"
    metrics = Metrics(state)
    state.service = Service(state, state.team, state.clips, metrics, workplace(state.settings))
    app = FastAPI(title="deploykit", version=__version__, docs_url=None, redoc_url=None)
    speech.add(app, state, state.service)
    listing.add(app, state)
    app.add_api_route("/metrics", metrics.endpoint, include_in_schema=False)

    @app.exception_handler(Gone)
    async def left(request: Request, gone: Gone) -> Response:
        del request, gone
        return _Silence()

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
