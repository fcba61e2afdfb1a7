"""One attempt to get one file from one source."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

from tts_cache.fetch.partial import Partial
from tts_cache.fetch.trouble import Kind, Trouble
from tts_cache.hubs.sources import Source
from tts_cache.lock import Item
from tts_cache.net import wire
from tts_cache.net.limits import Limits
from tts_cache.net.pace import Pace

_BLOCK = 256 * 1024
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_OTHER_VERSION = "the source has another version (sha256 {seen:.12}…)"


def attempt(
    item: Item, source: Source, url: str, partial: Partial, limits: Limits, tick: Callable[[int], None]
) -> None:
    """Get what is missing of a file into its partial, and prove that it is the one asked for.

    On success the partial is complete and open, to be settled. Whatever fails leaves it closed, and gone where its
    bytes were wrong. ``tick`` takes the bytes that came, negative ones when some were dropped.

    Raises:
        Trouble: What went wrong, and whether it may pass.
        OSError: The cache cannot be written.
    """
    try:
        etag = partial.open(source.name)
        _fetch(item, source, url, partial, etag, limits, tick)
        _prove(item, partial)
    except Trouble as trouble:
        trouble.source = source.name
        partial.close()
        if trouble.spoiled:
            tick(-partial.size)
            partial.discard()
        raise
    except wire.Unreachable as error:
        partial.close()
        kind = Kind.LOOP if isinstance(error, wire.Endless) else Kind.SILENT
        raise Trouble(kind, str(error), source=source.name, final=error.final) from None
    except BaseException:
        partial.close()
        raise


def _fetch(
    item: Item, source: Source, url: str, partial: Partial, etag: str, limits: Limits, tick: Callable[[int], None]
) -> None:
    began = partial.size
    if item.bytes is not None and began == item.bytes and item.sha256 is not None:
        return  # only its end was missing: the proof
    headers = {"Range": f"bytes={began}-"} if began else {}
    if began and etag:
        headers["If-Range"] = etag
    with wire.ask(url, headers, source.token, limits.silence_seconds) as answer:
        _refuse_status(answer)
        if answer.status == 200 and began:
            tick(-began)
            partial.restart()
        if answer.status == 206:
            _refuse_range(item, answer, partial, etag)
        _refuse_kind(item, answer, partial.size)
        partial.begin(source.name, answer.etag)
        _drain(item, answer, partial, limits, tick)
        if item.sha256 is None:
            _compare(source, answer, partial)


def _refuse_status(answer: wire.Answer) -> None:
    status = answer.status
    if status in (200, 206):
        return
    if status in (401, 403, 407):
        raise Trouble(Kind.FORBIDDEN, f"HTTP {status}", status=status)
    if status == 416:
        raise Trouble(Kind.STALE, "HTTP 416", status=status, spoiled=True)
    if status == 429 or (status == 503 and answer.retry_after is not None):
        raise Trouble(Kind.LIMITED, f"HTTP {status}", seconds=answer.retry_after or 0.0, status=status)
    if status >= 500 or status == 408:
        raise Trouble(Kind.SERVER, f"HTTP {status}", status=status)
    raise Trouble(Kind.MISSING, f"HTTP {status}", status=status)


def _refuse_range(item: Item, answer: wire.Answer, partial: Partial, etag: str) -> None:
    match = _CONTENT_RANGE.fullmatch((answer.headers.get("content-range") or "").strip())
    if match is None or int(match[1]) != partial.size:
        raise Trouble(Kind.STALE, "another range than the one asked for", spoiled=True)
    if etag and answer.etag and answer.etag != etag:
        raise Trouble(Kind.STALE, "the file changed in between", spoiled=True)
    if match[3] != "*" and item.bytes is not None and int(match[3]) != item.bytes:
        raise Trouble(Kind.WRONG, f"{match[3]} bytes instead of {item.bytes}")


def _refuse_kind(item: Item, answer: wire.Answer, already: int) -> None:
    """Refuse what cannot be the file before its first byte: gigabytes of something else are nothing to wait for."""
    if answer.kind in _PAGES and not item.path.endswith((".html", ".htm")):
        raise Trouble(Kind.PAGE, answer.kind)
    encoding = (answer.headers.get("content-encoding") or "identity").lower()
    if encoding != "identity":
        raise Trouble(Kind.PAGE, f"Content-Encoding: {encoding}")
    for size in (answer.linked_size, None if answer.length is None else already + answer.length):
        if size is not None and item.bytes is not None and size != item.bytes:
            raise Trouble(Kind.WRONG, f"{size} bytes instead of {item.bytes}")
    if answer.linked_sha256 and item.sha256 and answer.linked_sha256 != item.sha256:
        raise Trouble(Kind.WRONG, _OTHER_VERSION.format(seen=answer.linked_sha256))


def _drain(item: Item, answer: wire.Answer, partial: Partial, limits: Limits, tick: Callable[[int], None]) -> None:
    pace, length = Pace(limits.slow_bytes, limits.slow_seconds), answer.length
    whole = item.bytes if item.bytes is not None else None if length is None else partial.size + length
    while True:
        try:
            block = answer.read(_BLOCK)
        except wire.Unreachable as error:
            raise Trouble(Kind.CUT, str(error)) from None
        if not block:
            break
        partial.add(block)
        tick(len(block))
        if whole is not None and partial.size > whole:
            raise _useless(partial, f"more than {whole} bytes")
        if not pace.add(len(block)):
            raise Trouble(Kind.SLOW, f"less than {limits.slow_bytes} bytes a second")
    if whole is not None and partial.size < whole:
        raise Trouble(Kind.CUT, f"cut after {partial.size} of {whole} bytes")


def _prove(item: Item, partial: Partial) -> None:
    if item.bytes is not None and partial.size != item.bytes:
        raise _useless(partial, f"{partial.size} bytes instead of {item.bytes}")
    if item.sha256 is not None and partial.digest != item.sha256:
        raise _useless(partial, f"sha256 {partial.digest:.12}…")
    if item.sha256 is None and (reason := unlikely(item, partial.content())):
        raise Trouble(Kind.PAGE, reason, spoiled=True)


def _compare(source: Source, answer: wire.Answer, partial: Partial) -> None:
    """Hold a file that the lock has no hash for against what the hub itself says of it."""
    if answer.linked_sha256 and answer.linked_sha256 != partial.digest:
        raise _useless(partial, _OTHER_VERSION.format(seen=answer.linked_sha256))
    if answer.linked_sha1 and source.form == "huggingface":
        data = partial.content()
        if answer.linked_sha1 not in (git_hash(data), hashlib.sha1(data).hexdigest()):  # noqa: S324  # the hub's choice
            raise _useless(partial, f"not what the hub calls {answer.linked_sha1:.12}…")


def _useless(partial: Partial, reason: str) -> Trouble:
    """Wrong bytes. Where some of them lay there before, this source may be right: then it is asked for all of them."""
    return Trouble(Kind.STALE if partial.resumed else Kind.WRONG, reason, spoiled=True)


def git_hash(data: bytes) -> str:
    """The name of these bytes as a git blob: what hubs give as ETag of small files."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324  # git's choice


def unlikely(item: Item, data: bytes) -> str | None:
    """Why bytes without a hash to compare can hardly be this file; None when nothing speaks against them."""
    if data[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if item.path.endswith(".json"):
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            return "no JSON"
    return None
