"""Facts files: what `doctor --save` wrote on some host, and somebody may have edited, damaged or made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy_kit import codec, files
from deploy_kit.errors import fail
from deploy_kit.facts import SCHEMA, HostFacts

_SIZE_CAP = 4 * 1024 * 1024
_LARGEST = 2**63 - 1
"""No kernel counts further."""


def facts(file: Path) -> HostFacts:
    """Read a facts file.

    Raises:
        Failure: USAGE-FACTS, USAGE-FACTS-VERSION.
    """
    try:
        plain = codec.plain(files.read(file, _SIZE_CAP))
        if isinstance(plain, dict) and isinstance(found := plain.get("schema"), int) and found != SCHEMA:
            raise fail("USAGE-FACTS-VERSION", str(file), found=found, known=SCHEMA)
        _refuse_absurd(plain, "$")
        return codec.read(HostFacts, plain)
    except OSError as error:
        raise fail("USAGE-FACTS", str(file), reason=error.strerror or str(error)) from None
    except codec.CodecError as error:
        raise fail("USAGE-FACTS", str(file), reason=str(error)) from None


def _refuse_absurd(plain: Any, path: str) -> None:
    """Numbers that no host can have."""
    if isinstance(plain, dict):
        for name, item in plain.items():
            _refuse_absurd(item, f"{path}.{name}")
    elif isinstance(plain, list):
        for index, item in enumerate(plain):
            _refuse_absurd(item, f"{path}[{index}]")
    elif isinstance(plain, (int, float)) and not 0 <= plain <= _LARGEST:
        raise codec.CodecError(f"{path}: no number that a host can have")
