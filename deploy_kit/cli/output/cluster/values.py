"""One fact of a cluster as text: what was seen, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deploy_kit.cli.output.text import size
from deploy_kit.cluster.facts import (
    ClaimFacts,
    DaemonFacts,
    LimitFacts,
    NamespaceFacts,
    NodeFacts,
    QuotaFacts,
    ReleaseFacts,
    RuntimeClassFacts,
    SliceFacts,
    StorageClassFacts,
    Taint,
    Trouble,
    trouble,
)
from deploy_kit.facts import Fact
from deploy_kit.messages import Catalogue

_MOST = 8
"""So many lines of a long list are shown to who does not ask for everything."""
_PLAIN = frozenset({Trouble.FORBIDDEN, Trouble.MISSING, Trouble.NOT_SERVED})
"""Of these the program's own words add nothing."""
_IN_BYTES = ("memory", "storage")


def shown(fact: Fact[Any], words: Catalogue, *, whole: bool = False) -> str:
    """A fact in words; several things give several lines.

    Args:
        whole: Long lists to their end, nodes and rights one by one.
    """
    word = trouble(fact)
    if word is not None:
        why = words(f"cli.cluster.trouble.{word.value}")
        said = "" if word in _PLAIN and not whole else fact.reason.removeprefix(word.value).removeprefix(": ")
        return words("cli.fact_unknown", reason=f"{why} ({said})" if said else why)
    text = "\n".join(_lines(fact.value, words, whole))
    return f"{text} ({fact.reason})" if fact.reason else text


def amount(name: str, count: int) -> str:
    """A quantity as a person writes it: ``4`` cores, ``16 GiB``, ``2`` pieces."""
    kind = name.rpartition(".")[2]
    if kind == "cpu":
        return f"{count / 1000:g}"
    return size(count) if any(kind.endswith(one) for one in _IN_BYTES) else str(count)


def _lines(value: Any, words: Catalogue, whole: bool) -> Iterator[str]:
    if value is None or value in ((), {}, ""):
        yield words("cli.fact_none")
    elif isinstance(value, dict):
        yield from _rights(value, words, whole)
    elif isinstance(value, tuple) and isinstance(value[0], NodeFacts):
        yield from _nodes(value, words, whole)
    elif isinstance(value, tuple):
        yield from _several(value, words, whole)
    else:
        make = _ITEMS.get(type(value))
        yield make(value, words) if make else str(value)


def _several(value: Sequence[Any], words: Catalogue, whole: bool) -> Iterator[str]:
    make = _daemon_whole if whole and isinstance(value[0], DaemonFacts) else _ITEMS.get(type(value[0]))
    if make is None:
        yield ", ".join(map(str, value))
        return
    kept = value if whole or len(value) <= _MOST else value[: _MOST - 1]
    yield from (make(one, words) for one in kept)
    if len(kept) < len(value):
        yield words("cli.cluster.more", count=len(value) - len(kept))


def _rights(found: Mapping[str, bool], words: Catalogue, whole: bool) -> Iterator[str]:
    """What we may not do matters; what we may is a number."""
    lacking = sorted(right for right, may in found.items() if not may)
    if whole:
        yield from (f"{right}: {words('cli.yes' if may else 'cli.no')}" for right, may in sorted(found.items()))
    elif lacking:
        yield words("cli.cluster.rights_lacking", rights=", ".join(lacking))
    else:
        yield words("cli.cluster.rights_all", count=len(found))


def _nodes(found: Sequence[NodeFacts], words: Catalogue, whole: bool) -> Iterator[str]:
    ready, open_ = sum(one.ready for one in found), sum(one.schedulable for one in found)
    text = words("cli.cluster.nodes", count=len(found), ready=ready)
    yield text if open_ == len(found) else f"{text}, {words('cli.cluster.nodes_closed', count=len(found) - open_)}"
    if whole:
        yield from (_node(one, words) for one in found)
        return
    for part in ("architecture", "system", "kubelet", "runtime"):
        if said := _counted(getattr(one, part) for one in found):
            yield f"kubelet {said}" if part == "kubelet" else said


def _counted(texts: Iterable[str]) -> str:
    """Texts, the most frequent first; how often where they differ."""
    found = Counter(text for text in texts if text).most_common()
    return ", ".join(text if len(found) == 1 else f"{count} × {text}" for text, count in found)


def _node(node: NodeFacts, words: Catalogue) -> str:
    state = [] if node.ready else [words("cli.cluster.not_ready")]
    state += [] if node.schedulable else [words("cli.cluster.closed")]
    devices = [f"{count} {name}" for name, count in sorted(node.allocatable.items()) if "/" in name and count]
    usual = [f"{amount(name, node.allocatable[name])} {name}" for name in ("cpu", "memory") if name in node.allocatable]
    parts = (*state, *node.pressure, *devices, *usual, *(_taint(one) for one in node.taints))
    return f"{node.name}: {', '.join(parts)}" if parts else node.name


def _taint(taint: Taint) -> str:
    return f"{taint.key}{'=' if taint.value else ''}{taint.value}:{taint.effect}"


def _daemon(found: DaemonFacts, words: Catalogue) -> str:
    """Without the registry of its image."""
    return _daemon_whole(replace(found, image=found.image.rpartition("/")[2]), words)


def _daemon_whole(found: DaemonFacts, words: Catalogue) -> str:
    said = words("cli.cluster.daemon", role=found.role, name=f"{found.namespace}/{found.name}",
                 ready=found.ready, wanted=found.wanted, image=found.image)  # fmt: skip
    return f"{said} — {found.trouble}" if found.trouble else said


def _runtime_class(found: RuntimeClassFacts, _: Catalogue) -> str:
    return found.name if found.handler in ("", found.name) else f"{found.name} → {found.handler}"


def _storage_class(found: StorageClassFacts, words: Catalogue) -> str:
    marks = [words(f"cli.cluster.storage.{name}") for name in ("default", "waits", "expandable", "retains")
             if getattr(found, name)]  # fmt: skip
    return ", ".join((f"{found.name}: {found.provisioner}", *marks))


def _claim(found: ClaimFacts, words: Catalogue) -> str:
    place = found.storage_class if found.storage_class is not None else words("cli.cluster.storage.default")
    return f"{found.name}: {', '.join(filter(None, (size(found.bytes), found.phase, place, *found.access_modes)))}"


def _quota(found: QuotaFacts, words: Catalogue) -> str:
    limits = [
        words("cli.cluster.quota", name=name, used=amount(name, found.used.get(name, 0)), hard=amount(name, hard))
        for name, hard in sorted(found.hard.items())
    ]
    scopes = f" ({'; '.join(found.scopes)})" if found.scopes else ""
    return f"{found.name}{scopes}: {', '.join(limits)}"


def _limit(found: LimitFacts, _: Catalogue) -> str:
    least = [f"{name} ≥ {amount(name, count)}" for name, count in sorted(found.least.items())]
    most = [f"{name} ≤ {amount(name, count)}" for name, count in sorted(found.most.items())]
    return f"{found.name}, {found.type}: {', '.join((*least, *most)) or '–'}"


def _namespace(found: NamespaceFacts, words: Catalogue) -> str:
    if not found.exists:
        return f"{found.name} ({words('cli.cluster.namespace_absent')})"
    levels = (("enforces", found.enforces), ("warns", found.warns))
    said = [words(f"cli.cluster.security_{kind}", level=level) for kind, level in levels if level]
    return ", ".join((found.name, *said))


def _slice(found: SliceFacts, words: Catalogue) -> str:
    names = [found.attributes[name] for name in ("productName", "profile") if name in found.attributes]
    place = found.node or words("cli.cluster.any_node")
    return f"{place}: {found.count} × {' '.join(names) or found.driver} ({found.driver})"


def _release(found: ReleaseFacts, words: Catalogue) -> str:
    return words("cli.cluster.release", name=found.name, chart=found.chart, status=found.status,
                 revision=found.revision)  # fmt: skip


_ITEMS: dict[type, Callable[[Any, Catalogue], str]] = {
    DaemonFacts: _daemon,
    RuntimeClassFacts: _runtime_class,
    StorageClassFacts: _storage_class,
    ClaimFacts: _claim,
    QuotaFacts: _quota,
    LimitFacts: _limit,
    NamespaceFacts: _namespace,
    SliceFacts: _slice,
    ReleaseFacts: _release,
}
