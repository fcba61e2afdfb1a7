"""A reader for the YAML that programs write: mappings, lists and scalars in blocks, quotes, short lists in brackets.

NVIDIA's toolkit writes specifications of a few thousand lines, for which a full parser takes seconds. What is beyond
this subset, or against its rules, raises `Unsure`: that says nothing about the file, only that another must read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_LINE_LENGTH = 4000
_KEY_LENGTH = 1000
_DEPTH = 40
_STRANGE = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_MARKS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "\\": "\\", "/": "/", " ": " ", "e": "\x1b"}


class Unsure(ValueError):
    """The reader does not know what the text means; the message says where it gave up."""


@dataclass(frozen=True, slots=True)
class _Line:
    indent: int
    text: str
    number: int


def read(text: str) -> Any:
    """The document as mappings, lists and text: scalars stay as they are written, whatever type they look like.

    Raises:
        Unsure: Something else than the subset; perhaps good YAML all the same.
    """
    text = text.replace("\r\n", "\n")
    if found := _STRANGE.search(text):
        raise Unsure(f"character {found[0]!r}")
    lines = _lines(text)
    if not lines:
        raise Unsure("no content")
    node, rest = _node(lines, 0, 0)
    if rest != len(lines):
        raise Unsure(f"line {lines[rest].number}: it belongs to nothing")
    return node


def _lines(text: str) -> list[_Line]:
    """The lines that carry something. A document may begin with its mark; a second document is beyond us."""
    found: list[_Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.lstrip(" ")
        if not line or line.startswith("#"):
            continue
        if len(raw) > _LINE_LENGTH:
            raise Unsure(f"line {number}: very long")
        if raw.startswith(("---", "...", "%")):
            if found or raw.rstrip() != "---":
                raise Unsure(f"line {number}: a mark of documents")
            found.append(_Line(-1, "", number))
            continue
        found.append(_Line(len(raw) - len(line), line.rstrip(" "), number))
    return found[1:] if found and found[0].indent < 0 else found


def _node(lines: list[_Line], at: int, depth: int) -> tuple[Any, int]:
    """The block that begins at a line, and the number of the line after it."""
    if depth > _DEPTH:
        raise Unsure(f"line {lines[at].number}: very deep")
    line = lines[at]
    if _is_item(line):
        return _list(lines, at, depth)
    if _pair(line) is not None:
        return _mapping(lines, at, depth)
    return _scalar(line, line.text), at + 1


def _list(lines: list[_Line], at: int, depth: int) -> tuple[list[Any], int]:
    indent, items = lines[at].indent, []
    while at < len(lines) and lines[at].indent == indent and _is_item(lines[at]):
        line = lines[at]
        rest = line.text[1:].lstrip(" ")
        if not rest or rest.startswith("#"):
            item, at = _below(lines, at + 1, indent, depth)
        else:
            inner = _Line(indent + len(line.text) - len(rest), rest, line.number)
            if _is_item(inner) or _pair(inner) is not None:
                lines[at] = inner
                item, at = _node(lines, at, depth + 1)
            else:
                item, at = _scalar(inner, rest), at + 1
        items.append(item)
        _nothing_deeper(lines, at, indent)
    return items, at


def _mapping(lines: list[_Line], at: int, depth: int) -> tuple[dict[str, Any], int]:
    indent, found = lines[at].indent, dict[str, Any]()
    while at < len(lines) and lines[at].indent == indent and not _is_item(lines[at]):
        line = lines[at]
        pair = _pair(line)
        if pair is None:
            raise Unsure(f"line {line.number}: no key")
        key, rest = pair
        if key in found:
            raise Unsure(f"line {line.number}: {key} again")
        if not rest or rest.startswith("#"):
            following = lines[at + 1] if at + 1 < len(lines) else None
            if following is not None and following.indent == indent and _is_item(following):
                found[key], at = _list(lines, at + 1, depth + 1)
            else:
                found[key], at = _below(lines, at + 1, indent, depth)
        else:
            found[key], at = _scalar(line, rest), at + 1
        _nothing_deeper(lines, at, indent)
    return found, at


def _below(lines: list[_Line], at: int, indent: int, depth: int) -> tuple[Any, int]:
    """What stands deeper than ``indent``; an empty text where nothing does."""
    if at < len(lines) and lines[at].indent > indent:
        return _node(lines, at, depth + 1)
    return "", at


def _nothing_deeper(lines: list[_Line], at: int, indent: int) -> None:
    if at < len(lines) and lines[at].indent > indent:
        raise Unsure(f"line {lines[at].number}: a text of several lines")


def _is_item(line: _Line) -> bool:
    return line.text == "-" or line.text.startswith("- ")


def _pair(line: _Line) -> tuple[str, str] | None:
    """The key of a line and what follows its colon; None where the line has no key."""
    text = line.text
    if text[0] in "\"'":
        quoted, end = _quoted(line, text, 0)
        after = text[end:].lstrip(" ")
        if not after.startswith(":"):
            return None
        if len(after) > 1 and after[1] != " ":
            raise Unsure(f"line {line.number}: a colon without a space")
        return quoted, after[1:].lstrip(" ")
    colon, comment = _colon(text), text.find(" #")
    if colon < 0 or 0 <= comment < colon:
        return None
    key = text[:colon].rstrip(" ")
    _plain(line, key)
    if len(key) > _KEY_LENGTH or key == "<<":
        raise Unsure(f"line {line.number}: its key")
    return key, text[colon + 1 :].lstrip(" ")


def _colon(text: str) -> int:
    """Where a key ends: at the first colon that a space or the end follows; -1 without one."""
    inner = text.find(": ")
    return inner if inner >= 0 else len(text) - 1 if text.endswith(":") else -1


def _scalar(line: _Line, text: str) -> Any:
    """A value that ends on its line, with nothing but a comment after it."""
    if text[0] in "\"'":
        value, end = _quoted(line, text, 0)
    elif text[0] in "[{":
        value, end = _flow(line, text, 0, 0)
    else:
        comment = text.find(" #")
        plain = (text if comment < 0 else text[:comment]).rstrip(" ")
        _plain(line, plain)
        if ": " in plain or plain.endswith(":"):
            raise Unsure(f"line {line.number}: a colon in a value")
        return plain
    rest = text[end:]
    if rest.strip(" ") and not rest.lstrip(" ").startswith("#"):
        raise Unsure(f"line {line.number}: something after a value")
    if rest.startswith("#"):
        raise Unsure(f"line {line.number}: a comment without a space")
    return value


def _plain(line: _Line, text: str) -> None:
    """Refuse what cannot be a scalar without quotes."""
    if not text:
        raise Unsure(f"line {line.number}: an empty place")
    if text[0] in _MARKS and not (text[0] in "-?:" and len(text) > 1 and text[1] != " "):
        raise Unsure(f"line {line.number}: {text[0]}")


def _quoted(line: _Line, text: str, at: int) -> tuple[str, int]:
    """The text in quotes that begins here, and where it ends."""
    match = (_DOUBLE if text[at] == '"' else _SINGLE).match(text, at)
    if match is None:
        raise Unsure(f"line {line.number}: quotes without an end")
    if text[at] == "'":
        return match[1].replace("''", "'"), match.end()

    def plain(escape: re.Match[str]) -> str:
        number = escape[1] or escape[2]
        if number:
            return chr(int(number, 16))
        if escape[3] not in _ESCAPES:
            raise Unsure(f"line {line.number}: {escape[0]}")
        return _ESCAPES[escape[3]]

    return _ESCAPE.sub(plain, match[1]), match.end()


def _flow(line: _Line, text: str, at: int, depth: int) -> tuple[Any, int]:
    """A list or mapping in brackets on one line, and where it ends."""
    if depth > _DEPTH:
        raise Unsure(f"line {line.number}: very deep")
    mapping, close = text[at] == "{", "}" if text[at] == "{" else "]"
    items: list[Any] = []
    found: dict[str, Any] = {}
    at = _skip(text, at + 1)
    while at < len(text) and text[at] != close:
        value, at = _entry(line, text, at, depth)
        at = _skip(text, at)
        if mapping:
            if not isinstance(value, str) or value in found or value == "<<" or text[at : at + 2] != ": ":
                raise Unsure(f"line {line.number}: an entry in braces")
            found[value], at = _entry(line, text, _skip(text, at + 1), depth)
            at = _skip(text, at)
        else:
            items.append(value)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != close:
            raise Unsure(f"line {line.number}: brackets")
    if at >= len(text):
        raise Unsure(f"line {line.number}: brackets over several lines")
    return (found if mapping else items), at + 1


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _entry(line: _Line, text: str, at: int, depth: int) -> tuple[Any, int]:
    if text[at : at + 1] in ("[", "{"):
        return _flow(line, text, at, depth + 1)
    if text[at : at + 1] in ('"', "'"):
        return _quoted(line, text, at)
    end = at
    while end < len(text) and text[end] not in ",[]{}:#?":
        end += 1
    plain = text[at:end].rstrip(" ")
    _plain(line, plain)
    if text[end : end + 1] in ("#", ":", "?", "[", "{") and text[end : end + 2] != ": ":
        raise Unsure(f"line {line.number}: {text[end]} in brackets")
    return plain, end
