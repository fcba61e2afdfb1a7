"""Whether a registry or a mirror answers at all: asked with a short deadline of our own, before a client is let loose.

The engine's own patience with a registry that accepts connections and says nothing is 10 to 200 seconds.
No credentials are sent and no content is trusted, so certificates are not checked here: the engine does that.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from deploy_kit import data

DEADLINE = 4.0
"""Seconds for one question, name resolution included."""

DEFAULT_HOST = "docker.io"
_NO_HEAD = (405, 501)


@dataclass(frozen=True, slots=True)
class Answer:
    """``reached``: somebody spoke HTTP to us. ``reason`` is the system's word when not; ``status`` the HTTP status."""

    reached: bool
    reason: str = ""
    status: int | None = None
    seconds: float = 0.0


def host_of(reference: str) -> str:
    """The registry (``host`` or ``host:port``) of an image reference; without one it is Docker's own."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else DEFAULT_HOST


def at_mirror(reference: str, mirror: str) -> str:
    """The reference of the same image at a mirror, given as ``host`` or ``host/prefix`` (a scheme is dropped)."""
    host = host_of(reference)
    path = reference.removeprefix(f"{host}/")
    if host == DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    return f"{mirror.removeprefix('https://').removeprefix('http://').rstrip('/')}/{path}"


def ask(host: str, *, proxies: Mapping[str, str], deadline: float = DEADLINE) -> Answer:
    """Whether the registry ``host[:port][/prefix]`` answers within ``deadline`` seconds, over HTTPS or plain HTTP."""
    name = data.table("mirrors")["registry_endpoints"].get(host, host.split("/", 1)[0])
    until = time.monotonic() + deadline
    answer = fetch(f"https://{name}/v2/", proxies=proxies, deadline=deadline)
    if not answer.reached and "WRONG_VERSION_NUMBER" in answer.reason:
        answer = fetch(f"http://{name}/v2/", proxies=proxies, deadline=max(0.1, until - time.monotonic()))
    return answer


def fetch(url: str, *, proxies: Mapping[str, str], deadline: float = DEADLINE) -> Answer:
    """One HEAD request, given up after ``deadline`` seconds even where the resolver hangs."""
    start = time.monotonic()
    answers: list[Answer] = []
    worker = threading.Thread(target=lambda: answers.append(_head(url, proxies, deadline)), daemon=True)
    worker.start()
    worker.join(deadline)
    found = answers[0] if answers else Answer(reached=False, reason=f"no answer after {deadline:g} s")
    return Answer(found.reached, found.reason, found.status, time.monotonic() - start)


def _head(url: str, proxies: Mapping[str, str], deadline: float, method: str = "HEAD") -> Answer:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    schemes = {name.lower().removesuffix("_proxy"): value for name, value in proxies.items()}
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({name: value for name, value in schemes.items() if name in ("http", "https")}),
        urllib.request.HTTPSHandler(context=context),
    )
    try:
        with opener.open(urllib.request.Request(url, method=method), timeout=deadline) as reply:  # noqa: S310 - only our own http(s) addresses
            return Answer(reached=True, status=reply.status)
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
        if method == "HEAD" and status in _NO_HEAD:
            return _head(url, proxies, deadline, "GET")  # the body is not read
        return Answer(reached=status < 500 and status != 407, reason=f"HTTP {status}", status=status)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(reached=False, reason=str(getattr(error, "reason", error)))
