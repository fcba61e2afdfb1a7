"""Passwords in URLs: the one expression that finds them."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")


def has_credentials(text: str) -> bool:
    """Whether a URL in the text carries a user name or a password."""
    return _CREDENTIALS.search(text) is not None


def redact(text: str) -> str:
    """The text without user names and passwords in URLs."""
    return _CREDENTIALS.sub("***@", text)
