"""Where the weights go: the claim that is there, the storage class, and how many nodes may mount it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import ClaimFacts, StorageClassFacts
from deploy_kit.cluster.pools import Group, listed
from deploy_kit.compat.evidence import seen, size
from deploy_kit.compat.fault import Command
from deploy_kit.data import table
from deploy_kit.findings import Evidence, Finding, Severity

MANY, ONE = "ReadWriteMany", "ReadWriteOnce"
_CLASSES: tuple[Command, ...] = (("kubectl", "get", "storageclass"),)


@dataclass(frozen=True, slots=True)
class Stored:
    """What is proposed for the cache (None: the chart's own), and the findings."""

    storage_class: str | None = None
    access_mode: str | None = None
    findings: tuple[Finding, ...] = ()


def wanted(case: Case) -> bool:
    """Whether the chart makes a claim for the cache."""
    kept = case.value("persistence.enabled") is not False and case.value("persistence.type") == "pvc"
    return kept and not case.built_in


def judge(case: Case, chosen: tuple[Group, ...]) -> Stored:
    """The gates of the cache's volume. A claim that is there already ends the questions about classes."""
    if not wanted(case):
        return Stored()
    claim, missing = _claim(case)
    if missing is not None:
        return Stored(findings=(missing,))
    if claim is not None:
        return Stored(findings=tuple(_found(case, claim)))
    classes = case.facts.storage_classes.value
    if classes is None:
        return Stored()
    return _by_class(case, classes, chosen)


def many(provisioner: str) -> bool | None:
    """Whether volumes of a provisioner can be mounted by several nodes for writing; None where nothing is known."""
    book = table("kubernetes")["storage"]
    if provisioner in book["many"] or provisioner.endswith(tuple(book["many_suffix"])):
        return True
    known = provisioner in book["one"] or provisioner.endswith(tuple(book["one_suffix"]))
    return False if known else None


def _claim(case: Case) -> tuple[ClaimFacts | None, Finding | None]:
    """The claim that the release will use, when it is there; and a finding when one was named that is not."""
    claims, named = case.facts.claims, case.given("persistence.existingClaim")
    if claims.value is None:
        return None, None
    if named:
        found = next((one for one in claims.value if one.name == named), None)
        if found is not None:
            return found, None
        proof = (Evidence(claims.source, listed(one.name for one in claims.value) or "none"),)
        commands = (("kubectl", "get", "persistentvolumeclaims"),)
        return None, Finding.of("CLUSTER-NO-CLAIM", Severity.BLOCKER, str(named), evidence=proof, commands=commands)
    pattern, release = table("kubernetes")["chart"]["claim"], case.facts.release.value
    own = [one for one in claims.value if re.search(pattern, one.name)]
    if release is not None:
        own = [one for one in own if one.name.startswith(release.name)]
    return (own[0] if own else None), None


def _found(case: Case, claim: ClaimFacts) -> Iterator[Finding]:
    """What is to be said of the claim that is there."""
    proof = (Evidence(case.facts.claims.source, _line(claim)),)
    commands = (("kubectl", "describe", "persistentvolumeclaim", claim.name),)
    if claim.phase == "Lost":
        yield Finding.of("CLUSTER-CLAIM-LOST", Severity.BLOCKER, claim.name, evidence=proof, commands=commands)
        return
    yield Finding.of("CLUSTER-CLAIM-FOUND", Severity.INFO, claim.name, evidence=proof, size=size(claim.bytes),
                     phase=claim.phase)  # fmt: skip
    if claim.phase == "Pending" and not _waits(case, claim):
        yield Finding.of("CLUSTER-CLAIM-PENDING", Severity.WARNING, claim.name, evidence=proof, commands=commands,
                         detail=claim.storage_class or "-")  # fmt: skip
    if claim.bytes and claim.bytes < case.wish.cache_bytes:
        yield Finding.of("CLUSTER-CLAIM-SMALL", Severity.WARNING, claim.name, evidence=proof, commands=commands,
                         have=size(claim.bytes), need=size(case.wish.cache_bytes))  # fmt: skip
    if case.wish.replicas > 1 and not set(claim.access_modes) & {MANY, "ReadOnlyMany"}:
        yield _one_node(case, claim.name, proof, listed(claim.access_modes) or ONE)


def _waits(case: Case, claim: ClaimFacts) -> bool:
    """Whether a claim without a volume is as it should be: its class waits for a pod, or nothing is known of it."""
    classes = case.facts.storage_classes.value
    if classes is None:
        return True
    found = next((one for one in classes if one.name == claim.storage_class), None)
    return found is not None and found.waits


def _by_class(case: Case, classes: tuple[StorageClassFacts, ...], chosen: tuple[Group, ...]) -> Stored:
    proof = _evidence(case, classes)
    named = case.given("persistence.storageClass")
    if named and all(one.name != named for one in classes):
        return Stored(findings=(_no_class(str(named), proof),))
    if not classes:
        return Stored(findings=(_no_class("", proof),))
    needs_many = case.given("persistence.accessMode") == MANY or case.wish.replicas > 1
    current = next((one for one in classes if one.name == named), None) or _default(classes)
    if named:
        assert current is not None
        return Stored(findings=(*_modes(case, current, proof), *_binding(case, current, chosen)))
    if needs_many and (current is None or many(current.provisioner) is not True):
        shared = next((one for one in _ranked(classes) if many(one.provisioner)), None)
        if shared is not None:
            mode = None if case.given("persistence.accessMode") == MANY else MANY
            note = Finding.of("CLUSTER-SHARED-STORAGE", Severity.INFO, shared.name, evidence=proof,
                              detail=shared.provisioner)  # fmt: skip
            return Stored(shared.name, mode, (note, *_binding(case, shared, chosen)))
    if current is not None:
        return _checked(case, current, classes, chosen, proof)
    usable = [one for one in _ranked(classes) if one.provisioner not in table("kubernetes")["storage"]["static"]]
    pick = (usable or list(classes))[0]
    note = Finding.of("CLUSTER-NO-DEFAULT-CLASS", Severity.WARNING, pick.name, evidence=proof, commands=_CLASSES)
    return Stored(pick.name, None, (note, *_modes(case, pick, proof), *_binding(case, pick, chosen)))


def _checked(
    case: Case,
    current: StorageClassFacts,
    classes: tuple[StorageClassFacts, ...],
    chosen: tuple[Group, ...],
    proof: tuple[Evidence, ...],
) -> Stored:
    """The default class, or one like it that waits for the pod where it does not."""
    trap = _binding(case, current, chosen)
    waiting = next((one for one in classes if one.waits and one.provisioner == current.provisioner), None)
    mode = MANY if case.wish.replicas > 1 and many(current.provisioner) else None
    mode = None if case.given("persistence.accessMode") is not None else mode
    said = _modes(case, current, proof)
    return Stored(waiting.name if trap and waiting else None, mode, (*said, *trap))


def _modes(case: Case, found: StorageClassFacts, proof: tuple[Evidence, ...]) -> tuple[Finding, ...]:
    """An access mode that the class's provisioner cannot give."""
    can = many(found.provisioner)
    if case.given("persistence.accessMode") == MANY and can is not True:
        severity = Severity.BLOCKER if can is False else Severity.WARNING
        return (Finding.of("CLUSTER-ACCESS-MODE", severity, found.name, evidence=proof, commands=_CLASSES,
                           detail=found.provisioner, mode=MANY),)  # fmt: skip
    if case.wish.replicas > 1 and can is not True:
        return (_one_node(case, found.name, proof, found.provisioner),)
    return ()


def _one_node(case: Case, subject: str, proof: tuple[Evidence, ...], detail: str) -> Finding:
    return Finding.of("CLUSTER-ONE-NODE", Severity.WARNING, subject, evidence=proof, commands=_CLASSES, detail=detail,
                      count=case.wish.replicas)  # fmt: skip


def _binding(case: Case, found: StorageClassFacts, chosen: tuple[Group, ...]) -> tuple[Finding, ...]:
    """A class that makes the volume before the pod has a node, so that it may lie in a zone without cards."""
    book = table("kubernetes")
    if found.waits or found.provisioner not in book["storage"]["zonal"]:
        return ()
    nodes = case.facts.nodes.value or ()
    everywhere = {zone for one in nodes if (zone := _zone(one.labels))}
    ours = {zone for group in chosen for one in group.nodes if (zone := _zone(one.labels))}
    if len(everywhere) < 2 or ours == everywhere:
        return ()
    return (Finding.of("CLUSTER-IMMEDIATE-BINDING", Severity.WARNING, found.name, evidence=_evidence(case, (found,)),
                       commands=_CLASSES, zones=listed(sorted(ours)) or "?",
                       all=listed(sorted(everywhere))),)  # fmt: skip


def _no_class(named: str, proof: tuple[Evidence, ...]) -> Finding:
    code = "CLUSTER-CLASS-UNKNOWN" if named else "CLUSTER-NO-STORAGE-CLASS"
    return Finding.of(code, Severity.BLOCKER, named or "StorageClass", evidence=proof, commands=_CLASSES)


def _default(classes: tuple[StorageClassFacts, ...]) -> StorageClassFacts | None:
    """Of several that are called so, Kubernetes takes the newest; which that is nobody recorded."""
    return next((one for one in classes if one.default), None)


def _ranked(classes: tuple[StorageClassFacts, ...]) -> list[StorageClassFacts]:
    """In the order in which one would take them: those that wait for the pod, that can grow."""
    return sorted(classes, key=lambda one: (not one.default, not one.waits, not one.expandable, one.name))


def _evidence(case: Case, classes: tuple[StorageClassFacts, ...]) -> tuple[Evidence, ...]:
    fact = case.facts.storage_classes
    if not classes:
        return seen(fact)
    lines = [f"{one.name}: {one.provisioner}{', default' if one.default else ''}{', waits' if one.waits else ''}"
             for one in classes[:6]]  # fmt: skip
    return tuple(Evidence(fact.source, line) for line in lines)


def _zone(labels: dict[str, str]) -> str:
    return next((labels[key] for key in table("kubernetes")["labels"]["zone"] if labels.get(key)), "")


def _line(claim: ClaimFacts) -> str:
    return f"{claim.name}: {claim.phase}, {size(claim.bytes)}, {listed(claim.access_modes)}, {claim.storage_class}"
