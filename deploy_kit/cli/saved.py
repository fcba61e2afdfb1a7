"""Facts files: what `doctor --save` wrote on some host, and somebody may have edited, damaged or made up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy_kit import codec, files
from deploy_kit.errors import fail
from deploy_kit.facts import SCHEMA, HostFacts

_SIZE_CAP = 4 * 1024 * 1024
_LARGEST = 2**63 - 1
"""No kernel counts further."""
_SIGNED = ("$.network.clock.value",)
"""A clock may be behind."""

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but tab and line feed: a facts file may come from a stranger, and its texts are shown."""


def facts(file: Path) -> HostFacts:
    """Read a facts file.

    Raises:
        Failure: USAGE-FACTS, USAGE-FACTS-VERSION.
    """
    try:
        plain = codec.plain(files.read(file, _SIZE_CAP))
        if isinstance(plain, dict) and isinstance(found := plain.get("schema"), int) and found != SCHEMA:
            raise fail("USAGE-FACTS-VERSION", str(file), found=found, known=SCHEMA)
        return codec.read(HostFacts, _sane(plain, "$"))
    except OSError as error:
        raise fail("USAGE-FACTS", str(file), reason=error.strerror or str(error)) from None
    except codec.CodecError as error:
        raise fail("USAGE-FACTS", str(file), reason=str(error)) from None


def hosts(places: Sequence[str]) -> list[tuple[str, HostFacts]]:
    """The hosts of files and folders (all ``.json`` in there), each with the name of its file, in order of name.

    Raises:
        Failure: USAGE-FACTS, USAGE-FACTS-VERSION; USAGE-FACTS-NONE for a folder without facts.
    """
    found: list[tuple[str, HostFacts]] = []
    for place in map(Path, places):
        try:
            paths = sorted(place.glob("*.json"), key=lambda path: path.stem) if place.is_dir() else [place]
        except OSError as error:
            raise fail("USAGE-FACTS", str(place), reason=error.strerror or str(error)) from None
        if not paths:
            raise fail("USAGE-FACTS-NONE", str(place))
        found += [(path.stem, facts(path)) for path in paths]
    return found


def _sane(plain: Any, path: str) -> Any:
    """The document without what could steer a terminal.

    Raises:
        CodecError: It holds a number that no host can have.
    """
    if isinstance(plain, dict):
        return {name: _sane(item, f"{path}.{name}") for name, item in plain.items()}
    if isinstance(plain, list):
        return [_sane(item, f"{path}[{index}]") for index, item in enumerate(plain)]
    if isinstance(plain, (int, float)) and not (-_LARGEST if path in _SIGNED else 0) <= plain <= _LARGEST:
        raise codec.CodecError(f"{path}: no number that a host can have")
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", plain) if isinstance(plain, str) else plain
