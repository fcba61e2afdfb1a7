"""Text before it is spoken: what is refused, and where it is cut."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST_PIECE = 300
"""Characters of one sentence for a worker; longer ones are cut at a comma, a space, or anywhere."""

_CLOSING = "[\"'”’」』）》】)\\]]*"
_END = re.compile(
    rf"[。！？；…｡]+{_CLOSING}"
    rf"|[!?;]+{_CLOSING}(?=\s|$|[㐀-鿿])"
    rf"|\.+{_CLOSING}(?=\s|$)"
    rf"|\n"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Z]|mr|mrs|ms|dr|prof|st|vs|no|fig|jr|sr|inc|ltd|co|approx|e\.g|i\.e|etc)\.$", re.IGNORECASE
)
_CUT = re.compile(r"[，、：,:\s]")
_CHINESE = re.compile("[\u3007\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")


def has_surrogate(text: str) -> bool:
    """Whether half of a surrogate pair stands alone: such text cannot be encoded."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def clean(text: str) -> str:
    """The text with control characters (they can steer an engine) as blanks; line breaks stay."""
    return "".join(char if char == "\n" or unicodedata.category(char) != "Cc" else " " for char in text)


def speakable(text: str) -> bool:
    """Whether there is a letter or a digit of any script in it."""
    return any(char.isalnum() for char in text)


def sentences(text: str, longest: int = LONGEST_PIECE) -> list[str]:
    """The text in pieces to speak, in order; pieces without a letter or digit are left out."""
    pieces = (piece for sentence in _split(text) for piece in _shorten(sentence.strip(), longest))
    return [piece for piece in pieces if speakable(piece)]


def languages(pieces: list[str]) -> list[str]:
    """``zh`` or ``en`` for each piece; one without letters (a number, say) takes its neighbour's."""
    known = [_language(piece) for piece in pieces]
    following = next((language for language in known if language), "en")
    result = []
    for language in known:
        following = language or following
        result.append(following)
    return result


def _language(piece: str) -> str:
    if _CHINESE.search(piece):
        return "zh"
    return "en" if any(char.isalpha() for char in piece) else ""


def _split(text: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(text):
        if text[match.start()] == "." and _goes_on(text, match):
            continue
        yield text[start : match.end()]
        start = match.end()
    yield text[start:]


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop ends an abbreviation and not a sentence."""
    before = text[max(0, match.start() - 10) : match.start() + 1]
    after = text[match.end() : match.end() + 2].strip()
    return bool(_ABBREVIATION.search(before)) or after[:1].islower()


def _shorten(sentence: str, longest: int) -> Iterator[str]:
    while len(sentence) > longest:
        cuts = [match.end() for match in _CUT.finditer(sentence, longest // 2, longest)]
        cut = cuts[-1] if cuts else longest
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence
