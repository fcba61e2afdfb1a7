"""From the text of a setting to its value.

Every source (file, environment, flag) gives text, so every source obeys the same rules.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from deploy_kit.config.request import Listen
from deploy_kit.config.table import Setting
from deploy_kit.redact import has_credentials

Value = str | bool | int | float | Listen | tuple[str, ...]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{1,62}")
"""As Docker takes them: at least two characters."""
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?b?)", re.IGNORECASE)
_WORD = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_IMAGE = re.compile(rf"{_WORD}(:[0-9]+)?(/{_WORD})*(:\w[\w.-]{{0,127}})?(@sha256:[0-9a-f]{{64}})?")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line separators, and bytes that are no UTF-8: in no file of ours can they stand."""
_LONGEST_NUMBER = 20
_LARGEST = 2**60
"""The largest size in bytes where a setting names none: no machine has more."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+|[\w.-]+@[\w.-]+:\S+")
"""A URL, or a repository as git writes it: ``git@host:owner/name``."""
_DEVICE = re.compile(r"(GPU|MIG)-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""As the driver names a card (or a slice of one)."""
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""As Kubernetes names namespaces: a label of a host name."""
_OCTET = re.compile(r"(0|[1-9][0-9]{0,2})")


class Refused(ValueError):
    """A text that is no value of its setting: the finding's code and the sentence's arguments."""

    def __init__(self, code: str, **args: object) -> None:
        super().__init__(code)
        self.code = code
        self.args_of_sentence = args


def parse(setting: Setting, raw: str | tuple[str, ...], base: Path) -> Value:
    """The value of a setting.

    Args:
        raw: What the user wrote; a tuple where the file holds a list.
        base: The folder that relative paths start from.

    Raises:
        Refused: The text is not allowed; says what is.
    """
    _refuse_unseen(raw)
    if setting.kind == "list":
        return _list(raw)
    if setting.kind == "gpus":
        return _gpus(raw)
    if isinstance(raw, tuple):
        raise Refused("CONFIG-SHAPE-LIST")
    if not raw.strip():
        raise Refused("CONFIG-EMPTY")
    return PARSERS[setting.kind](setting, raw.strip(), base)


def _refuse_unseen(raw: str | tuple[str, ...]) -> None:
    written = raw.strip() if isinstance(raw, str) else ", ".join(raw)
    if found := _UNSEEN.search(written):
        shown = _UNSEEN.sub(lambda match: ascii(match[0])[1:-1], written)
        raise Refused("CONFIG-CHARACTER", value=shown, character=f"U+{ord(found[0]):04X}")


def _list(raw: str | tuple[str, ...]) -> tuple[str, ...]:
    items = tuple(part.strip() for part in raw.split(",")) if isinstance(raw, str) else raw
    items = tuple(item for item in items if item)
    if any(re.search(r"\s", item) for item in items):
        raise Refused("CONFIG-LIST")
    return items


def _gpus(raw: str | tuple[str, ...]) -> tuple[str, ...]:
    """UUIDs; ``all`` is the same as none."""
    items = _list(raw)
    if items == ("all",):
        return ()
    for item in items:
        if not _DEVICE.fullmatch(item):
            raise Refused("CONFIG-GPUS", item=item)
    return items


def _boolean(setting: Setting, raw: str, base: Path) -> bool:  # noqa: ARG001
    word = raw.lower()
    if word not in (*_TRUE, *_FALSE):
        raise Refused("CONFIG-BOOLEAN")
    return word in _TRUE


def _source(setting: Setting, raw: str, base: Path) -> str:
    """One of the setting's words, an address, or a path of this host."""
    if raw in setting.words:
        return raw
    if _ADDRESS.fullmatch(raw):
        if setting.service_env and has_credentials(raw):  # the environment of a container is shown to many
            raise Refused("CONFIG-SECRET-SOURCE")
        return raw
    if "://" in raw:
        raise Refused("CONFIG-SOURCE", words=", ".join(setting.words))
    return _path(setting, raw, base)


def _choice(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    if raw in setting.choices:
        return raw
    allowed = ", ".join(setting.choices)
    if raw in setting.planned:
        raise Refused("CONFIG-PLANNED", allowed=allowed)
    raise Refused("CONFIG-CHOICE", allowed=allowed, nearest=nearest(raw, setting.choices))


def _name(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    if not _NAME.fullmatch(raw):
        raise Refused("CONFIG-NAME", nearest=_near_name(raw))
    if raw in setting.reserved:
        raise Refused("CONFIG-NAME-RESERVED", nearest=f"{raw}-1")
    return raw


def _label(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    if not _LABEL.fullmatch(raw):
        raise Refused("CONFIG-LABEL", nearest=near_label(raw, 63))
    return raw


def near_label(raw: str, longest: int) -> str:
    """What Kubernetes takes for a name and looks most like this text."""
    kept = re.sub(r"[^a-z0-9]+", "-", raw.lower()).strip("-")[:longest].rstrip("-")
    return kept or "indextts"


def _context(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    """The name of a context may hold anything; what begins like an option no program takes for a value."""
    if raw.startswith("-"):
        raise Refused("CONFIG-CONTEXT")
    return raw


def _near_name(raw: str) -> str:
    kept = re.sub(r"[^a-z0-9_-]+", "-", raw.lower()).strip("-_")[:63]
    return kept if len(kept) > 1 else f"{kept}-tts" if kept else "indextts"


def _integer(setting: Setting, raw: str, base: Path) -> int:  # noqa: ARG001
    if not _INTEGER.fullmatch(raw) or len(raw) > _LONGEST_NUMBER:
        raise Refused("CONFIG-INTEGER", **_bounds(setting))
    return int(_within(setting, int(raw), "CONFIG-INTEGER"))


def _number(setting: Setting, raw: str, base: Path) -> float:  # noqa: ARG001
    if not _NUMBER.fullmatch(raw):
        raise Refused("CONFIG-NUMBER", **_bounds(setting))
    return _within(setting, float(raw), "CONFIG-NUMBER")


def _size(setting: Setting, raw: str, base: Path) -> int:  # noqa: ARG001
    match = _SIZE.fullmatch(raw)
    limits = {"minimum": size_text(setting.minimum or 0), "maximum": size_text(setting.maximum or _LARGEST)}
    if not match or len(match[1]) > _LONGEST_NUMBER:
        raise Refused("CONFIG-SIZE", **limits)
    amount, unit, suffix = match[1], match[2].lower(), match[3].lower()
    # As docker reads them: 1g and 1GiB are binary; only a spelled-out decimal unit (1GB) is decimal.
    step = 1000 if unit and suffix == "b" else 1024
    factor = step ** ("kmgt".index(unit) + 1 if unit else 0)
    size = int(float(amount) * factor) if "." in amount else int(amount) * factor
    if not (setting.minimum or 0) <= size <= (setting.maximum or _LARGEST):
        raise Refused("CONFIG-SIZE", **limits)
    return size


def _within(setting: Setting, value: float, code: str) -> float:
    low, high = setting.minimum, setting.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise Refused(code, **_bounds(setting))
    return value


def _bounds(setting: Setting) -> dict[str, object]:
    return {
        "minimum": "-∞" if setting.minimum is None else f"{setting.minimum:g}",
        "maximum": "∞" if setting.maximum is None else f"{setting.maximum:.10g}",
    }


def size_text(size: float) -> str:
    """Bytes as a person writes them: ``256MiB``."""
    for unit in ("", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:g}{unit}"
        size /= 1024
    return f"{size:g}TiB"


def _address(setting: Setting, raw: str, base: Path) -> Listen:  # noqa: ARG001
    host, colon, port = raw.rpartition(":")
    if not colon or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise Refused("CONFIG-ADDRESS")
    if host.startswith("[") and host.endswith("]") and _is_ipv6(host[1:-1]):
        return Listen(host[1:-1], int(port))
    known = {"localhost": "127.0.0.1", "*": "0.0.0.0"}.get(host, host)  # noqa: S104  # the user's word, not a default
    if not _is_ipv4(known):
        raise Refused("CONFIG-ADDRESS")
    return Listen(known, int(port))


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(_OCTET.fullmatch(part) and int(part) < 256 for part in parts)


def _is_ipv6(host: str) -> bool:
    import socket

    try:
        socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        return False
    return True


def _path(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    return os.path.normpath(base / os.path.expanduser(raw))  # noqa: PTH111  # ~ of an unknown user must stay, not raise


def _url(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    if not _URL.fullmatch(raw):
        raise Refused("CONFIG-URL")
    return raw


def _image(setting: Setting, raw: str, base: Path) -> str:  # noqa: ARG001
    if not _IMAGE.fullmatch(raw):
        raise Refused("CONFIG-IMAGE", default=setting.default)
    return raw


PARSERS: dict[str, Callable[[Setting, str, Path], Value]] = {
    "choice": _choice,
    "boolean": _boolean,
    "source": _source,
    "name": _name,
    "label": _label,
    "context": _context,
    "integer": _integer,
    "number": _number,
    "size": _size,
    "address": _address,
    "path": _path,
    "url": _url,
    "image": _image,
}
"""The parser of each kind of setting, besides ``list`` and ``gpus``."""


def nearest(word: str, words: tuple[str, ...]) -> str:
    """The word that looks most like ``word``; there is always one."""
    import difflib

    return max(words, key=lambda candidate: difflib.SequenceMatcher(None, word.lower(), candidate.lower()).ratio())
