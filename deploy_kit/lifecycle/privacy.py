"""What is secret or personal on this host and in a request: what a report must not show."""

from __future__ import annotations

import ipaddress
import itertools
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from deploy_kit import codec, files
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.config.request import Request
from deploy_kit.facts import HostFacts
from deploy_kit.redact import MASK, Scrubber, is_secret_name
from deploy_kit.run.state import State

_SHORTEST = 6
_SHORTEST_NAME = 4
_SECRET_FILE = 64 * 1024


def scrubber(request: Request, state: State, facts: HostFacts | None) -> Scrubber:
    """One that knows every secret of this user, stack and host."""
    environment = os.environ
    return Scrubber(
        (*_of_files(request, state), *_of_environment(environment), *_of_addresses(request, facts)),
        home=environment.get("HOME", ""),
        user=environment.get("USER") or environment.get("LOGNAME") or "",
        host=platform.node(),
        addresses=_own_addresses(Path("/proc/net")),
    )


def scrubbed(plain: Any, scrub: Scrubber) -> Any:
    """A document whose texts have passed, and which holds no value of what is named like a secret."""
    if isinstance(plain, dict):
        return {scrub(str(name)): _value(str(name), item, scrub) for name, item in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [scrubbed(item, scrub) for item in plain]
    return _assigned(plain, scrub) if isinstance(plain, str) else plain


def without_address(plain: Any, facts: ClusterFacts) -> Any:
    """A document about a cluster that does not tell where that is, nor what its user calls it."""
    server = facts.server.value or ""
    host = urlsplit(f"//{server}").hostname or ""
    words = {server: "<server>", host: "<server>", facts.context.value or "": "<context>"}
    known = sorted((word for word in words if len(word) >= _SHORTEST_NAME), key=len, reverse=True)
    if not known:
        return plain
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w-])" for word in known))
    return _replaced(plain, lambda text: pattern.sub(lambda found: words[found[0]], text))


def _replaced(plain: Any, change: Callable[[str], str]) -> Any:
    if isinstance(plain, dict):
        return {name: _replaced(item, change) for name, item in plain.items()}
    if isinstance(plain, list):
        return [_replaced(item, change) for item in plain]
    return change(plain) if isinstance(plain, str) else plain


def _value(name: str, item: Any, scrub: Scrubber) -> Any:
    return MASK if isinstance(item, str) and item and is_secret_name(name) else scrubbed(item, scrub)


def _assigned(text: str, scrub: Scrubber) -> str:
    """A text; of ``NAME=value``, as environments are listed, only the name where that is a secret's."""
    name, equals, _ = text.partition("=")
    return f"{name}={MASK}" if equals and name.isidentifier() and is_secret_name(name) else scrub(text)


def _of_files(request: Request, state: State) -> Iterator[str]:
    paths = (request.api_key_file, request.weights.token_file, str(state.key_file), str(state.token_file))
    for path in paths:
        if path and files.is_file(Path(path)):
            yield _content(Path(path))


def _content(path: Path) -> str:
    try:
        return files.read(path, _SECRET_FILE).decode("utf-8", "replace").strip()
    except OSError:  # what we may not read, nothing of ours can have written anywhere
        return ""


def _of_environment(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if is_secret_name(name) and not value.startswith("/") and len(value) >= _SHORTEST:
            yield value
        yield from passwords(value)


def _of_addresses(request: Request, facts: HostFacts | None) -> Iterator[str]:
    """The passwords in proxies, mirrors and indexes."""
    plain = [codec.to_plain(request), codec.to_plain(facts.site) if facts is not None else None]
    for text in _strings(plain):
        yield from passwords(text)


def _strings(plain: Any) -> Iterator[str]:
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, (list, dict)):
        for item in plain.values() if isinstance(plain, dict) else plain:
            yield from _strings(item)


def passwords(text: str) -> Iterator[str]:
    """The credentials in a text's URLs: user and password together, and the password alone, as written and decoded."""
    for word in text.split():
        given = word.partition("://")[2].rpartition("@")[0]
        password = given.partition(":")[2] or given
        yield from (one for one in (given, password, unquote(password)) if len(one) >= _SHORTEST)


def _own_addresses(folder: Path) -> Iterator[str]:
    """The addresses of this host's own interfaces, of both versions of IP."""
    for before, line in itertools.pairwise(_lines(folder / "fib_trie")):
        if "host LOCAL" in line and "|-- " in before:
            yield before.partition("|-- ")[2].strip()
    for row in _lines(folder / "if_inet6"):
        yield str(ipaddress.ip_address(bytes.fromhex(row.split()[0])))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
