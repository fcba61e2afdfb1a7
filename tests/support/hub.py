"""A hub on this machine that speaks as Hugging Face and ModelScope do, and fails on demand.

As a fixture: ``with Hub(folder) as hub``. By itself: ``python -m tests.support.hub --folder F --listen HOST:PORT``;
faults are then set over HTTP: ``POST /-/fault {"kind": "cut", "match": "gpt.pth", "times": 1}``, ``DELETE /-/fault``,
``GET /-/log``.

The folder holds ``<owner>/<name>/<path>``, or one model directory as upstream has it (``config.yaml`` at its top),
which is then served under every name. `write_lock` writes the lock that fits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

LARGE = (".pth", ".pt", ".bin", ".safetensors", ".tiktoken", ".model")
"""Suffixes of files that hubs keep in a large-file store and serve from another host."""

OWNER = "deploykit-tests"
_BLOCK = 16 * 1024
_PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@dataclass
class Fault:
    """What goes wrong: ``kind`` in requests whose path has ``match`` in it, ``times`` times (-1: always).

    At the hub: ``status`` (value: the number), ``limited`` (429; value: Retry-After), ``page`` (HTML, status 200),
    ``loop`` (redirects without end), ``dead`` (the connection is closed without a word), ``other`` (another version of
    the file, honestly announced). Where the bytes come from: ``cut`` (half of what was asked for), ``wrong`` (right
    size, wrong bytes), ``drip`` (value: bytes a second), ``stall`` (half, then silence), ``norange`` (status 200 for
    a range), ``changed`` (another ETag, and If-Range honoured), ``plain`` (no Content-Length).
    """

    kind: str
    match: str = ""
    times: int = -1
    value: float = 0


@dataclass
class Seen:
    """One request that came: ``host`` is ``hub`` or ``cdn``."""

    host: str
    path: str
    range: str | None
    if_range: str | None
    authorization: str | None
    sent: int = field(default=0)


class Hub:
    """The server, once started; ``url`` is its endpoint in Hugging Face's form (and ModelScope's)."""

    def __init__(self, folder: Path, listen: tuple[str, int] = ("127.0.0.1", 0), name: str | None = None) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.gate = threading.Event()
        self._lock = threading.Lock()
        self._servers = [self._server(listen, "hub"), self._server((listen[0], 0), "cdn")]
        self.name = name

    def __enter__(self) -> Hub:  # noqa: PYI034  # Self needs 3.11
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.gate.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def port(self) -> int:
        return int(self._servers[0].server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, kind: str, match: str = "", times: int = -1, value: float = 0) -> None:
        """Let something go wrong from now on."""
        self.faults.append(Fault(kind, match, times, value))

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.faults.clear()

    def fault(self, path: str, *kinds: str) -> Fault | None:
        """The fault of one of these kinds that strikes now."""
        with self._lock:
            for fault in self.faults:
                if fault.kind in kinds and fault.match in path and fault.times != 0:
                    fault.times -= fault.times > 0
                    return fault
        return None

    def bytes_sent(self, match: str = "") -> int:
        return sum(one.sent for one in self.seen if match in one.path)

    def cdn(self, host: str) -> str:
        """The other host, by the name under which a client reached this one."""
        return f"http://{host}:{self._servers[1].server_address[1]}"

    def file(self, name: str, path: str) -> Path | None:
        """The file of a repository; None when there is no such thing."""
        for found in (self.folder / name / path, self.folder / path if flat(self.folder) else None):
            if found is not None and found.is_file() and ".." not in path.split("/"):
                return found
        return None

    def _server(self, listen: tuple[str, int], role: str) -> ThreadingHTTPServer:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub, Handler.role = hub, role

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that leave in the middle are the point of many tests."""

        return Server(listen, Handler)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    role: str
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        self.hub.fail(**body)
        self._answer(204)

    def do_DELETE(self) -> None:
        self.hub.heal()
        self._answer(204)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        if path == "/-/log":
            self._answer(200, json.dumps([asdict(one) for one in self.hub.seen]).encode(), type_="application/json")
            return
        headers = self.headers
        self._note = Seen(self.role, self.path, headers["range"], headers["if-range"], headers["authorization"])
        self.hub.seen.append(self._note)
        if self.role == "cdn":
            self._bytes(path.removeprefix("/cdn/"))
        elif path.startswith("/api/v1/models/"):
            query = parse_qs(parts.query)
            name = path.removeprefix("/api/v1/models/").removesuffix("/repo")
            self._resolve(name, query.get("Revision", [""])[0], query.get("FilePath", [""])[0], modelscope=True)
        elif path.startswith("/api/resolve-cache/models/"):
            owner, name, revision, file = path.removeprefix("/api/resolve-cache/models/").split("/", 3)
            self._small(f"{owner}/{name}", revision, file, modelscope=False)
        elif path.count("/") >= 5 and path.split("/")[3] == "resolve":
            owner, name, _, revision, file = path.lstrip("/").split("/", 4)
            self._resolve(f"{owner}/{name}", revision, file, modelscope=False)
        else:
            self._answer(404)

    def _resolve(self, name: str, revision: str, path: str, *, modelscope: bool) -> None:
        """What the hub itself answers for a file."""
        whole = f"{name}/{path}"
        if fault := self.hub.fault(whole, "status", "limited", "page", "loop", "dead"):
            self._broken(fault)
            return
        file = self.hub.file(name, path)
        if file is None or revision not in (commit(self.hub.folder, name), "main", "master"):
            if modelscope:
                self._answer(404, b'{"Code":10990101002,"Message":"record not found"}', type_="application/json")
            else:
                code = "RevisionNotFound" if file else "EntryNotFound"
                self._answer(404, b"Entry not found", {"X-Error-Code": code}, type_="text/plain")
            return
        if not path.endswith(LARGE):
            if modelscope:
                self._small(name, revision, path, modelscope=True)
            else:
                place = f"/api/resolve-cache/models/{name}/{commit(self.hub.folder, name)}/{quote(path)}"
                self._answer(307, b"", {"Location": place, "X-Repo-Commit": commit(self.hub.folder, name)})
            return
        other = self.hub.fault(whole, "other")
        digest, size = ("0" * 64, 12345) if other else (sha256(file), file.stat().st_size)
        host = (self.headers["host"] or "127.0.0.1").rpartition(":")[0]
        place = f"{self.hub.cdn(host)}/cdn/{quote(f'{name}/{path}')}?Expires=1&Signature=x"
        linked = {"X-Repo-Commit": commit(self.hub.folder, name), "X-Linked-Size": str(size)}
        self._answer(302, b"", {"Location": place, "X-Linked-Etag": f'"{digest}"', **linked})

    def _small(self, name: str, revision: str, path: str, *, modelscope: bool) -> None:
        file = self.hub.file(name, path)
        assert file is not None
        tag = sha256(file) if modelscope else git(file.read_bytes())
        self._bytes(f"{name}/{path}", f'"{tag}"', {"X-Repo-Commit": revision})

    def _broken(self, fault: Fault) -> None:
        if fault.kind == "dead":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault.kind == "page":
            self._answer(200, _PAGE, type_="text/html; charset=utf-8")
        elif fault.kind == "loop":
            self._answer(302, b"", {"Location": f"{self.path}{'&' if '?' in self.path else '?'}again=1"})
        elif fault.kind == "limited":
            self._answer(429, b"slow down", {"Retry-After": f"{fault.value:g}"}, type_="text/plain")
        else:
            self._answer(int(fault.value), b"refused", type_="text/plain")

    def _bytes(self, whole: str, etag: str = "", more: dict[str, str] | None = None) -> None:
        """Send the file itself, or what a fault makes of it."""
        owner, name, path = whole.split("/", 2)
        file = self.hub.file(f"{owner}/{name}", path)
        if file is None:
            self._answer(404)
            return
        data = file.read_bytes()
        fault = self.hub.fault(whole, "cut", "wrong", "drip", "stall", "norange", "changed", "plain", "page-cdn")
        kind = fault.kind if fault else ""
        etag = etag or f'"{hashlib.md5(data).hexdigest()}"'
        if kind == "wrong":
            data = bytes(byte ^ 1 for byte in data)
        if kind == "changed":
            etag = f'"{time.monotonic_ns()}"'
        begin = self._begin(len(data), etag) if kind != "norange" else 0
        if begin > 0 and begin >= len(data):
            self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        rest = data[begin:]
        self.send_response(206 if begin else 200)
        for key, value in {"ETag": etag, "Accept-Ranges": "bytes", **(more or {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Type", "text/plain" if path.endswith((".json", ".yaml")) else "binary/octet-stream")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        if kind != "plain":
            self.send_header("Content-Length", str(len(rest)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self._send(rest, fault)

    def _begin(self, size: int, etag: str) -> int:
        asked = (self.headers["range"] or "").removeprefix("bytes=")
        if not asked or (self.headers["if-range"] or etag) != etag:
            return 0
        return int(asked.partition("-")[0])

    def _send(self, rest: bytes, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind in ("cut", "stall"):
            rest = rest[: len(rest) // 2]
        for start in range(0, len(rest), _BLOCK):
            block = rest[start : start + _BLOCK]
            if kind == "drip" and fault is not None:
                for index in range(0, len(block), max(1, int(fault.value / 10))):
                    self._write(block[index : index + max(1, int(fault.value / 10))])
                    if self.hub.gate.wait(0.1):
                        return
            else:
                self._write(block)
        if kind == "stall":
            self.hub.gate.wait(60)
        if kind in ("cut", "stall"):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def _write(self, block: bytes) -> None:
        self.wfile.write(block)
        self._note.sent += len(block)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, type_: str = "") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if type_:
            self.send_header("Content-Type", type_)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def flat(folder: Path) -> bool:
    """Whether a folder is one model directory rather than repositories by owner and name."""
    return (folder / "config.yaml").is_file()


@cache
def _sha256(path: Path, modified: int, size: int) -> str:  # they are part of the key
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256(path: Path) -> str:
    state = path.stat()
    return _sha256(path, state.st_mtime_ns, state.st_size)


def git(data: bytes) -> str:
    """The name of these bytes as a git blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def commit(folder: Path, name: str) -> str:
    """The revision of a repository: it follows from its files."""
    root = folder if flat(folder) else folder / name
    rows = "".join(f"{path.relative_to(root)} {sha256(path)}\n" for path in _files(root))
    return hashlib.sha1(rows.encode()).hexdigest()


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))


def write_lock(
    folder: Path,
    path: Path | None,
    *,
    engine: str = "indextts-2.5",
    licence: str | None = None,
    unhashed: tuple[str, ...] = (),
    unsized: tuple[str, ...] = (),
    modelscope: bool = True,
) -> dict[str, Any]:
    """The lock of a folder of small files (see this module), written to ``path``.

    Args:
        engine: The engine that needs them.
        licence: The id of the licence that they come under; none by default, so nothing must be accepted.
        unhashed: Ends of paths that the lock shall have no sha256 for; ``unsized``: no size either.
        modelscope: Whether ModelScope has the repositories too, under the same names.
    """
    names = [f"{OWNER}/{engine}"] if flat(folder) else [f"{one.parent.name}/{one.name}" for one in folder.glob("*/*")]
    repositories = []
    for name in sorted(names):
        root = folder if flat(folder) else folder / name
        files = []
        for file in _files(root):
            place = file.relative_to(root).as_posix()
            loose = place.endswith(unhashed + unsized) if unhashed + unsized else False
            size = None if unsized and place.endswith(unsized) else file.stat().st_size
            row = {"path": place, "bytes": size, "sha256": None if loose else sha256(file)}
            files.append(row | ({"part": "emotion_text"} if place.startswith("qwen") else {}))
        row = {"name": name, "revision": commit(folder, name), "engines": [engine], "files": files}
        row |= {"licence": licence, "modelscope": {"name": name, "revision": None} if modelscope else None}
        repositories.append(row)
    lock = {"schema": 1, "repositories": repositories}
    if path is not None:
        path.write_text(json.dumps(lock, indent=1), encoding="utf-8")
    return lock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--listen", default="127.0.0.1:9000", metavar="HOST:PORT")
    parser.add_argument("--lock", type=Path, help="write the lock of the folder there")
    parser.add_argument("--engine", default="indextts-2.5")
    parser.add_argument("--licence")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND[:MATCH[:TIMES[:VALUE]]]")
    options = parser.parse_args()
    if options.lock:
        write_lock(options.folder, options.lock, engine=options.engine, licence=options.licence)
    host, _, port = options.listen.rpartition(":")
    with Hub(options.folder, (host, int(port))) as hub:
        for text in options.fault:
            kind, match, times, value = (*text.split(":"), "", "", "")[:4]
            hub.fail(kind, match, int(times or -1), float(value or 0))
        print(f"hub on {host}:{hub.port}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
