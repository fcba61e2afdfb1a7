"""What else is to be said of the pools that are used: nothing here stands in the way."""

from __future__ import annotations

from collections.abc import Iterator

from deploy_kit.cluster import fitting, gates, pools, taints
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.placement import Placed
from deploy_kit.cluster.pools import Group
from deploy_kit.compat import needs
from deploy_kit.compat.fault import Fault
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.findings import Evidence, Finding, Severity

_SENTENCE = 10
"""Seconds of sound in a long sentence."""
_HANDS_OUT = ("device-plugin", "operator", "dra-driver")


def of(case: Case, placed: Placed) -> Iterator[Finding]:
    """The notes about the chosen pools."""
    yield from _tolerated(case, placed)
    yield from _lent(placed, case)
    yield from _crowded(case, placed)
    yield from _dra(case, placed)
    if placed.device != "cuda":
        return
    chosen = placed.chosen
    yield from _unknown(case, chosen)
    yield from _sliced(case, chosen)
    yield from _shared(case, chosen)
    yield from _sick(case, chosen)
    yield from _plugin(case, placed)
    yield from _full(case, chosen)
    yield from _driver(case, placed)
    yield from _class(case, placed)


def _tolerated(case: Case, placed: Placed) -> Iterator[Finding]:
    """Taints that are tolerated for the pods: those of platforms go without a warning."""
    if case.given("tolerations") is not None:
        return
    found = tuple(dict.fromkeys(taint for one in placed.chosen for taint in one.taints))
    if not found:
        return
    severity = Severity.INFO if all(map(taints.usual, found)) else Severity.WARNING
    detail = pools.listed(map(taints.text, found))
    proof = pools.evidence(case.facts, (one for one in placed.chosen if one.taints))
    names = pools.names(one for one in placed.chosen if one.taints)
    yield Finding.of("CLUSTER-TAINT", severity, names, evidence=proof, detail=detail)


def _lent(placed: Placed, case: Case) -> Iterator[Finding]:
    """Nodes that the platform may take away at any time."""
    found = tuple(one for one in placed.chosen if any(map(taints.lent, one.taints)))
    if found:
        severity = Severity.WARNING if len(found) == len(placed.chosen) else Severity.INFO
        yield Finding.of("CLUSTER-SPOT", severity, pools.names(found), evidence=pools.evidence(case.facts, found))


def _crowded(case: Case, placed: Placed) -> Iterator[Finding]:
    """No chosen pool has room for a pod at the moment."""
    if case.ours or not placed.chosen:
        return
    found = [fitting.crowded(case, one, placed.device, placed.variant) for one in placed.chosen]
    full = [one for one in found if one is not None]
    if len(full) == len(found):
        yield full[0].finding(Severity.INFO if case.scales else Severity.WARNING)


def _dra(case: Case, placed: Placed) -> Iterator[Finding]:
    version, classes = case.dra(), case.facts.device_classes
    name = case.device_class()
    if not version or not name or case.built_in:
        return
    proof = (Evidence(case.facts.groups.source, version), Evidence(classes.source, pools.listed(classes.value or ())))
    code = "CLUSTER-DRA-USED" if placed.dra else "CLUSTER-DRA"
    yield Finding.of(code, Severity.INFO, name, evidence=proof, version=version)


def _unknown(case: Case, chosen: tuple[Group, ...]) -> Iterator[Finding]:
    """Cards of which no label tells what they can, or that are newer than the tables."""
    blind = tuple(one for one in chosen if not one.cards.capability or one.cards.guessed)
    if blind:
        told = pools.listed(f"{one.cards.product or one.resource}: {one.cards.capability or '?'}" for one in blind)
        guessed = all(one.cards.guessed for one in blind)
        yield Finding.of("CLUSTER-CARD-GUESSED" if guessed else "CLUSTER-CUDA-LABELS-MISSING",
                         Severity.INFO if guessed else Severity.WARNING, pools.names(blind),
                         evidence=pools.evidence(case.facts, blind), detail=told)  # fmt: skip
    new = tuple(one for one in chosen if one.cards.capability and case.matrix.unknown(one.cards.capability))
    if new:
        yield Finding.of("CLUSTER-CARD-NEW", Severity.WARNING, pools.names(new),
                         evidence=pools.evidence(case.facts, new), capability=new[0].cards.capability,
                         newest=case.matrix.newest)  # fmt: skip


def _sliced(case: Case, chosen: tuple[Group, ...]) -> Iterator[Finding]:
    sliced = tuple(one for one in chosen if "mig-" in one.resource or "-MIG-" in one.cards.product)
    if sliced:
        names = pools.listed(one.resource for one in sliced)
        yield Finding.of("CLUSTER-MIG", Severity.INFO, pools.names(sliced),
                         evidence=pools.evidence(case.facts, sliced), detail=names)  # fmt: skip


def _shared(case: Case, chosen: tuple[Group, ...]) -> Iterator[Finding]:
    shared = tuple(one for one in chosen if one.cards.sharing != "none")
    if not shared:
        return
    way = pools.listed(one.cards.sharing for one in shared)
    proof = pools.evidence(case.facts, shared)
    count = max(one.cards.replicas for one in shared)
    yield Finding.of("CLUSTER-SHARED", Severity.WARNING, pools.names(shared), evidence=proof, detail=way, count=count)
    if case.count > 1:
        yield Finding.of("CLUSTER-SHARED-COUNT", Severity.WARNING, pools.names(shared), evidence=proof,
                         count=case.count)  # fmt: skip


def _sick(case: Case, chosen: tuple[Group, ...]) -> Iterator[Finding]:
    """Some cards of the pools are not given out."""
    for one in chosen:
        fault = gates.unhealthy(case, one)
        if fault is not None:
            yield fault.finding(Severity.WARNING, meanwhile=f"cuda: {one.name}")


def _plugin(case: Case, placed: Placed) -> Iterator[Finding]:
    """A plug-in that fails somewhere, though there are cards to be had."""
    if any(one.code == "CLUSTER-PLUGIN-TROUBLE" for one in placed.findings):
        return
    daemons = case.facts.daemons
    for one in daemons.value or ():
        if one.role in _HANDS_OUT and one.ready < one.wanted:
            detail = f"{one.namespace}/{one.name} ({one.ready}/{one.wanted})" + (one.trouble and f": {one.trouble}")
            logs = (("kubectl", "--namespace", one.namespace, "logs", "--tail", "50", f"daemonset/{one.name}"),)
            fault = Fault.of("CLUSTER-PLUGIN-TROUBLE", (Evidence(daemons.source, detail),), logs,
                             subject=one.name, detail=detail)  # fmt: skip
            yield fault.finding(Severity.WARNING, meanwhile=f"cuda: {pools.names(placed.chosen)}")
            return


def _full(case: Case, chosen: tuple[Group, ...]) -> Iterator[Finding]:
    """Fewer cards are free than pods are wanted."""
    free = sum(one.free // case.count for one in chosen)
    if not chosen or free >= case.wish.replicas or case.ours:
        return
    total = sum(one.total for one in chosen)
    severity = Severity.INFO if case.scales else Severity.WARNING
    yield Finding.of("CLUSTER-GPU-FEW", severity, pools.names(chosen), evidence=pools.evidence(case.facts, chosen),
                     free=free, total=total, need=case.wish.replicas)  # fmt: skip


def _driver(case: Case, placed: Placed) -> Iterator[Finding]:
    native = case.matrix.row(placed.variant).native(windows=False)
    old = [one for one in placed.chosen if numbers(one.cards.driver) and not _native(one.cards.driver, native)]
    if old:
        yield Finding.of("GPU-MINOR-VERSION", Severity.WARNING, old[0].cards.driver,
                         evidence=pools.evidence(case.facts, old), native=native, variant=placed.variant)  # fmt: skip


def _class(case: Case, placed: Placed) -> Iterator[Finding]:
    """Cards that are handed out where the platform's runtime class is missing: NVIDIA's runtime has to be the usual."""
    lacking = gates.class_lacking(case)
    if lacking is not None and case.given("runtimeClassName") is None:
        yield Finding.of("CLUSTER-RUNTIME-CLASS-NONE", Severity.WARNING, pools.names(placed.chosen), evidence=lacking,
                         commands=(("kubectl", "get", "runtimeclass"),))  # fmt: skip


def _native(version: str, native: str) -> bool:
    """A label may hold the major number alone."""
    need = numbers(native)[: len(numbers(version))]
    return at_least(version, ".".join(map(str, need)))


def expectation(case: Case, placed: Placed) -> Iterator[Finding]:
    """How fast it will be, on what the pods get."""
    engine = case.wish.engine
    if case.built_in or not placed.chosen:
        return
    slow = needs.real_time_factor(engine, placed.device)
    if placed.device == "cpu":
        yield Finding.of("HOST-EXPECT-CPU", Severity.INFO, engine, factor=f"{slow:g}",
                         minutes=f"{slow * _SENTENCE / 60:.0f}", variant=placed.variant)  # fmt: skip
        return
    cards = pools.listed(one.cards.product or one.resource for one in placed.chosen) or "GPU"
    yield Finding.of("HOST-EXPECT-GPU", Severity.INFO, engine, factor=f"{slow:g}", cards=cards)


def platform(case: Case) -> Finding:
    """The preset and what it was known by."""
    book = table("kubernetes")["presets"][case.preset]
    version = case.facts.version.value or "?"
    code = "CLUSTER-PLATFORM" if case.why else "CLUSTER-PLATFORM-PLAIN"
    return Finding.of(code, Severity.INFO, str(book["name"]), evidence=case.why, preset=case.preset, version=version)
