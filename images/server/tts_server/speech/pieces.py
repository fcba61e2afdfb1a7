"""A text in pieces for an IndexTTS engine: whole sentences, as many together as speak well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tts_server.speech import text as texts

_KANA = re.compile("[\u3040-\u30ff\u31f0-\u31ff]")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f]")
_DENSE = ("zh", "ja")
"""Languages in which a character is a word, or nearly."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some sentences in one language, and the most text tokens that a segment of them may have."""

    text: str
    language: str
    tokens: int


def cut(text: str, language: str | None, facts: dict[str, Any], *, small: bool) -> list[Piece]:
    """The pieces of a text, in order. The first is one sentence, so that it is heard soon.

    Args:
        language: The language of all of it; None looks at each sentence.
        facts: The engine's row of the table.
        small: Whether the card is a small one, on which long pieces run out of memory.
    """
    segment = facts["segment"]
    limits = segment["small_card"] if small else segment
    found: list[Piece] = []
    for sentence, spoken in _sentences(text, language, facts, limits):
        dense = spoken in _DENSE
        longest = limits["characters" if dense else "latin_characters"]
        tokens = segment["tokens" if dense else "latin_tokens"]
        last = found[-1] if len(found) > 1 else None
        if last is not None and last.language == spoken and len(last.text) + len(sentence) < longest:
            joined = f"{last.text}{'' if dense else ' '}{sentence}"
            found[-1] = Piece(joined, spoken, tokens)
        else:
            found.append(Piece(sentence, spoken, tokens))
    return found


def _sentences(text: str, language: str | None, facts: dict[str, Any], limits: dict[str, Any]) -> list[tuple[str, str]]:
    shortest = min(limits["characters"], limits["latin_characters"])
    rough = texts.sentences(text, limits["latin_characters"])
    spoken = [language] * len(rough) if language else _languages(rough, facts)
    result = []
    for sentence, tongue in zip(rough, spoken):
        fine = texts.sentences(sentence, shortest) if tongue in _DENSE else [sentence]
        result += [(part, tongue) for part in fine]
    return result


def _languages(sentences: list[str], facts: dict[str, Any]) -> list[str]:
    """Chinese and English by their letters; where kana stand anywhere, Chinese characters are Japanese."""
    can = facts["languages"]
    japanese = "ja" in can and any(_KANA.search(sentence) for sentence in sentences)
    found = []
    for sentence, guess in zip(sentences, texts.languages(sentences)):
        if "ar" in can and _ARABIC.search(sentence):
            found.append("ar")
        elif japanese and (guess == "zh" or _KANA.search(sentence)):
            found.append("ja")
        else:
            found.append(guess)
    return found
