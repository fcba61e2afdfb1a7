"""Logs as they come: in pieces, with colours, progress bars, and whatever others put before a line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

SHOWN = 300
"""Characters of a line that are kept."""

_PIECE = 1 << 16
_LONGEST = 1 << 20
_OVERLAP = 1 << 10
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_HEAD = 256
_MOSTLY = 0.5

_COLOUR = re.compile(
    r"(?:\x1b|\\u001b|\\x1b)(?:\[[0-9;:?<=>]{0,32}[@-~]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78cM])"
)
_NEWLINE = re.compile(r"\\r\\n|\\n|\\r")
_HEADS = re.compile(
    r"[ \t]{1,40}"
    r"|\x00{1,8}"
    r"|\ufeff"  # the mark of an encoding
    r"|\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\s?"  # 2026-01-02T03:04:05.678Z
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \S{1,64} (?!nvidia-gridd)"  # journald; the name of this
    r"[\w./@-]{1,64}(?:\[\d{1,10}\])?:\s?"  # program alone is part of what it says
    r"|\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?: \d{4})?\]\s?"  # dmesg -T
    r"|\[ {0,8}\d{1,9}\.\d{6}\]\s?"  # the kernel's own clock
    r"|(?:stdout|stderr) [FP] "  # containers under Kubernetes
    r"|[\w.-]{1,100} {1,40}\| "  # docker compose
    r"|#\d{1,4} (?:\d{1,6}\.\d{1,3} )?"  # BuildKit
    r"|<\d{1,3}>"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def pieces_of_lines(lines: Iterable[str]) -> Iterator[str]:
    """Lines, with or without their ends, in pieces of a handy size; each ends with a line."""
    some: list[str] = []
    size = 0
    for line in lines:
        some.append(line if line[-1:] == "\n" else f"{line}\n")
        size += len(line)
        if size >= _PIECE:
            yield "".join(some)
            some.clear()
            size = 0
    if some:
        yield "".join(some)


def pieces_of_stream(stream: BinaryIO) -> Iterator[str]:
    """As `pieces_of_lines`, of bytes in UTF-8 or UTF-16; what is neither is replaced.

    A line without an end is cut; what stands around the cut is in both pieces.
    """
    block = _read(stream)
    decoder = codecs.getincrementaldecoder(_encoding(block))(errors="replace")
    rest = ""
    while block:
        rest += decoder.decode(block)
        cut = rest.rfind("\n") + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > _LONGEST:
            yield rest
            rest = rest[-_OVERLAP:]
        block = _read(stream)
    if rest:
        yield rest


def _encoding(block: bytes) -> str:
    """By the mark at the beginning, else by where the zeros stand: in UTF-16, English is every other byte of it."""
    if marked := _UTF_16.get(block[:2]):
        return marked
    first, second = block[:_HEAD:2], block[1:_HEAD:2]
    if second and second.count(0) > _MOSTLY * len(second) and not first.count(0):
        return "utf-16-le"
    if second and first.count(0) > _MOSTLY * len(first) and not second.count(0):
        return "utf-16-be"
    return "utf-8"


def _read(stream: BinaryIO) -> bytes:
    """What is there, up to a piece: a pipe that is still written must not be waited for until a piece is full."""
    return getattr(stream, "read1", stream.read)(_PIECE)


def plain(piece: str) -> str:
    """A piece without colours and escaped quotes; in JSON and logfmt every escape is undone: it reads as it was meant.

    Line ends inside of a line become carriage returns: they end a sentence, not a line.
    """
    if "\x1b" in piece or "\\u001b" in piece or "\\x1b" in piece:
        piece = _COLOUR.sub("", piece)
    if "\\" in piece and ('{"' in piece or 'msg="' in piece):
        piece = _NEWLINE.sub("\r", piece).replace("\\t", " ").replace("\\u003e", ">")
    return piece.replace('\\"', '"')


def small(text: str) -> str:
    """ASCII letters made small; every character keeps its place."""
    return text.lower() if text.isascii() else text.encode("utf-8", "replace").lower().decode("utf-8")


def body(line: str) -> str:
    """A line without what carriers put before it; its inner ends are line ends again."""
    at = 0
    for _ in range(8):
        found = _HEADS.match(line, at)
        if found is None:
            break
        at = found.end()
    return line[at:].replace("\r", "\n")


def around(text: str, start: int, end: int) -> str:
    """The sentence that holds a place of a text, cut to `SHOWN` characters."""
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    last = len(text) if last < 0 else last
    room = max(0, SHOWN - (end - start)) // 2
    left, right = max(first, start - room), min(last, end + room)
    if last - first <= SHOWN:
        left, right = first, last
    shown = _CONTROL.sub(" ", text[left:right].replace("\n", " ")).strip()[:SHOWN]
    return ("…" if left > first else "") + shown + ("…" if right < last else "")
