"""One HTTP request, redirects followed by hand: the token stays with the host that it is for, and what the hub says of
a file is kept although the bytes come from elsewhere. Proxies come from the environment, certificates from the system
or ``SSL_CERT_FILE``."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from email.message import Message
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from deploy_kit import __version__

_HOPS = 8
_REDIRECTS = (301, 302, 303, 307, 308)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


class Unreachable(Exception):
    """Nobody answered, or the answer broke off; the text says why. ``final`` when trying again is of no use now."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Endless(Unreachable):
    """One redirect after the other."""


class Answer:
    """An answer whose body is still to be read. ``linked_*`` is what the hub itself says of the file."""

    def __init__(self, response: http.client.HTTPResponse, url: str, said: Mapping[str, str]) -> None:
        self._response = response
        self.url = url
        self.status = response.status
        self.headers: Message = response.headers
        self.linked_size = _number(said.get("x-linked-size"))
        hub = _bare(said.get("x-linked-etag") or said.get("etag"))
        self.linked_sha256 = hub if _SHA256.fullmatch(hub) else None
        self.linked_sha1 = hub if _SHA1.fullmatch(hub) else None

    @property
    def length(self) -> int | None:
        """Bytes of the body, when the answer says so."""
        return _number(self.headers.get("content-length"))

    @property
    def etag(self) -> str:
        """The strong ETag of what is being sent; empty without one."""
        tag = (self.headers.get("etag") or "").strip()
        return tag if tag.startswith('"') else ""

    @property
    def kind(self) -> str:
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, as the server wishes; None when it does not say."""
        return _seconds(self.headers.get("retry-after"))

    def read(self, most: int) -> bytes:
        """What has come, at most that much; empty at the end, or where the answer broke off.

        Raises:
            Unreachable: The connection broke.
        """
        try:
            return self._response.read1(most)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(_why(error)) from None


@contextlib.contextmanager
def ask(url: str, headers: Mapping[str, str], token: str, timeout: float) -> Iterator[Answer]:
    """Send one GET and follow redirects.

    Raises:
        Unreachable: No answer; Endless when redirects do not end.
    """
    first, said = urlsplit(url), dict[str, str]()
    for _ in range(_HOPS):
        here = urlsplit(url)
        own = token and (here.scheme, here.netloc) == (first.scheme, first.netloc)
        response = _send(url, {**headers, **({"Authorization": f"Bearer {token}"} if own else {})}, timeout)
        with contextlib.closing(response):
            for name in ("x-linked-etag", "x-linked-size"):
                if response.headers.get(name):
                    said.setdefault(name, response.headers[name])
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target:
                if response.headers.get("etag") and here.netloc == first.netloc:  # elsewhere it is another store's own
                    said.setdefault("etag", response.headers["etag"])
                yield Answer(response, url, said)
                return
            url = urljoin(url, target)
            if urlsplit(url).scheme not in ("http", "https"):
                raise Unreachable(f"redirect to {urlsplit(url).scheme}:")
    raise Endless(f"more than {_HOPS} redirects")


def _send(url: str, headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
    fixed = {"User-Agent": f"deploykit/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"}
    request = urllib.request.Request(url, headers={**fixed, **headers})  # noqa: S310  # the scheme was checked
    try:
        response: http.client.HTTPResponse = _opener().open(request, timeout=timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a URL that none can ask for
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Unreachable(_why(reason), final=isinstance(reason, ssl.SSLCertVerificationError)) from None
    return response


@cache
def _opener() -> urllib.request.OpenerDirector:
    secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), secure):
        opener.add_handler(handler)
    return opener


def _why(error: Any) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error)
    return text or type(error).__name__


def _bare(tag: str | None) -> str:
    return (tag or "").strip().removeprefix("W/").strip('"').lower()


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None
