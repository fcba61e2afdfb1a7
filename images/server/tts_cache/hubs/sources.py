"""Sources by name, and the form of their URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from deploy_kit import data
from deploy_kit.errors import fail
from tts_cache.lock import Item, Lock

AUTO = "auto"
_TWIN = "modelscope+"
_TOKENS = "huggingface"
"""The hub that hands out tokens for these models."""

_TOKEN_BYTES = 4096
_OWN = re.compile(r"//[^/?#\s,]*@")


@dataclass(frozen=True, slots=True)
class Source:
    """One place that serves files over HTTP. ``token`` is sent there, and nowhere else."""

    name: str
    endpoint: str
    form: str
    token: str = ""

    def url(self, item: Item, lock: Lock) -> str | None:
        """Where a file is to be had; None when this source has no such repository."""
        name, revision = item.repository, item.revision
        if self.form == "modelscope":
            twin = lock.repository(item.repository).modelscope
            if twin is None:
                return None
            name, revision = twin.name, twin.revision or data.table("hubs")["unpinned"]["modelscope"]
        pattern: str = data.table("hubs")["forms"][self.form]
        return pattern.format(endpoint=self.endpoint, name=quote(name), revision=quote(revision), path=quote(item.path))

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc


def sources(asked: str, region: str, token: str = "", environment: Mapping[str, str] | None = None) -> list[Source]:
    """The sources that a setting names, the preferred first.

    A setting may name several, with commas between them. A token goes to the hub that hands out tokens for these models
    when it is among them, else to the first that was named; never to two.
    ``HF_ENDPOINT`` in the environment stands for that hub, as everywhere else.

    Raises:
        Failure: CACHE-SOURCE when it names none.
    """
    if asked == AUTO:
        order = data.table("hubs")["order"]
        names = order.get(region, order["global"])
    else:
        names = [name.strip() for name in asked.split(",")]
    told = _TOKENS if _TOKENS in names else names[0]
    return [_source(name, token if name == told else "", environment or {}) for name in names]


def _source(asked: str, token: str, environment: Mapping[str, str]) -> Source:
    known = data.table("hubs")["hubs"]
    if asked in known:
        endpoint = known[asked]["endpoint"]
        if asked == _TOKENS and environment.get("HF_ENDPOINT", "").startswith(("http://", "https://")):
            endpoint = environment["HF_ENDPOINT"].rstrip("/")
        return Source(asked, endpoint, known[asked]["form"], token)
    form = "modelscope" if asked.startswith(_TWIN) else "huggingface"
    url = asked.removeprefix(_TWIN).rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise fail(
            "CACHE-SOURCE", shown(asked), reason="neither a known name, nor a URL, nor a folder or archive that exists"
        )
    return Source(parts.netloc.rpartition("@")[2], url, form, token)


def shown(asked: str) -> str:
    """A setting as it may be told and logged: without a name and password in its URLs."""
    return _OWN.sub("//", asked)


def local(asked: str) -> Path | None:
    """The folder or archive that a setting names, None when it names a source on the network.

    Raises:
        Failure: CACHE-SOURCE when there is nothing at that path.
    """
    path = Path(asked)
    if path.is_absolute() and path.exists():
        return path
    names = {AUTO, *data.table("hubs")["hubs"]}
    if all("://" in name or name.strip() in names for name in asked.split(",")):
        return None
    if not path.exists():
        raise fail("CACHE-SOURCE", shown(asked), reason="no such folder or archive")
    return path


def read_token(path: str | None) -> str:
    """The token in a file; empty without one.

    Raises:
        Failure: CACHE-SOURCE when the file holds no token.
    """
    if not path:
        return ""
    if Path(path).exists() and not Path(path).is_file():  # a pipe would keep us
        raise fail("CACHE-SOURCE", path, reason="not a regular file")
    try:
        with open(path, "rb") as file:
            token = file.read(_TOKEN_BYTES + 1).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise fail("CACHE-SOURCE", path, reason=getattr(error, "strerror", None) or "holds no token") from None
    if not token or len(token) > _TOKEN_BYTES or not token.isprintable() or " " in token:
        raise fail("CACHE-SOURCE", path, reason="holds no token")
    return token
