# ruff: noqa: INP001 - a script, copied alone into a build
"""A shared library that stands where a large one is named but never called: each of its functions declines.

PyTorch is linked against libraries for things that speech on one GPU never does (talking to other GPUs, sparse
matrices). Its loader insists on them, so they cannot just go. What stands in for one has its name and the functions
that are asked of it; called after all, each answers with the library's own code for "not supported", of which PyTorch
makes an error.
x86-64 only; written by hand, so that no compiler is needed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping

MARK = "deploykit: this image carries no "
"""Begins the sentence inside every such library."""

_TEXT_FUNCTION = re.compile(r"GetErrorString|GetErrorName|GetLastError")
_PAGE = 0x1000
_SYMBOL = struct.Struct("<IBBHQQ")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_FUNCTION, _SOME_SECTION = 0x12, 1
_VERSYM, _VERDEF, _VERDEFNUM = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME = 4, 5, 6, 10, 11, 14


def build(soname: str, functions: Iterable[str], status: int, version: str | None = None) -> bytes:
    """The library: what it is called, its functions, the number that they answer, the version that they carry.

    Functions whose name says that they give an error's text answer with a sentence instead.
    """
    names = sorted(functions)
    strings, offsets = _strings((soname, *names, *((version,) if version else ())))
    head = 64 + 4 * _PROGRAM.size
    symbols_at = head
    hash_at = symbols_at + _SYMBOL.size * (len(names) + 1)
    table = _hash_table(names)
    versions = _versions(len(names), soname, version, offsets) if version else (b"", b"")
    versions_at = _aligned(hash_at + len(table), 8)
    table += bytes(versions_at - hash_at - len(table)) + versions[0] + versions[1]
    strings_at = hash_at + len(table)
    number_at = _aligned(strings_at + len(strings), 16)
    text_at, sentence_at = number_at + 16, number_at + 32
    code = struct.pack("<BI", 0xB8, status) + b"\xc3"  # mov eax, status; ret
    text_code = b"\x48\x8d\x05" + struct.pack("<i", sentence_at - text_at - 7) + b"\xc3"  # lea rax, [sentence]; ret
    sentence = f"{MARK}{soname}, since no engine uses it".encode() + b"\0"
    rows = [_SYMBOL.pack(0, 0, 0, 0, 0, 0)]
    for name in names:
        place = text_at if _TEXT_FUNCTION.search(name) else number_at
        rows.append(_SYMBOL.pack(offsets[name], _FUNCTION, 0, _SOME_SECTION, place, 8))
    body = b"".join((*rows, table, strings))
    body += bytes(number_at - head - len(body)) + code.ljust(16, b"\xcc") + text_code.ljust(16, b"\xcc") + sentence
    dynamic_at = _aligned(head + len(body), _PAGE)
    dynamic = b"".join(
        struct.pack("<QQ", *row)
        for row in (
            (_SONAME, offsets[soname]),
            (_HASH, hash_at),
            (_STRTAB, strings_at),
            (_SYMTAB, symbols_at),
            (_STRSZ, len(strings)),
            (_SYMENT, _SYMBOL.size),
            *(((_VERSYM, versions_at + len(versions[0])), (_VERDEF, versions_at), (_VERDEFNUM, 2)) if version else ()),
            (0, 0),
        )
    )
    whole = _head(head + len(body), dynamic_at, len(dynamic)) + body
    return whole + bytes(dynamic_at - len(whole)) + dynamic


def _head(body: int, dynamic_at: int, dynamic: int) -> bytes:
    """The header and the program table: what is read and run, what is written, where the dynamic table is, no stack."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, 3, 62, 1, 0, 64, 0, 0, 64, _PROGRAM.size, 4, 64, 0, 0)
    return header + b"".join(
        _PROGRAM.pack(*row)
        for row in (
            (1, 5, 0, 0, 0, body, body, _PAGE),
            (1, 6, dynamic_at, dynamic_at, dynamic_at, dynamic, dynamic, _PAGE),
            (2, 6, dynamic_at, dynamic_at, dynamic_at, dynamic, dynamic, 8),
            (0x6474E551, 6, 0, 0, 0, 0, 0, 16),
        )
    )


def _strings(names: Iterable[str]) -> tuple[bytes, dict[str, int]]:
    table, offsets = b"\0", {}
    for name in names:
        offsets[name] = len(table)
        table += name.encode() + b"\0"
    return table, offsets


def _versions(count: int, soname: str, version: str, offsets: Mapping[str, int]) -> tuple[bytes, bytes]:
    """The versions that are defined (the file's own and the one of all functions), and which each symbol carries."""
    names = ((1, 1, soname, 28), (0, 2, version, 0))
    defined = b"".join(
        struct.pack("<HHHHIII", 1, flags, index, 1, _hash(name), 20, step) + struct.pack("<II", offsets[name], 0)
        for flags, index, name, step in names
    )
    return defined, struct.pack(f"<{count + 1}H", 0, *[2] * count)


def _hash_table(names: list[str]) -> bytes:
    """The System V hash table; many buckets, since every symbol that a process looks up passes here."""
    count = 2 * len(names) + 1
    buckets, chains = [0] * count, [0] * (len(names) + 1)
    for index, name in enumerate(names, 1):
        bucket = _hash(name) % count
        chains[index], buckets[bucket] = buckets[bucket], index
    return struct.pack(f"<{2 + count + len(chains)}I", count, len(chains), *buckets, *chains)


def _hash(name: str) -> int:
    value = 0
    for letter in name.encode():
        value = (value << 4) + letter
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value


def _aligned(place: int, size: int) -> int:
    return (place + size - 1) // size * size
