"""The commented ``deploykit.yaml`` that ``deploykit init`` writes: every setting, commented out, at its default."""

from __future__ import annotations

import json
from collections.abc import Iterator

from deploy_kit.config.table import Setting, settings
from deploy_kit.messages import Catalogue


def sample(words: Catalogue) -> str:
    """The text of the file. As written it sets nothing, so it means the same as no file."""
    return "\n".join(_lines(words)) + "\n"


def _lines(words: Catalogue) -> Iterator[str]:
    yield from (f"# {line}".rstrip() for line in words("config.header").splitlines())
    group = ""
    for setting in settings().values():
        head, _, name = setting.key.rpartition(".")
        indent = "  " if head else ""
        if not head or head != group:
            yield ""
        if head and head != group:
            yield f"#{head}:"
        group = head
        for line in _comment(setting, words):
            yield f"#{indent}# {line}" if head else f"# {line}"
        yield f"#{indent}{name}: {_shown(setting)}"


def _comment(setting: Setting, words: Catalogue) -> Iterator[str]:
    yield from words(f"settings.{setting.key}").splitlines()
    if setting.choices:
        yield words("config.choices", choices=" | ".join(setting.choices))
    if setting.words:
        yield words("config.words", words=" | ".join(setting.words))
    if setting.planned:
        yield words("config.planned", choices=" | ".join(setting.planned))


def _shown(setting: Setting) -> str:
    if setting.default is None:
        return "null"
    if isinstance(setting.default, tuple):
        return json.dumps(list(setting.default))
    return setting.default
