"""A folder of its own for everything that an engine and its libraries want to write.

The root file system is read-only and HOME may not exist; caches of numba, matplotlib or a hub must not end up beside
each other's. The folder is locked while its worker lives, so a later worker clears away what a killed one left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

_PREFIX = "tts-worker-"
_LOCK = ".lock"
_NAMES = {
    "HOME": "",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "NUMBA_CACHE_DIR": "numba",
    "MPLCONFIGDIR": "matplotlib",
    "HF_HOME": "hub",
    "MODELSCOPE_CACHE": "modelscope",
    "TORCH_HOME": "torch",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "CUDA_CACHE_PATH": "cuda",
}


class Home:
    """The folder of this process. `enter` before an engine is imported, `leave` at the end."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.folder, self._lock = _locked()
        while not (self.folder / _LOCK).exists():  # another worker swept it before it was locked
            self._lock.close()
            self.folder, self._lock = _locked()

    def enter(self) -> None:
        """Point the environment and the working directory at it."""
        for name, place in _NAMES.items():
            folder = self.folder / place
            folder.mkdir(exist_ok=True)
            os.environ[name] = str(folder)
        os.chdir(self.folder)

    def leave(self) -> None:
        """Remove it."""
        os.chdir("/")
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def _locked() -> tuple[Path, IO[bytes]]:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = (folder / _LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _sweep(parent: Path) -> None:
    """Remove folders whose worker is dead: nobody holds their lock."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
