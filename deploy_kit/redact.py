"""What must not be shown to others: passwords in URLs, tokens, keys, and who and where the user is."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")

MASK = "***"

_NAMES = (
    r"api[_-]?key|apikey|secret|secret[_-]?key|token|passw(?:or)?d|passphrase|pwd|credentials?|access[_-]?key"
    r"|private[_-]?key|authorization|signature|sig|x-amz-[a-z-]{1,40}|key-pair-id"
)
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/?#\s\"'<>]{1,512}(?=@)"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{4,4096}"),
    re.compile(r"(?i)(?<=basic )[\w+/=-]{8,4096}"),
    re.compile(rf"(?i)(?P<kept>(?<![a-z0-9])(?:{_NAMES})\"?\s{{0,4}}[:=]\s{{0,4}}\")(?!\*\*\*)[^\"\\\n]{{1,4096}}"),
    re.compile(rf"(?i)(?P<kept>(?<![a-z0-9])(?:{_NAMES})'?\s{{0,4}}[:=]\s{{0,4}}')(?!\*\*\*)[^'\n]{{1,4096}}"),
    re.compile(
        rf"(?i)(?P<kept>(?<![a-z0-9])(?:{_NAMES})\\?[\"']?\s{{0,4}}[:=]\s{{0,4}}\\?[\"']?(?:bearer |basic |token )?)"
        r"(?!\*\*\*|bearer |basic |token )[^\s\"'&,;}\\]{1,4096}"
    ),
    re.compile(rf"(?i)(?P<kept>--(?:[a-z]{{1,20}}-){{0,3}}(?:{_NAMES})[ =])[^\s\"']{{1,4096}}"),
    re.compile(r"(?i)(?P<kept>[?&](?:key|auth|pass|user|username|code|sign|expires)=)[^\s\"'&]{1,4096}"),
    re.compile(r"\b(?:hf_|sk-|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|pypi-|dckr_pat_)[\w-]{12,512}"),
    re.compile(r"\bms-[0-9a-f]{8}-[0-9a-f-]{20,40}\b"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\beyJ[\w-]{10,4096}\.[\w-]{4,4096}\.[\w-]{0,4096}"),
)
"""What looks like a secret wherever it stands; what is named ``kept`` stays."""

_SECRET_NAME = re.compile(rf"(?i)(?:^|[_.-])(?:{_NAMES}|auth|key)$")

_SHORTEST = 4
"""A shorter known secret would be found everywhere."""


def has_credentials(text: str) -> bool:
    """Whether a URL in the text carries a user name or a password."""
    return _CREDENTIALS.search(text) is not None


def redact(text: str, mark: str = "***@") -> str:
    """The text without user names and passwords in URLs; ``mark`` stands in for them."""
    return _CREDENTIALS.sub(mark, text)


def is_secret_name(name: str) -> bool:
    """Whether a variable or key of this name holds a secret itself (and not, say, the path of a file with one)."""
    return _SECRET_NAME.search(name) is not None


def scrub(text: str) -> str:
    """The text without anything that looks like a password, a token or a key; `MASK` stands in for it."""
    for pattern in _SECRETS:
        text = pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    return (found["kept"] if "kept" in found.re.groupindex else "") + MASK


class Scrubber:
    """Cuts what is secret or personal out of texts that are handed to others.

    Besides what `scrub` sees: secrets whose values are known, in every form that programs write them in; home folders
    (``~``, ``/home/user``); the host's name and those of its addresses that the whole internet can reach.

    Args:
        secrets: Values that must not appear.
        home: The user's home folder.
        user: The user's login name.
        host: The host's name.
        addresses: The host's own addresses; private ones stay, since they tell nothing and explain much.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        *,
        home: str = "",
        user: str = "",
        host: str = "",
        addresses: Iterable[str] = (),
    ) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
        self._secrets = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None
        self._words: list[tuple[re.Pattern[str], str]] = []
        if len(home.strip("/")) > 1 and home != "/root":
            self._words.append((re.compile(re.escape(home.rstrip("/")) + r"(?![\w.-])"), "~"))
        self._words.append((re.compile(r"(?<=/home/)[^/\s\"':,;]{1,64}|(?<=/Users/)[^/\s\"':,;]{1,64}"), "user"))
        for name, word in ((user, "<user>"), (host, "<host>"), (host.partition(".")[0], "<host>")):
            if len(name) >= _SHORTEST_NAME and name.lower() not in _COMMON:
                self._words.append((re.compile(rf"(?i)(?<![\w.-]){re.escape(name)}(?![\w-])"), word))
        for number, address in enumerate(sorted(filter(_public, set(addresses))), 1):
            end = r"(?![\w:])" if ":" in address else r"(?!\w|\.\d)"
            pattern = re.compile(rf"(?i)(?<![\w.:]){re.escape(address)}{end}")
            self._words.append((pattern, f"<public-address-{number}>"))

    def __call__(self, text: str) -> str:
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        text = scrub(text)
        for pattern, word in self._words:
            text = pattern.sub(word, text)
        return text


_SHORTEST_NAME = 3
_COMMON = frozenset(
    (
        *("localhost", "host", "ubuntu", "debian", "docker", "deploykit", "indextts", "server", "service", "kernel"),
        *("root", "admin", "user", "nobody", "nvidia", "container", "home", "default"),
    )
)
"""Names that give nobody away and stand in every log."""


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: plain, in JSON, in a URL, in base64."""
    import base64
    import json
    from urllib.parse import quote, quote_plus

    plain = secret.strip()
    coded = base64.b64encode(plain.encode()).decode().rstrip("=")
    return {plain, json.dumps(plain)[1:-1], quote(plain, safe=""), quote(plain), quote_plus(plain), coded}


def _public(address: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False
