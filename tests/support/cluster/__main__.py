"""Start a cluster by hand, until the input ends or is interrupted."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import control_groups
from tests.support.cluster import lacking, made

_PREFIX = "deploykit-cluster-"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.cluster", description=__doc__)
    parser.add_argument("--api-only", action="store_true", help="the API server alone, no controllers, no node")
    parser.add_argument("--gpus", type=int, default=2, help="devices that the node's device plugin offers")
    options = parser.parse_args()
    if words := lacking():
        sys.exit(f"missing: {words}; ./deploykit test --tier cluster gets what can be got")
    start = time.monotonic()
    whole = not options.api_only
    with _folder() as folder, made(folder, controllers=whole) as one:
        if whole:
            node = one.join()
            if options.gpus:
                node.offer(*(f"GPU-{number}" for number in range(options.gpus)))
        print(f"ready after {time.monotonic() - start:.1f} s; logs in {folder}; it ends with the input of this program")
        print(f"nsenter --target={one.room.machine.pid} --mount --net --pid --uts --ipc --wd={Path.cwd()} -- \\")
        print(f"  env KUBECONFIG={one.plane.kubeconfig()} PATH={one.room.programs}:$PATH bash", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder for this process; those of killed ones go."""
    parent = Path(tempfile.gettempdir())
    for old in parent.glob(f"{_PREFIX}*"):
        if control_groups.ended(old.name):
            shutil.rmtree(old, ignore_errors=True)
    own = parent / f"{_PREFIX}{os.getpid()}"
    own.mkdir(mode=0o700)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


if __name__ == "__main__":
    main()
