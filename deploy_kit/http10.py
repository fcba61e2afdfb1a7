"""One GET over an open socket, in HTTP/1.0: `http.client` takes longer to import than a whole ``status`` runs."""

from __future__ import annotations

import socket


def get(line: socket.socket, target: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for ``target`` and read to the end: status, headers by lower-case name, body.

    Raises:
        OSError: The connection broke, was silent for too long, or what came is no HTTP.
    """
    line.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode("ascii"))
    head, _, body = b"".join(iter(lambda: line.recv(65536), b"")).partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split()
    if len(words) < 2 or not words[1].isdigit():
        raise OSError("no HTTP answer")
    headers = {name.strip().lower(): value.strip() for name, _, value in (row.partition(":") for row in rest)}
    return int(words[1]), headers, body
