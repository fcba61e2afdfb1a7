"""Storage, policy and devices of a cluster as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deploy_kit.cluster.facts import (
    ClaimFacts,
    LimitFacts,
    NamespaceFacts,
    QuotaFacts,
    ReleaseFacts,
    RuntimeClassFacts,
    SliceFacts,
    StorageClassFacts,
)
from deploy_kit.data import table
from deploy_kit.detect.site.cluster.quantity import amounts, number

_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_SECURITY = "pod-security.kubernetes.io"


def namespace(row: Mapping[str, Any]) -> NamespaceFacts:
    labels = row["metadata"].get("labels") or {}
    return NamespaceFacts(
        row["metadata"]["name"], True, labels.get(f"{_SECURITY}/enforce"), labels.get(f"{_SECURITY}/warn")
    )


def runtime_class(row: Mapping[str, Any]) -> RuntimeClassFacts:
    return RuntimeClassFacts(row["metadata"]["name"], row.get("handler") or "")


def storage_class(row: Mapping[str, Any]) -> StorageClassFacts:
    notes = row["metadata"].get("annotations") or {}
    return StorageClassFacts(
        name=row["metadata"]["name"],
        provisioner=row["provisioner"],
        default=any(notes.get(name) == "true" for name in _DEFAULT),
        waits=row.get("volumeBindingMode") == "WaitForFirstConsumer",
        expandable=bool(row.get("allowVolumeExpansion")),
        retains=row.get("reclaimPolicy") == "Retain",
    )


def claim(row: Mapping[str, Any]) -> ClaimFacts:
    spec = row.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0)
    return ClaimFacts(
        name=row["metadata"]["name"],
        phase=(row.get("status") or {}).get("phase") or "",
        storage_class=spec.get("storageClassName"),
        access_modes=tuple(spec.get("accessModes") or ()),
        bytes=number(asked),
    )


def quota(row: Mapping[str, Any]) -> QuotaFacts:
    spec, status = row.get("spec") or {}, row.get("status") or {}
    chosen = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    words = [f"{one['scopeName']} {one['operator']} {','.join(one.get('values') or ())}".strip() for one in chosen]
    return QuotaFacts(
        name=row["metadata"]["name"],
        hard=amounts(status.get("hard") or spec.get("hard")),
        used=amounts(status.get("used")),
        scopes=(*(spec.get("scopes") or ()), *words),
    )


def limits(row: Mapping[str, Any]) -> Iterator[LimitFacts]:
    for one in (row.get("spec") or {}).get("limits") or ():
        yield LimitFacts(row["metadata"]["name"], one["type"], amounts(one.get("min")), amounts(one.get("max")))


def slices(rows: Iterable[Mapping[str, Any]]) -> tuple[SliceFacts, ...]:
    """Devices that are alike are counted together."""
    counts: dict[tuple[str, str, tuple[tuple[str, str], ...]], int] = {}
    for row in rows:
        spec = row.get("spec") or {}
        for one in spec.get("devices") or ():
            key = (spec.get("driver") or "", spec.get("nodeName") or "", tuple(sorted(_attributes(one).items())))
            counts[key] = counts.get(key, 0) + 1
    return tuple(SliceFacts(driver, node, counts[driver, node, row], dict(row)) for driver, node, row in sorted(counts))


def _attributes(device: Mapping[str, Any]) -> dict[str, str]:
    """What names the hardware: a value of one type each, beneath ``basic`` in the first versions of the API."""
    device = device.get("basic") or device
    found = {
        name.rpartition("/")[2]: next(iter(one.values())) for name, one in (device.get("attributes") or {}).items()
    }
    for name, one in (device.get("capacity") or {}).items():
        found[name.rpartition("/")[2]] = number(one["value"] if isinstance(one, dict) else one)
    wanted = table("kubectl")["attributes"]
    return {name: str(value) for name, value in found.items() if name in wanted}


def release(rows: Iterable[Mapping[str, Any]], name: str) -> ReleaseFacts | None:
    for row in rows:
        if row.get("name") == name:
            return ReleaseFacts(name, row.get("chart") or "", row.get("status") or "", int(row.get("revision") or 0))
    return None
