"""``python -m tts_worker --engine NAME --fd N``: run an engine until the socket closes."""

from __future__ import annotations

import argparse
import os
import signal
import socket

from tts_worker.engines import NAMES, create
from tts_worker.session import Session


def main() -> None:
    """Serve one session; exit code 0 after a shutdown or when the server has gone away, 1 after a refused load, 3 after
    a fault that this process cannot survive."""
    parser = argparse.ArgumentParser(prog="tts_worker")
    parser.add_argument("--engine", required=True, choices=NAMES)
    parser.add_argument("--fd", required=True, type=int, help="file descriptor of the connected socket")
    arguments = parser.parse_args()
    for signum in (signal.SIGINT, signal.SIGTERM):  # the server decides when we end: a sentence may be running
        signal.signal(signum, signal.SIG_IGN)
    os.set_inheritable(arguments.fd, False)
    engine = create(arguments.engine)
    with socket.socket(fileno=arguments.fd) as connection:
        try:
            code = Session(connection, engine).serve()
        finally:
            engine.close()
        os._exit(code)  # a GPU library may take its time, or crash, when it tears itself down


if __name__ == "__main__":
    main()
