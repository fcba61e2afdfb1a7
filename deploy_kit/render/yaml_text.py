"""YAML text with comments, made from a document: every scalar is written as JSON, nothing is spliced.

JSON strings are valid double-quoted YAML scalars, so no value can be read as anything but itself
(``no``, ``22:22`` and ``1e3`` stay strings). A test loads the text again and compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON leaves as they are and YAML does not take, or takes for a line break."""
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def emit(document: Mapping[str, Any], comments: Mapping[str, tuple[str, ...]]) -> str:
    """The text of a document of mappings, lists and scalars.

    Args:
        document: Keys keep their order.
        comments: Lines above a key, by its dotted path (``services.tts.ports``); ``""`` stands above everything.
    """
    header = [f"# {line}".rstrip() for line in comments.get("", ())]
    return "\n".join([*header, *_mapping(document, "", 0, comments)]) + "\n"


def _mapping(node: Mapping[str, Any], path: str, indent: int, comments: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    pad = " " * indent
    for key, value in node.items():
        here = f"{path}.{key}" if path else key
        yield from (f"{pad}# {line}".rstrip() for line in comments.get(here, ()))
        if isinstance(value, Mapping) and value:
            yield f"{pad}{_key(key)}:"
            yield from _mapping(value, here, indent + 2, comments)
        elif isinstance(value, (list, tuple)) and value:
            yield f"{pad}{_key(key)}:"
            yield from _sequence(value, here, indent + 2, comments)
        else:
            yield f"{pad}{_key(key)}: {_scalar(value)}"


def _sequence(
    node: list[Any] | tuple[Any, ...], path: str, indent: int, comments: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    pad = " " * indent
    for item in node:
        if isinstance(item, Mapping) and item:
            first, *rest = _mapping(item, path, indent + 2, comments)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{pad}- {_scalar(item)}"


def _key(key: str) -> str:
    return key if _PLAIN_KEY.match(key) and key.lower() not in _RESERVED else _scalar(key)


def _scalar(value: Any) -> str:
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
