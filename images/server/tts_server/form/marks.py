"""Sentences of the catalogue as HTML."""

from __future__ import annotations

import html
import re

_CODE = re.compile(r"`([^`\n]+)`")


def marked(sentence: str) -> str:
    """The sentence, safe to show; what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(sentence))
