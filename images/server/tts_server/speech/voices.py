"""The voices of the built-in engine, their other names, and which one speaks a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from deploy_kit.data import table

AUTO = ("auto", "default", "")


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice. ``counterpart`` is the id of the voice that stands in for it in the other language."""

    id: str
    name: str
    language: str
    gender: str
    counterpart: str
    aliases: tuple[str, ...]


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Voice]:
    """All voices by id, in the order of the table."""
    document = table("espeak")
    others: dict[str, list[str]] = {}
    for alias, ident in document["aliases"].items():
        others.setdefault(ident, []).append(alias)
    return {row["id"]: _voice(row, tuple(sorted(others.get(row["id"], ())))) for row in document["voices"]}


def find(name: str) -> Voice | None:
    """The voice of this id or alias."""
    return catalogue().get(table("espeak")["aliases"].get(name.lower(), name.lower()))


def for_language(voice: Voice | None, language: str) -> str:
    """The id of the voice that speaks this language when ``voice`` was asked for (None: any)."""
    if voice is None:
        default: str = table("espeak")["default"][language]
        return default
    return voice.id if voice.language == language else voice.counterpart


def language_of(tag: str) -> str | None:
    """``en`` or ``zh`` for a tag such as ``en-US``, ``zh-Hans`` or ``cmn``; None when we do not speak it."""
    head = tag.lower().replace("_", "-").split("-")[0]
    return next((language for language, names in table("espeak")["languages"].items() if head in names), None)


def _voice(row: dict[str, Any], aliases: tuple[str, ...]) -> Voice:
    return Voice(row["id"], row["name"], row["language"], row["gender"], row["counterpart"], aliases)
