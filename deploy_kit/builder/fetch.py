"""Fetching one file over HTTP for a build: through the site's proxies, trusting the site's certificates."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy_kit.units import size

_SILENCE = 20.0
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Fetcher:
    """How this site fetches: ``proxies`` by their variables' names, ``bundle`` a PEM file of trusted certificates."""

    proxies: Mapping[str, str] = field(default_factory=dict)
    bundle: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The same for programs that fetch by themselves."""
        certificates = {"GIT_SSL_CAINFO": self.bundle, "SSL_CERT_FILE": self.bundle} if self.bundle else {}
        return {**self.proxies, **certificates}

    def fetch(self, url: str, target: Path, most: int) -> str:
        """Write what a URL serves into a file; the reason why not, or an empty text.

        Args:
            most: Bytes after which it cannot be what is meant.
        """
        request = urllib.request.Request(url, headers={"User-Agent": "deploykit"})  # noqa: S310 - http(s) only, below
        if request.type not in ("http", "https"):
            return f"{request.type}: not a way to fetch an archive"
        try:
            with self._opener().open(request, timeout=_SILENCE) as reply, target.open("wb") as file:
                while piece := reply.read(_PIECE):
                    file.write(piece)
                    if file.tell() > most:
                        return f"more than {size(most)}"
        except urllib.error.HTTPError as error:
            error.close()
            return f"HTTP {error.code}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            return str(getattr(error, "reason", error)) or type(error).__name__
        return ""

    def _opener(self) -> urllib.request.OpenerDirector:
        schemes = {name.lower().removesuffix("_proxy"): value for name, value in self.proxies.items()}
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({name: value for name, value in schemes.items() if name in ("http", "https")}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.bundle)),
        )
