"""Places in the network, on the loopback: servers that answer what they are told to, or nothing, with TLS or not."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from tests.support.inspecting_proxy import Authority

Answers = Callable[[str], bytes]
"""From the head of a request to what is sent back."""

_HELLO = b"\x16\x03"
"""How TLS begins: a server of plain HTTP answers it, too."""

_RULES = """[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = names
[names]
commonName = supplied
"""


@dataclass
class Place:
    """A running server, and the heads of the requests that reached it."""

    port: int
    heads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def secure(self) -> str:
        return f"https://localhost:{self.port}"


def answer(status: str, body: bytes = b"", *, at: float | None = None, **headers: str) -> bytes:
    """An HTTP answer; ``at`` is the server's time, now by default. Names of headers have underscores for dashes."""
    rows = [f"HTTP/1.1 {status}", f"Date: {formatdate(at, usegmt=True)}", f"Content-Length: {len(body)}"]
    rows += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(rows) + "\r\n\r\n").encode() + body


@contextlib.contextmanager
def serving(answers: Answers, *, tls: ssl.SSLContext | None = None, connect: bytes = b"") -> Iterator[Place]:
    """A server on a free port. With ``connect`` it is a proxy that says so, and then is the place itself."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                line = self.request
                if tls is not None and not connect:
                    line = stack.enter_context(tls.wrap_socket(line, server_side=True))
                head = _head(line)
                place.heads.append(head)
                if head.startswith("CONNECT "):
                    line.sendall(connect)
                    if tls is None:
                        return
                    line = stack.enter_context(tls.wrap_socket(line, server_side=True))
                    head = _head(line)
                    place.heads.append(head)
                line.sendall(answers(head))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        place = Place(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield place
        server.shutdown()


@contextlib.contextmanager
def silent() -> Iterator[Place]:
    """Connections are taken, and nothing is ever said."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield Place(server.getsockname()[1])


@contextlib.contextmanager
def refusing() -> Iterator[Place]:
    """A port that nobody listens on: it is held, but not listened to."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield Place(holder.getsockname()[1])


def timed(authority: Authority, folder: Path, start: str, end: str) -> ssl.SSLContext:
    """A server's TLS settings for ``localhost`` with a certificate of another time (``20450101000000Z``)."""
    (folder / "ca.cnf").write_text(_RULES, encoding="ascii")
    (folder / "index.txt").write_text("", encoding="ascii")
    (folder / "serial").write_text("01\n", encoding="ascii")
    authority.context("localhost")  # leaves its request and extensions
    authority._openssl(
        "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "localhost.csr",
        "-startdate", start, "-enddate", end, "-extfile", "localhost.ext", "-out", "timed.pem",
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "timed.pem", folder / "server.key")
    return context


def _head(line: socket.socket) -> str:
    text = b""
    while b"\r\n\r\n" not in text and not text.startswith(_HELLO) and (piece := line.recv(65536)):
        text += piece
    return text.decode("latin-1")
