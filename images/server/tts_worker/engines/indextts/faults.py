"""What went wrong in torch or upstream, as a code and words without the user's text."""

from __future__ import annotations

import contextlib
import json
import re
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tts_worker import log
from tts_worker.engines import EngineError
from tts_worker.guard import codes
from tts_worker.guard.kernel import first_line

_UNREADABLE = re.compile(
    r"Weights only load failed|invalid load key|PytorchStreamReader|deserializing header|HeaderTooLarge|"
    r"MetadataIncompleteBuffer|InvalidHeader|unexpected EOF|Ran out of input|Error\(s\) in loading state_dict|"
    r"Unable to load weights|storage has wrong byte size|not a ZIP archive|corrupted",
    re.IGNORECASE,
)
_MEMORY = re.compile(r"can't allocate memory|not enough memory|bad_alloc|Cannot allocate memory", re.IGNORECASE)
_SHARED = 5
"""So many characters in common with the user's text, and a message is not repeated."""


def of_load(model: Path) -> AbstractContextManager[None]:
    """Turn what a load raises into `EngineError`: the guard's code, ``weights``, ``out_of_memory`` or ``engine``."""
    return _turned(lambda error: _load_fault(error, model))


def of_job(*private: str) -> AbstractContextManager[None]:
    """Turn what a job raises into `EngineError`: ``out_of_memory``, ``cuda``, ``voice`` or ``synthesis``.

    ``private``: texts of the user, which no detail may repeat.
    """
    return _turned(lambda error: _job_fault(error, private))


@contextlib.contextmanager
def _turned(fault: Callable[[Exception], tuple[str, str]]) -> Iterator[None]:
    try:
        yield
    except EngineError:
        raise
    except Exception as error:  # noqa: BLE001 - torch and upstream raise anything; each has its code below
        _remember(error)
        raise EngineError(*fault(error)) from None


def _load_fault(error: Exception, model: Path) -> tuple[str, str]:
    if _memory(error):
        return "out_of_memory", first_line(error)
    if gpu := codes.of_error(error):
        return gpu, first_line(error)
    named = str(getattr(error, "filename", "") or "")
    if isinstance(error, OSError) and named.startswith(str(model)):
        return "weights", Path(named).relative_to(model).as_posix()
    if _UNREADABLE.search(f"{type(error).__name__}: {error}"):
        return "weights", suspect(model) or first_line(error).replace(str(model), "")
    if _while_reading(error) and (name := suspect(model)):
        return "weights", name
    return "engine", f"{first_line(error)} ({_place(error)})"


def _job_fault(error: Exception, private: tuple[str, ...]) -> tuple[str, str]:
    line = first_line(error)
    if any(_shares(text, line) for text in private):
        line = type(error).__name__
    if _memory(error):
        return "out_of_memory", line
    if gpu := codes.of_error(error):
        return "cuda", f"{gpu}: {line}"
    if type(error).__name__ in ("LibsndfileError", "NoBackendError", "SoundFileRuntimeError"):
        return "voice", type(error).__name__
    return "synthesis", f"{line} ({_place(error)})"


def _while_reading(error: Exception) -> bool:
    """Whether it came out of torch's reader: of a file that is cut, the old format's reader says many things."""
    return any(frame.filename.endswith("torch/serialization.py") for frame in traceback.extract_tb(error.__traceback__))


def _memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or codes.of_error(error) == "GPU-OOM" or bool(_MEMORY.search(str(error)))


def suspect(model: Path) -> str | None:
    """The first weights file that is no whole archive, or whose header does not fit its size; None when all look well.

    Old torch files are no archives, so this is only asked after something could not be read.
    """
    for path in sorted(model.rglob("*")):
        if path.is_file() and not (_whole_archive(path) and _whole_tensors(path)):
            return path.relative_to(model).as_posix()
    return None


def _whole_archive(path: Path) -> bool:
    return path.suffix not in (".pth", ".pt", ".bin") or zipfile.is_zipfile(path)


def _whole_tensors(path: Path) -> bool:
    if path.suffix != ".safetensors":
        return True
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(size if size < path.stat().st_size else 0))
            end = max(row["data_offsets"][1] for name, row in header.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
    return bool(8 + size + end == path.stat().st_size)


def _remember(error: Exception) -> None:
    """Where it happened, for the log; the words of the exception are left out, they may be the user's."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    log.say(f"{type(error).__name__} at " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames)))


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"


def _shares(text: str, line: str) -> bool:
    text, line = text.casefold(), line.casefold()
    if len(text) < _SHARED:
        return bool(text.strip()) and text in line
    return any(text[at : at + _SHARED] in line for at in range(len(text) - _SHARED + 1))
