"""Something between kubectl and the API server: a server of another age, or one that takes its time."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.cluster.api import Api, Refused


@contextlib.contextmanager
def between(api: Api, *, version: str = "", seconds: float = 0) -> Iterator[str]:
    """The URL of a server that hands everything on, with the owner's rights.

    Args:
        version: What the server gives as its version, instead of the real one.
        seconds: How long it thinks about each question.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> object:
            if name.startswith("do_"):
                return self._hand_on
            raise AttributeError(name)

        def _hand_on(self) -> None:
            time.sleep(seconds)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            code, answer = 200, b""
            try:
                found = api.ask(self.command, self.path, body)
                if version and self.path.partition("?")[0] == "/version":
                    found["gitVersion"] = version
                    found["major"], found["minor"] = version.removeprefix("v").split(".")[:2]
                answer = json.dumps(found).encode()
            except Refused as refused:
                code, answer = refused.code, str(refused).partition(": ")[2].encode()
            with contextlib.suppress(OSError):  # who asks may have given up
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with api.network(), ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
