"""Passwords in URLs: the one expression that finds them."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")


def has_credentials(text: str) -> bool:
    """Whether a URL in the text carries a user name or a password."""
    return _CREDENTIALS.search(text) is not None


def redact(text: str, mark: str = "***@") -> str:
    """The text without user names and passwords in URLs; ``mark`` stands in for them."""
    return _CREDENTIALS.sub(mark, text)
