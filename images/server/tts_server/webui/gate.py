"""What of the network reaches Gradio: its page's own files and calls, each looked at and written anew."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from tts_server.asgi import App, Message, Receive, Scope, Send, body_of, header
from tts_server.refusal import Refusal
from tts_server.speech import text as texts
from tts_server.speech.request import parse

_API = "/gradio_api"
_SESSION = re.compile("[A-Za-z0-9]{1,40}")
_EVENT = re.compile("[0-9a-f]{32}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")
_RANGE = re.compile("bytes=[0-9]{1,12}-[0-9]{0,12}")
_KEPT = (
    b"accept", b"accept-encoding", b"accept-language", b"host", b"if-modified-since", b"if-none-match", b"origin",
    b"range", b"user-agent", b"x-forwarded-host", b"x-forwarded-proto",
)  # fmt: skip
"""Headers that Gradio needs. Others steer it: ``x-gradio-server`` names a host, a cookie a session."""

_TEMPLATES = Path(gr.__file__).parent / "templates/frontend"
_FOLDERS = {"/assets/": _TEMPLATES / "assets", "/static/": _TEMPLATES / "static"}
_CODES = {403: "not_found", 404: "not_found", 405: "not_found", 503: "not_ready"}
_SHORT = 1000


class Gate:
    """An ASGI application in front of Gradio. Its addresses and methods have been checked (`net.places`)."""

    def __init__(self, app: App, page: gr.Blocks, folder: Path, body_limit: int) -> None:
        self._app = app
        self._page = page
        self._files = f"{_API}/file={folder}/"
        self._body_limit = body_limit
        self._called = {index: function for index, function in page.fns.items() if function.fn is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = {**scope, "headers": _headers(scope), "query_string": b""}
        if scope["method"] == "POST":
            receive = await self._rewritten(inner, receive)
        elif scope["path"] == f"{_API}/queue/data":
            inner["query_string"] = f"session_hash={self._session(scope)}".encode()
        else:
            self._exists(scope["path"])
        await _complete(self._app, inner, receive, send)

    async def _rewritten(self, inner: Scope, receive: Receive) -> Receive:
        """The body with only what the page itself would have sent."""
        document = parse(await body_of(receive, self._body_limit))
        action = inner["path"].removeprefix(f"{_API}/")
        if action == "reset":
            clean: dict[str, Any] = {"event_id": _matching(document, "event_id", _EVENT)}
        elif action == "cancel":
            clean = self._job(document) | {"event_id": _matching(document, "event_id", _EVENT)}
        else:
            clean = self._call(document, queued=action == "queue/join")
        body = json.dumps(clean).encode()
        plain = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        inner["headers"] = [*inner["headers"], *plain]
        return _replay(body, receive)

    def _job(self, document: Mapping[str, Any]) -> dict[str, Any]:
        index = document.get("fn_index")
        if isinstance(index, bool) or not isinstance(index, int) or index not in self._called:
            raise Refusal("bad_request", "fn_index")
        return {"fn_index": index, "session_hash": _matching(document, "session_hash", _SESSION)}

    def _call(self, document: Mapping[str, Any], *, queued: bool) -> dict[str, Any]:
        job = self._job(document)
        function, data = self._called[job["fn_index"]], document.get("data")
        if bool(function.queue) is not queued:
            raise Refusal("bad_request", "fn_index")
        if not isinstance(data, list) or len(data) != len(function.inputs):
            raise Refusal("bad_request", "data")
        for component, value in zip(function.inputs, data):
            self._look(component, value)
        return job | {"data": data}

    def _look(self, component: Any, value: Any) -> None:
        """Refuse a value that the component on the page cannot give."""
        if isinstance(component, gr.Textbox):
            good = isinstance(value, str)
            limit = component.max_length or 0
            if good and len(value) > limit:
                raise Refusal("text_too_long", "data", count=len(value), limit=limit)
            if good and texts.has_surrogate(value):
                raise Refusal("invalid_text", "data")
        elif isinstance(component, gr.Dropdown):
            good = isinstance(value, str) and any(value == choice for _, choice in component.choices)
        elif isinstance(component, gr.Slider):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            good = number and component.minimum <= value <= component.maximum and math.isfinite(value)
        else:
            good = False
        if not good:
            raise Refusal("bad_request", "data")

    def _session(self, scope: Scope) -> str:
        asked: str = parse_qs(scope["query_string"][:_SHORT].decode("latin-1")).get("session_hash", [""])[0]
        if asked not in self._page._queue.pending_messages_per_session:  # noqa: SLF001 - Gradio would raise inside its stream
            raise Refusal("not_found")
        return asked

    def _exists(self, path: str) -> None:
        """Refuse a file that is not there, or not ours to give: Gradio fails, or looks elsewhere."""
        for prefix, folder in _FOLDERS.items():
            if path.startswith(prefix) and not (folder / path.removeprefix(prefix)).is_file():
                raise Refusal("not_found")
        if path.startswith(f"{_API}/file="):
            inside = path.startswith(self._files) and path.count("/", len(self._files)) == 1
            if not inside or not Path(path.removeprefix(f"{_API}/file=")).is_file():
                raise Refusal("not_found")


async def _complete(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Let Gradio answer; its own errors become ours."""
    failed = 0

    async def ours(message: Message) -> None:
        nonlocal failed
        if message["type"] == "http.response.start" and message["status"] >= 400:
            failed = message["status"]
        if not failed:
            await send(message)

    await app(scope, receive, ours)
    if failed:
        raise Refusal(_CODES.get(failed, "bad_request" if failed < 500 else "internal"))


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    for name in ("host", "x-forwarded-host"):
        value = header(scope, name)
        if value and not all(_HOST.fullmatch(part.strip()) for part in value.split(",")):
            raise Refusal("bad_request", name)
    odd = not _RANGE.fullmatch(header(scope, "range"))
    return [(name, value) for name, value in scope["headers"] if name in _KEPT and not (name == b"range" and odd)]


def _matching(document: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refusal("bad_request", name)
    return value


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, then whatever the client does."""
    rest = [body]

    async def again() -> Message:
        if rest:
            return {"type": "http.request", "body": rest.pop(), "more_body": False}
        return await receive()

    return again
