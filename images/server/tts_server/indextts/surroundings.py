"""What a download needs of the site where the service runs: written by the host into a folder that only we read."""

from __future__ import annotations

import json
from pathlib import Path

DEFAULT = Path("/run/deploykit/site")
_AUTHORITIES = "ca.pem"
_VARIABLES = "variables.json"


def variables(folder: Path) -> dict[str, str]:
    """Proxies and the hub's address by their usual names, and where the trusted certificates lie; may be empty."""
    found = _told(folder / _VARIABLES)
    if (folder / _AUTHORITIES).is_file():
        found["SSL_CERT_FILE"] = str(folder / _AUTHORITIES)
    return found


def _told(path: Path) -> dict[str, str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in document.items()} if isinstance(document, dict) else {}
