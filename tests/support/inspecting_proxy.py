"""A proxy as companies have them: it wants a password, opens every TLS connection, and signs with its own authority."""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "worker", "hunter2-sesame"
_CHUNK = 65536


@dataclass
class Authority:
    """A certificate authority in a folder; ``bundle`` is what its clients must trust."""

    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Company Authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", "ca.key", "-out", "ca.pem",
        )  # fmt: skip
        self._openssl("genrsa", "-out", "server.key", "2048")

    @property
    def bundle(self) -> Path:
        return self.folder / "ca.pem"

    def context(self, host: str) -> ssl.SSLContext:
        """A server's TLS settings with a certificate for this host."""
        with self.lock:
            if not (self.folder / f"{host}.pem").exists():
                self._sign(host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{host}.pem", self.folder / "server.key")
        return context

    def _sign(self, host: str) -> None:
        (self.folder / f"{host}.ext").write_text(f"subjectAltName=DNS:{host}\n", encoding="ascii")
        self._openssl("req", "-new", "-key", "server.key", "-subj", "/CN=inspected", "-out", f"{host}.csr")
        self._openssl(
            "x509", "-req", "-in", f"{host}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{host}.ext", "-out", f"{host}.pem",
        )  # fmt: skip

    def _openssl(self, *args: str) -> None:
        subprocess.run(("openssl", *args), cwd=self.folder, check=True, capture_output=True)


@dataclass
class Proxy:
    """A running proxy: its address with and without the password, and the hosts whose traffic it opened."""

    port: int
    authority: Authority
    opened: list[str]
    refused: list[str]

    @property
    def url(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Proxy]:
    """A proxy on a free port of the loopback."""
    authority = Authority(folder)
    opened: list[str] = []
    refused: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = list(iter(lambda: self.rfile.readline().strip(), b""))
            host, _, port = head[0].split()[1].decode().rpartition(":")
            token = base64.b64encode(f"{USER}:{PASSWORD}".encode())
            if not any(row.lower().startswith(b"proxy-authorization:") and row.endswith(token) for row in head):
                refused.append(host)
                self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with contextlib.suppress(OSError):  # a client that distrusts us hangs up
                self._inspect(host, int(port))

        def _inspect(self, host: str, port: int) -> None:
            inside = authority.context(host).wrap_socket(self.request, server_side=True)
            plain = socket.create_connection((host, port), timeout=30)
            with inside, ssl.create_default_context().wrap_socket(plain, server_hostname=host) as outside:
                opened.append(host)
                back = threading.Thread(target=_pour, args=(outside, inside), daemon=True)
                back.start()
                _pour(inside, outside)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Proxy(server.server_address[1], authority, opened, refused)
        server.shutdown()


def _pour(source: ssl.SSLSocket, target: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
