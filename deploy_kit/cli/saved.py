"""Facts files: what `doctor --save` wrote on some host, and somebody may have edited, damaged or made up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_kit import codec, files
from deploy_kit.cluster.facts import KIND, ClusterFacts
from deploy_kit.cluster.facts import SCHEMA as CLUSTER_SCHEMA
from deploy_kit.errors import fail
from deploy_kit.facts import SCHEMA, HostFacts

_SIZE_CAP = 64 * 1024 * 1024
"""A thousand nodes of a cluster are some ten million characters."""
_LARGEST = 2**63 - 1
"""No kernel and no cluster counts further."""
_SIGNED = ("$.network.clock.value",)
"""A clock may be behind."""

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but tab and line feed: a facts file may come from a stranger, and its texts are shown."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What files hold: hosts and clusters, each with the name of its file."""

    hosts: list[tuple[str, HostFacts]]
    clusters: list[tuple[str, ClusterFacts]]


def facts(file: Path) -> HostFacts:
    """Read the facts of a host.

    Raises:
        Failure: USAGE-FACTS, USAGE-FACTS-VERSION; USAGE-FACTS-CLUSTER for those of a cluster.
    """
    found = read(file)
    if not isinstance(found, HostFacts):
        raise fail("USAGE-FACTS-CLUSTER", str(file), commands=(("deploykit", "doctor", "--facts", str(file)),))
    return found


def read(file: Path) -> HostFacts | ClusterFacts:
    """Read a facts file, which says itself whether it is about a host or a cluster.

    Raises:
        Failure: USAGE-FACTS, USAGE-FACTS-VERSION.
    """
    try:
        plain = codec.plain(files.read(file, _SIZE_CAP))
        cluster = isinstance(plain, dict) and plain.get("kind") == KIND
        known = CLUSTER_SCHEMA if cluster else SCHEMA
        if isinstance(plain, dict) and isinstance(found := plain.get("schema"), int) and found != known:
            raise fail("USAGE-FACTS-VERSION", str(file), found=found, known=known)
        sane = _sane(plain, "$")
        return codec.read(ClusterFacts, sane) if cluster else codec.read(HostFacts, sane)
    except OSError as error:
        raise fail("USAGE-FACTS", str(file), reason=error.strerror or str(error)) from None
    except codec.CodecError as error:
        raise fail("USAGE-FACTS", str(file), reason=str(error)) from None


def everything(places: Sequence[str]) -> Saved:
    """What files and folders (all ``.json`` in there) hold, in order of name.

    Raises:
        Failure: USAGE-FACTS, USAGE-FACTS-VERSION; USAGE-FACTS-NONE for a folder without facts.
    """
    saved = Saved([], [])
    for place in map(Path, places):
        try:
            paths = sorted(place.glob("*.json"), key=lambda path: path.stem) if place.is_dir() else [place]
        except OSError as error:
            raise fail("USAGE-FACTS", str(place), reason=error.strerror or str(error)) from None
        if not paths:
            raise fail("USAGE-FACTS-NONE", str(place))
        for path in paths:
            found = read(path)
            if isinstance(found, HostFacts):
                saved.hosts.append((path.stem, found))
            else:
                saved.clusters.append((path.stem, found))
    return saved


def _sane(plain: Any, path: str) -> Any:
    """The document without what could steer a terminal.

    Raises:
        CodecError: It holds a number that nothing counted can have.
    """
    if isinstance(plain, dict):
        return {name: _sane(item, f"{path}.{name}") for name, item in plain.items()}
    if isinstance(plain, list):
        return [_sane(item, f"{path}[{index}]") for index, item in enumerate(plain)]
    if isinstance(plain, (int, float)) and not (-_LARGEST if path in _SIGNED else 0) <= plain <= _LARGEST:
        raise codec.CodecError(f"{path}: no number that can have been counted")
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", plain) if isinstance(plain, str) else plain
