"""Every sentence deploykit says, in every language it speaks.

Sentences stand in ``<locale>/<topic>.json`` and are named ``topic.key``; placeholders are ``{name}``.
Those of findings (``findings.HOST-…``) stand in ``<locale>/findings/<family>.json``.
A topic is read when its first sentence is asked for, so a command pays only for what it says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LOCALES = ("en", "zh")
_FOLDER = Path(__file__).parent


def locale_from(environment: Mapping[str, str]) -> str:
    """The locale that the environment asks for (LC_ALL, LC_MESSAGES, LANG in this order), else ``en``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@cache
def topic(locale: str, name: str) -> dict[str, str]:
    """The sentences of one topic; a list of lines in the file is one text with line breaks."""
    with open(_FOLDER / locale / f"{name}.json", encoding="utf-8") as file:
        entries = json.load(file)
    return {key: "\n".join(text) if isinstance(text, list) else text for key, text in entries.items()}


def _place(key: str) -> tuple[str, str]:
    """The topic of a key, and its name in there; the findings of each family are a topic of their own."""
    name, _, rest = key.partition(".")
    return (f"findings/{rest.partition('-')[0].lower()}" if name == "findings" else name), rest


class Catalogue:
    """Sentences in one language."""

    def __init__(self, locale: str) -> None:
        if locale not in LOCALES:
            raise ValueError(f"no such locale: {locale}")
        self.locale = locale

    def text(self, key: str, args: Mapping[str, object] | tuple[tuple[str, str], ...] = ()) -> str:
        """The sentence ``topic.key`` with its placeholders filled.

        Raises:
            KeyError: No such sentence, or a placeholder without a value (a test walks every key).
        """
        name, rest = _place(key)
        return topic(self.locale, name)[rest].format_map(dict(args))

    def __call__(self, key: str, /, **args: object) -> str:
        return self.text(key, args)

    def has(self, key: str) -> bool:
        name, rest = _place(key)
        try:
            return rest in topic(self.locale, name)
        except FileNotFoundError:
            return False


def system_locale() -> str:
    """The locale of this process's environment."""
    return locale_from(os.environ)
