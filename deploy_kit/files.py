"""Files as the user's disk really is: written whole or not at all, read only when they are files, looked at
without raising."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC  # in /tmp others could lay links
_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")


def write_whole(path: Path, content: str | bytes, *, mode: int | None = None, new: bool = False) -> None:
    """Write a file so that a full disk or an interruption leaves the old one untouched.

    A pipe or a device takes the bytes as they are; of a link, the file behind it is replaced.

    Args:
        mode: Permissions; None keeps those of the old file, or leaves them to the umask.
        new: Refuse what exists already.

    Raises:
        OSError: It cannot be written; FileExistsError with ``new``.
    """
    data = content.encode() if isinstance(content, str) else content
    if new and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if str(path).startswith(_STREAMS) or (path.exists() and not path.is_file()):
        path.write_bytes(data)
        return
    _replace(Path(os.path.realpath(path)), data, mode)


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    partial = path.parent / f".{path.name[:200]}.{os.getpid()}"
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode) if mode is None else mode
    try:
        descriptor = os.open(partial, _WRITE, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        partial.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise


def obstacle(path: Path) -> str | None:
    """Why a file cannot be written there, as far as that can be seen without writing; None when nothing is seen."""
    if os.path.isdir(path):  # noqa: PTH112  # pathlib raises where a parent may not be searched
        return os.strerror(errno.EISDIR)
    if os.path.exists(path):  # noqa: PTH110
        return None if os.access(path, os.W_OK) else os.strerror(errno.EACCES)
    folder = path.parent
    if not is_folder(folder):
        return os.strerror(errno.ENOTDIR if os.path.lexists(folder) else errno.ENOENT)
    return None if os.access(folder, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)


def read(path: Path, limit: int) -> bytes:
    """The content of a regular file; a pipe or a device could keep us for ever.

    Raises:
        OSError: It cannot be read; EINVAL when it is no regular file, EFBIG when it holds more than ``limit`` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not wait for its writer
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        data = file.read(limit + 1) or b""
    if len(data) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def is_file(path: Path) -> bool:
    """Whether a file can be seen there; False where the way to it is barred."""
    return os.path.isfile(path)  # noqa: PTH113  # pathlib raises where a parent may not be searched


def is_folder(path: Path) -> bool:
    """Whether a folder can be seen there; False where the way to it is barred."""
    return os.path.isdir(path)  # noqa: PTH112
