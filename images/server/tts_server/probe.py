"""The container's health check: standard library only, ``python -I -S …/probe.py``.

Asks `/readyz` of the address in TTS_LISTEN; exit code 0 for 200, else 1 with the answer's state on standard output.
"""

from __future__ import annotations

import os
import socket
import sys

_SECONDS = 3.0


def target(listen: str) -> tuple[str, int]:
    """Where to knock: the listening address, a wildcard replaced by loopback."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    loopback = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound here
    return loopback.get(host, host), int(port)


def ask(host: str, port: int, path: str = "/readyz") -> tuple[int, str]:
    """Status and body of one GET. Raises OSError or ValueError when nothing sensible answers."""
    with socket.create_connection((host, port), timeout=_SECONDS) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: probe\r\nConnection: close\r\n\r\n".encode())
        answer = bytearray()
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body.decode(errors="replace")


def main() -> int:
    try:
        status, body = ask(*target(os.environ.get("TTS_LISTEN") or "127.0.0.1:7860"))
    except (OSError, ValueError, IndexError) as error:
        print(f"unreachable: {error}")
        return 1
    print(body)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
