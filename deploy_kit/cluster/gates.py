"""Why pods with a card cannot run on a pool: one gate after another, the first that does not hold decides."""

from __future__ import annotations

from deploy_kit.cluster import fitting, hardware, taints
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import NodeFacts
from deploy_kit.cluster.pools import Group, available, away, evidence, listed
from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen, size
from deploy_kit.compat.fault import Command, Fault
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.findings import Evidence

MODEL_MACHINE = "amd64"
_HANDS_OUT = ("device-plugin", "operator")


def judge(case: Case, group: Group, variants: tuple[str, ...]) -> Fault | None:
    """What keeps this wish off a pool with cards, None when nothing does.

    Args:
        variants: The images that come into question, the preferred one first.
    """
    return (
        absent(case, group)
        or _foreign(case, group)
        or _architecture(case, group)
        or _handed_out(case, group)
        or _asked_for(case, group)
        or _healthy(case, group)
        or _card(case, group, variants)
        or _driver(case, group, variants)
        or _small(case, group)
        or barred(case, group)
        or fitting.fault(case, group, "cuda", variants[0])
        or _rationed(case, group)
        or _busy(case, group)
    )


def without_card(case: Case, group: Group, variant: str) -> Fault | None:
    """What keeps pods without a card off a pool, None when nothing does."""
    return (
        absent(case, group)
        or _foreign(case, group)
        or (None if case.built_in else _architecture(case, group))
        or barred(case, group)
        or fitting.fault(case, group, "cpu", variant)
    )


def absent(case: Case, group: Group) -> Fault | None:
    """No node of the pool takes pods at the moment."""
    if group.available:
        return None
    sound = tuple(one for one in group.nodes if one.ready and one.schedulable)
    proof = tuple(Evidence(case.facts.nodes.source, _state(one)) for one in group.nodes[:5])
    first = group.nodes[0].name
    if not sound:
        detail = _state(group.nodes[0]).partition(": ")[2]
        return _fault("CLUSTER-NOT-READY", group, proof, (("kubectl", "describe", "node", first),), detail=detail)
    if all(one.pressure for one in sound):
        detail = listed(word for one in sound for word in one.pressure)
        return _fault("CLUSTER-EVICTION", group, proof, (("kubectl", "describe", "node", first),), detail=detail)
    detail = listed(taints.text(taint) for one in sound for taint in taints.momentary(one))
    return _fault("CLUSTER-TAINT-PASSING", group, proof, (("kubectl", "describe", "node", first),), detail=detail)


def barred(case: Case, group: Group) -> Fault | None:
    """Taints that nobody should tolerate for us, or that the user's own tolerations and selector leave out."""
    own = [one for one in group.taints if taints.control_plane(one)]
    elsewhere = _selected(case, group)
    if elsewhere is not None:
        return elsewhere
    given = case.given("tolerations")
    if given is None and own:
        commands: tuple[Command, ...] = tuple(
            ("kubectl", "taint", "nodes", group.nodes[0].name, f"{one.key}:{one.effect}-") for one in own
        )
        detail = listed(map(taints.text, own))
        return _fault("CLUSTER-TAINT-CONTROL-PLANE", group, evidence(case.facts, (group,)), commands, detail=detail)
    if given is None or taints.tolerated(_maps(given), group.taints):
        return None
    missing = [one for one in group.taints if not taints.tolerated(_maps(given), (one,))]
    detail = listed(map(taints.text, missing))
    return _fault("CLUSTER-TAINT-GIVEN", group, evidence(case.facts, (group,)), detail=detail)


def _selected(case: Case, group: Group) -> Fault | None:
    """A selector of the user's that names other nodes."""
    elsewhere = away(group.nodes[0], case.selector)
    if not elsewhere:
        return None
    detail = listed(elsewhere)
    return _fault("CLUSTER-SELECTOR-GIVEN", group, evidence(case.facts, (group,)), detail=detail)


def fits_card(case: Case, group: Group, variant: str, *, first: bool) -> bool:
    """Whether a variant has code for the pool's cards; one that nothing is known of is tried with the first."""
    capability = group.cards.capability
    if not capability:
        return first
    return case.matrix.serves(variant, capability) or (first and case.matrix.unknown(capability))


def fails(case: Case, group: Group, variant: str, *, first: bool) -> bool:
    """Whether an image cannot work with the pool's cards, for reasons that no scheduler knows of."""
    fitting_card = fits_card(case, group, variant, first=first) and drives(case, group, variant)
    return not fitting_card or _small(case, group) is not None


def unsupported(case: Case, group: Group, variant: str) -> Fault:
    detail = f"{group.cards.product or group.name}: {group.cards.capability or '?'}"
    proof = evidence(case.facts, (group,))
    return _fault("CLUSTER-CARD-UNSUPPORTED", group, proof, lasting=True, detail=detail, variant=variant)


def _foreign(case: Case, group: Group) -> Fault | None:
    """Nodes that run no containers of ours: Windows, or no machine at all."""
    proof = evidence(case.facts, (group,))
    if hardware.windows(group.nodes[0]):
        return _fault("CLUSTER-WINDOWS-NODES", group, proof, lasting=True, detail=group.nodes[0].system or "Windows")
    detail = listed(taints.text(one) for one in group.taints if taints.virtual(one))
    return _fault("CLUSTER-VIRTUAL-NODES", group, proof, lasting=True, detail=detail) if detail else None


def _architecture(case: Case, group: Group) -> Fault | None:
    if not group.architectures or MODEL_MACHINE in group.architectures:
        return None
    found = listed(sorted(group.architectures))
    return _fault("CLUSTER-ARCHITECTURE", group, evidence(case.facts, (group,)), lasting=True, detail=found)


def _handed_out(case: Case, group: Group) -> Fault | None:
    """Cards that nobody offers to pods, and why."""
    if group.resource:
        return None
    proof = evidence(case.facts, (group,))
    if group.dra:
        if case.dra() and case.given("gpu.dra.enabled") is not False:
            return None
        found = listed(one for one in case.facts.groups.value or () if one.startswith("resource.k8s.io/")) or "none"
        return _fault("CLUSTER-DRA-VERSION", group, proof, detail=found)
    daemons = case.facts.daemons
    handing = tuple(one for one in daemons.value or () if one.role in _HANDS_OUT)
    sick = next((one for one in handing if one.trouble or one.ready < one.wanted), None)
    if sick is not None:
        detail = f"{sick.namespace}/{sick.name} ({sick.ready}/{sick.wanted})" + (sick.trouble and f": {sick.trouble}")
        logs = (("kubectl", "--namespace", sick.namespace, "logs", "--tail", "50", f"daemonset/{sick.name}"),)
        return _fault("CLUSTER-PLUGIN-TROUBLE", group, (Evidence(daemons.source, detail), *proof), logs, detail=detail)
    lacking = class_lacking(case)
    if handing and lacking is not None:
        return _fault("CLUSTER-RUNTIME-CLASS", group, (*lacking, *proof), detail="nvidia")
    if any(one.role == "device-plugin" and one.wanted for one in handing):
        one = next(one for one in handing if one.role == "device-plugin")
        detail = f"{one.namespace}/{one.name} ({one.ready}/{one.wanted})"
        logs = (("kubectl", "--namespace", one.namespace, "logs", "--tail", "50", f"daemonset/{one.name}"),)
        return _fault("CLUSTER-PLUGIN-TROUBLE", group, (Evidence(daemons.source, detail), *proof), logs, detail=detail)
    book = table("kubernetes")
    commands = tuple(tuple(one) for one in book["plugin_commands"][book["presets"][case.preset]["plugin"]])
    return _fault("CLUSTER-NO-DEVICE-PLUGIN", group, (*seen_daemons(case), *proof), commands)


def class_lacking(case: Case) -> tuple[Evidence, ...] | None:
    """On platforms whose cards need a runtime class: that it is missing. None where it is there, or nobody needs it."""
    classes = case.facts.runtime_classes
    wanted = table("kubernetes")["presets"][case.preset]["values"].get("runtimeClassName")
    if not wanted or classes.value is None or any(one.name == wanted for one in classes.value):
        return None
    return (Evidence(classes.source, listed(one.name for one in classes.value) or "none"),)


def seen_daemons(case: Case) -> tuple[Evidence, ...]:
    daemons = case.facts.daemons
    if daemons.value is None:
        return seen(daemons)
    return (Evidence(daemons.source, listed(f"{one.namespace}/{one.name}" for one in daemons.value) or "none"),)


def _asked_for(case: Case, group: Group) -> Fault | None:
    """A resource that the user named, and this pool does not have."""
    wanted = case.given("gpu.resourceName")
    if wanted is None or group.dra or group.resource == wanted:
        return None
    return _fault("CLUSTER-RESOURCE-GIVEN", group, evidence(case.facts, (group,)), detail=wanted, have=group.resource)


def _healthy(case: Case, group: Group) -> Fault | None:
    if group.dra or any(one.allocatable.get(group.resource, 0) > 0 for one in group.available):
        return None
    return unhealthy(case, group)


def unhealthy(case: Case, group: Group) -> Fault | None:
    """Cards that their nodes have and do not give out."""
    if group.dra or not group.resource:
        return None
    sick = [one for one in group.available if one.allocatable.get(group.resource, 0) < one.capacity[group.resource]]
    if not sick:
        return None
    have = sum(one.allocatable.get(group.resource, 0) for one in sick)
    total = sum(one.capacity[group.resource] for one in sick)
    lines = [f"{one.name}: {one.allocatable.get(group.resource, 0)}/{one.capacity[group.resource]}" for one in sick]
    proof = tuple(Evidence(case.facts.nodes.source, line) for line in lines[:5])
    commands = (("kubectl", "describe", "node", sick[0].name),)
    return _fault("CLUSTER-GPU-UNHEALTHY", group, proof, commands, have=have, total=total)


def _card(case: Case, group: Group, variants: tuple[str, ...]) -> Fault | None:
    if any(fits_card(case, group, one, first=one == variants[0]) for one in variants):
        return None
    return unsupported(case, group, variants[0])


def _driver(case: Case, group: Group, variants: tuple[str, ...]) -> Fault | None:
    """A driver below the floors of all images that have code for the card."""
    version = group.cards.driver
    serving = [one for one in variants if fits_card(case, group, one, first=one == variants[0])]
    if not numbers(version) or any(drives(case, group, one) for one in serving):
        return None
    floor = min((case.matrix.row(one).floor(windows=False) for one in serving), key=numbers)
    return _fault("CLUSTER-DRIVER-OLD", group, evidence(case.facts, (group,)), detail=version, floor=floor)


def drives(case: Case, group: Group, variant: str) -> bool:
    """Whether the pool's driver is new enough for an image; one that nobody tells is taken to be."""
    version = group.cards.driver
    # a label may hold the major number alone; then the floor's minor ones do not count
    floor = numbers(case.matrix.row(variant).floor(windows=False))[: len(numbers(version))]
    return not floor or at_least(version, ".".join(map(str, floor)))


def _small(case: Case, group: Group) -> Fault | None:
    need = needs.smallest_card(case.wish.engine)
    if not group.memory or group.memory >= need:
        return None
    proof = evidence(case.facts, (group,))
    return _fault("CLUSTER-GPU-SMALL", group, proof, lasting=True, have=size(group.memory), need=size(need))


def _rationed(case: Case, group: Group) -> Fault | None:
    """A quota of the namespace that leaves no card for a pod."""
    name = f"requests.{group.resource}"
    for quota in case.facts.quotas.value or ():
        left = quota.hard.get(name, case.count) - quota.used.get(name, 0)
        if name in quota.hard and left < case.count and not case.ours:
            detail = f"{name} {quota.used.get(name, 0)}/{quota.hard[name]}"
            proof = (Evidence(case.facts.quotas.source, f"{quota.name}: {detail}"),)
            commands = (("kubectl", "describe", "resourcequota", quota.name),)
            return _fault("CLUSTER-QUOTA-GPU", group, proof, commands, detail=detail, quota=quota.name, need=case.count)
    return None


def _busy(case: Case, group: Group) -> Fault | None:
    """Every card is in somebody's hands. Where new nodes are made, or our own release runs, that stands in nobody's
    way."""
    if group.free >= case.count or case.ours or case.scales:
        return None
    return busy(case, group)


def busy(case: Case, group: Group) -> Fault:
    commands = (("kubectl", "describe", "node", group.nodes[0].name),)
    proof = evidence(case.facts, (group,))
    return _fault("CLUSTER-GPU-BUSY", group, proof, commands, free=group.free, total=group.total, need=case.count)


def _state(node: NodeFacts) -> str:
    words = [] if node.ready else ["not ready"]
    words += [] if node.schedulable else ["cordoned"]
    words += [*node.pressure, *(taints.text(one) for one in taints.momentary(node))]
    return f"{node.name}: {', '.join(words) or ('ready' if available(node) else '?')}"


def _maps(given: object) -> list[dict[str, object]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _fault(
    code: str,
    group: Group,
    proof: tuple[Evidence, ...],
    commands: tuple[Command, ...] = (),
    *,
    lasting: bool = False,
    **args: object,
) -> Fault:
    return Fault.of(code, proof, commands, lasting=lasting, subject=group.name, **args)
