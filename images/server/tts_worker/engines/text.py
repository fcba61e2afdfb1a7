"""What of a text may reach an engine."""

from __future__ import annotations

import unicodedata


def spoken(text: str) -> str:
    """The text without characters that steer a library: control characters, surrogates, private-use characters."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Co") else char for char in text)


def unmarked(text: str) -> str:
    """The text without the marks of special tokens, ``<|`` and ``|>``.

    A tokenizer that honours them would take a number out of them that the model has no row for, which ends a CUDA
    context. Pronunciations (``<word|sounds>``) stay.
    """
    return text.replace("<|", "< ").replace("|>", " >")
