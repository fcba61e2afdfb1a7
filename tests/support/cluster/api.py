"""The API server in as few words as a test needs: JSON in, JSON out, as the cluster's owner."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

Json = dict[str, Any]

_SECONDS = 20


class Refused(Exception):
    """The API server did not do what was asked; ``code`` is that of HTTP."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code


class Api:
    """One API server.

    Args:
        network: Makes the network in which it listens that of the calling thread.
    """

    def __init__(self, url: str, token: str, network: Callable[[], AbstractContextManager[None]]) -> None:
        self._url = url
        self._token = token
        self.network = network
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        ).open

    def get(self, path: str) -> Json:
        return self.ask("GET", path)

    def post(self, path: str, body: Json) -> Json:
        return self.ask("POST", path, body)

    def put(self, path: str, body: Json) -> Json:
        return self.ask("PUT", path, body)

    def merge(self, path: str, body: Json) -> Json:
        """Change what ``body`` names, of an object or its status."""
        return self.ask("PATCH", path, body, kind="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete an object or all of a kind, at once; what is not there is no matter."""
        try:
            self.ask("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
        except Refused as refused:
            if refused.code != 404:
                raise

    def ask(self, method: str, path: str, body: Json | None = None, *, kind: str = "application/json") -> Json:
        """Ask; an answer that is no JSON is handed over as ``text``.

        Raises:
            Refused: It answered, but not with success.
            OSError: It did not answer.
        """
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind, "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with self.network(), self._open(request, timeout=_SECONDS) as answer:
                words = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, error.read().decode(errors="replace")) from None
        try:
            return dict(json.loads(words))
        except ValueError:
            return {"text": words.decode(errors="replace")}
