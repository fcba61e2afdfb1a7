"""What is mounted where, as a process sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy_kit.detect.machine.context import Context

OURS = "/proc/self/mountinfo"
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: the ``device`` that it shows (``8:1``), the folder of that device at its top (``inner``), the place,
    its own ``options`` and the ``kind`` of file system."""

    device: str
    inner: str
    place: str
    options: tuple[str, ...]
    kind: str


def read(context: Context, path: str = OURS) -> tuple[Mount, ...]:
    """The mounts in their order; nothing where they cannot be read."""
    return tuple(mount for line in (context.read(path) or "").splitlines() if (mount := _mount(line)) is not None)


def of(context: Context, path: str) -> Mount | None:
    """The mount on which a path of the host lies, links followed; None where that is not known."""
    place = context.resolve(path)
    above = [one for one in read(context) if _covers(one.place, place)]
    return max(reversed(above), key=lambda one: len(one.place), default=None)  # of two at one place the later is seen


def _covers(place: str, path: str) -> bool:
    return place in ("/", path) or path.startswith(f"{place}/")


def _mount(line: str) -> Mount | None:
    """Fields: id, parent, device, inner folder, place, options, optional ones up to a dash, kind, source, options."""
    words = line.split(" ")
    if len(words) < 9 or "-" not in words[6:-1]:
        return None
    kind = words[words.index("-", 6) + 1]
    return Mount(words[2], _plain(words[3]), _plain(words[4]), tuple(words[5].split(",")), kind)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
