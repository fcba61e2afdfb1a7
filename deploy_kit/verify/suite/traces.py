"""What must not be left in an image: keys, credentials, and certificates that only this host trusts."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path

PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")
CREDENTIALS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"]+:[^\s/@'\"]+@")
"""A user name and a password in a URL."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s+(.*?)-----END CERTIFICATE-----", re.DOTALL)
_LINE = 64


def certificates(pem: str) -> frozenset[str]:
    """The certificates of a bundle as base64 without line breaks."""
    return frozenset("".join(body.split()) for body in _CERTIFICATE.findall(pem))


def host_bundle(environment: Mapping[str, str] = os.environ) -> str:
    """The text of every bundle of trusted certificates that this host points to."""
    named = [environment.get(name) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")]
    paths = {Path(path) for path in (*named, ssl.get_default_verify_paths().cafile) if path}
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(paths) if path.is_file())


def fingerprints(bundle: str, public: str) -> tuple[bytes, ...]:
    """Of each certificate in ``bundle`` but not in ``public`` the second line of base64, where certificates differ."""
    return tuple(sorted(body[_LINE : 2 * _LINE].encode() for body in certificates(bundle) - certificates(public)))


def found(content: bytes, markers: tuple[bytes, ...]) -> bool:
    """Whether one of the markers occurs."""
    return any(marker in content for marker in markers)
