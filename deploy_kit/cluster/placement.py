"""Where the pods go: the pools, the image for their cards, and what is said about the pools that are left out.

``auto`` computes on the CPU where no pool with cards can be used and says so, ``cuda`` is refused then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from deploy_kit.cluster import gates, hardware, pools, taints
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import Trouble, trouble
from deploy_kit.cluster.pools import Group
from deploy_kit.cluster.verdict import Pool
from deploy_kit.compat import cards
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Fault
from deploy_kit.findings import Evidence, Finding, Severity, arguments

_SHOWN = 8
_QUIET = (
    "CLUSTER-ARCHITECTURE",
    "CLUSTER-CARD-UNSUPPORTED",
    "CLUSTER-GPU-BUSY",
    "CLUSTER-GPU-SMALL",
    "CLUSTER-RESOURCE-GIVEN",
    "CLUSTER-SELECTOR-GIVEN",
    "CLUSTER-TAINT-CONTROL-PLANE",
    "CLUSTER-TAINT-GIVEN",
    "CLUSTER-VIRTUAL-NODES",
    "CLUSTER-WINDOWS-NODES",
)
"""Of a pool that is left out beside others, these are only told: nobody has to do anything."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The image and the device, the pools that the pods go to, those that they must be kept off, and all of them as
    they are told. ``dra``: the cards are to be had by a claim only."""

    variant: str
    device: str
    chosen: tuple[Group, ...] = ()
    shunned: tuple[Group, ...] = ()
    pools: tuple[Pool, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def dra(self) -> bool:
        return any(one.dra for one in self.chosen)

    @property
    def resource(self) -> str:
        return next((one.resource for one in self.chosen if one.resource), "") if self.device == "cuda" else ""


@dataclass(frozen=True, slots=True)
class _Offer:
    """Pools that one image serves and whose cards are asked for by one name."""

    variant: str
    place: int
    pools: tuple[Group, ...]


def place(case: Case, found: tuple[Group, ...]) -> Placed:
    """The pools and the image for a wish; of images that cannot be made, what stands in for them.

    The usual image computes on a CPU too. A user who names an image may have it from elsewhere, and is only told.
    """
    placed = _placed(case, found)
    lock = dict(case.wish.unlocked).get(placed.variant)
    if lock is None or any(one.severity is Severity.BLOCKER for one in placed.findings):
        return placed
    if case.wish.variant != "auto" or case.wish.device == "cuda":
        told = Finding.of("BUILD-TORCH-UNLOCKED", Severity.WARNING, placed.variant, commands=(lock,))
        return replace(placed, findings=(*placed.findings, told))
    usual = cards.CUDA_VARIANTS[0]
    note = Finding.of("BUILD-TORCH-INSTEAD", Severity.WARNING, usual, commands=(lock,), wanted=placed.variant)
    if placed.device == "cpu":
        return replace(placed, variant=usual, findings=(*placed.findings, note))
    return _on_cpu(case, found, usual, {}, (*placed.findings, note))


def _placed(case: Case, found: tuple[Group, ...]) -> Placed:
    wish = case.wish
    if case.built_in:
        return _on_cpu(case, found, "core" if wish.variant == "auto" else wish.variant, {}, ())
    if wish.device == "cpu":
        return _on_cpu(case, found, "cpu" if wish.variant == "auto" else wish.variant, {}, ())
    if wish.variant not in ("auto", *cards.CUDA_VARIANTS):
        return _without_cuda(case, found)
    if case.facts.nodes.value is None:
        return _unseen(case)
    return _with_cards(case, found)


def _with_cards(case: Case, found: tuple[Group, ...]) -> Placed:
    variants = cards.CUDA_VARIANTS if case.wish.variant == "auto" else (case.wish.variant,)
    marked = tuple(one for one in found if one.marked)
    faults = {one.name: fault for one in marked if (fault := gates.judge(case, one, variants))}
    usable = tuple(one for one in marked if one.name not in faults)
    offers = sorted(_offers(case, usable, variants), key=lambda one: one.variant in dict(case.wish.unlocked))
    if not offers:
        return _fallen(case, found, faults)
    best = offers[0]
    chosen = _best_kept(case, best.pools)
    for one in marked:
        if one.name not in faults and not gates.fits_card(case, one, best.variant, first=best.place == 0):
            faults[one.name] = gates.unsupported(case, one, best.variant)
    told = tuple(_told(one, faults.get(one.name), best.variant) for one in found)
    meanwhile = f"{best.variant}, cuda: {pools.names(chosen)}"
    left = _findings(faults, lambda code: Severity.INFO if code in _QUIET else Severity.WARNING, meanwhile)
    return Placed(best.variant, "cuda", chosen, _shunned(case, marked, chosen, best), told, left)


def _offers(case: Case, usable: tuple[Group, ...], variants: tuple[str, ...]) -> list[_Offer]:
    """What each image would serve under each resource's name, the best first: enough cards that are free, cards that
    nobody shares, a pool that is nobody else's, the preferred image, the most cards."""
    offers = []
    for place, variant in enumerate(variants):
        serving = [
            one
            for one in usable
            if gates.fits_card(case, one, variant, first=place == 0) and gates.drives(case, one, variant)
        ]
        for name, dra in dict.fromkeys((one.resource, one.dra) for one in serving):
            alike = tuple(one for one in serving if (one.resource, one.dra) == (name, dra))
            offers.append(_Offer(variant, place, alike))
    return sorted(offers, key=lambda one: _worth(case, one))


def _worth(case: Case, offer: _Offer) -> tuple[object, ...]:
    free = sum(one.free // case.count for one in offer.pools)
    return (
        free < case.wish.replicas,
        all(one.cards.sharing != "none" for one in offer.pools),
        min(map(_reserve, offer.pools)),
        any(one.dra for one in offer.pools),
        offer.place,
        -free,
    )


def _best_kept(case: Case, offered: tuple[Group, ...]) -> tuple[Group, ...]:
    """Ordinary pools, as long as they have enough; then those whose nodes may be taken away, then somebody else's."""
    for reserve in sorted(set(map(_reserve, offered))):
        kept = tuple(one for one in offered if _reserve(one) <= reserve)
        if sum(one.free // case.count for one in kept) >= case.wish.replicas:
            return kept
    return offered


def _reserve(group: Group) -> int:
    """How late a pool is taken: 0 is ordinary, 1 is lent by the platform for as long as it likes, 2 is kept for a
    purpose that nobody told us."""
    if not all(map(taints.usual, group.taints)):
        return 2
    return int(any(map(taints.lent, group.taints)))


def _shunned(case: Case, marked: tuple[Group, ...], chosen: tuple[Group, ...], best: _Offer) -> tuple[Group, ...]:
    """Pools where the scheduler would put a pod, and the pod would fail: now, or once whatever else is wrong there is
    mended."""
    ways = {(one.resource, one.dra) for one in chosen}
    return tuple(
        one
        for one in marked
        if (one.resource, one.dra) in ways
        and one not in chosen
        and gates.fails(case, one, best.variant, first=best.place == 0)
    )


def _fallen(case: Case, found: tuple[Group, ...], faults: dict[str, Fault]) -> Placed:
    """No pool with cards can be used. A fault that can be mended keeps the image, so that mending it needs no other."""
    strict = case.wish.device == "cuda"
    variant = _mended(case, found, faults)
    severity = Severity.BLOCKER if strict else Severity.WARNING
    findings = _findings(faults, lambda _: severity, f"{variant}, cpu")
    if not faults and strict and case.scales:
        told = tuple(_told(one, None, "") for one in found)
        return Placed(variant, "cuda", pools=told, findings=(_no_cards(case, found, Severity.WARNING, variant),))
    if not faults and (found or strict):
        findings = (_no_cards(case, found, severity, variant),)
    return _on_cpu(case, found, variant, faults, findings)


def _mended(case: Case, found: tuple[Group, ...], faults: dict[str, Fault]) -> str:
    if case.wish.variant != "auto":
        return case.wish.variant
    mending = [one for one in found if one.name in faults and not faults[one.name].lasting]
    known = (case.matrix.variant_for(one.cards.capability or None) for one in mending)
    expected = cards.CUDA_VARIANTS[0] if not faults and case.wish.device == "cuda" and case.scales else "cpu"
    return next((one for one in known if one), expected)


def _no_cards(case: Case, found: tuple[Group, ...], severity: Severity, variant: str) -> Finding:
    others = pools.listed(name for one in found for node in one.nodes for name in hardware.others(node))
    proof = (Evidence(case.facts.nodes.source, others),) if others else pools.evidence(case.facts, found)
    count = sum(len(one.nodes) for one in found)
    return Finding.of("CLUSTER-NO-GPU-NODES", severity, "GPU", evidence=proof, count=count, meanwhile=f"{variant}, cpu")


def _findings(faults: dict[str, Fault], severity: Callable[[str], Severity], meanwhile: str) -> tuple[Finding, ...]:
    """One finding for each fault, with the names of all its pools."""
    said = []
    for code in dict.fromkeys(fault.code for fault in faults.values()):
        alike = {name: fault for name, fault in faults.items() if fault.code == code}
        first = next(iter(alike.values()))
        proof = tuple(dict.fromkeys(one for fault in alike.values() for one in fault.evidence))[:_SHOWN]
        detail = pools.listed(dict(fault.args)["detail"] for fault in alike.values())
        args = dict(first.args) | {"detail": detail, "subject": pools.listed(alike), "meanwhile": meanwhile}
        said.append(Finding(code, severity(code), args["subject"], arguments(args), proof, first.commands))
    return tuple(said)


def _told(group: Group, fault: Fault | None, variant: str) -> Pool:
    served = group.marked and fault is None
    return group.pool(variant=variant if served else "", reason=fault.code if fault else "")


def _unseen(case: Case) -> Placed:
    """Nobody let us look at the nodes: a card is taken for granted by those who ask for one."""
    wish = case.wish
    strict = wish.device == "cuda"
    allowed = trouble(case.facts.nodes) is Trouble.FORBIDDEN
    detail = "list nodes" if allowed else case.facts.nodes.reason
    note = Finding.of("CLUSTER-NODES-UNSEEN", Severity.WARNING, "nodes", evidence=seen(case.facts.nodes), detail=detail)
    usual = cards.CUDA_VARIANTS[0] if strict else "cpu"
    return Placed(usual if wish.variant == "auto" else wish.variant, "cuda" if strict else "cpu", findings=(note,))


def _without_cuda(case: Case, found: tuple[Group, ...]) -> Placed:
    wish, said = case.wish, tuple[Finding, ...]()
    if wish.device == "cuda":
        proof = (Evidence("variant", wish.variant),)
        said = (Finding.of("GPU-VARIANT", Severity.BLOCKER, wish.variant, evidence=proof),)
    return _on_cpu(case, found, wish.variant, {}, said)


def _on_cpu(
    case: Case, found: tuple[Group, ...], variant: str, faults: dict[str, Fault], said: tuple[Finding, ...]
) -> Placed:
    """Pods without a card: on ordinary nodes, and on those with cards only where there are no others."""
    if any(one.severity is Severity.BLOCKER for one in said) or not found:
        told = tuple(_told(one, faults.get(one.name), "") for one in found)
        return Placed(variant, "cpu", pools=told, findings=said)
    against = {one.name: fault for one in found if (fault := gates.without_card(case, one, variant))}
    usable = [one for one in found if one.name not in against]
    if not usable:
        told = tuple(_told(one, faults.get(one.name) or against.get(one.name), "") for one in found)
        blockers = _findings(against, lambda _: Severity.BLOCKER, f"{variant}, cpu")
        return Placed(variant, "cpu", pools=told, findings=(*said, *blockers))
    best = min(_reluctance(one) for one in usable)
    chosen = tuple(one for one in usable if _reluctance(one) == best)
    # a node whose cards are of no use may be of use without them: that is told by the finding
    reasons = against | {name: fault for name, fault in faults.items() if name not in [one.name for one in chosen]}
    return Placed(variant, "cpu", chosen, (), tuple(_told(one, reasons.get(one.name), "") for one in found), said)


def _reluctance(group: Group) -> tuple[int, bool, bool]:
    """What speaks against pods without a card on a pool: somebody's taint, its cards, any taint."""
    return _reserve(group), group.marked, bool(group.taints)
