"""What the namespace allows: that it is there, its quotas, its limits, its pod security; and the release in it."""

from __future__ import annotations

from collections.abc import Iterator

from deploy_kit.cluster import fitting, storage
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import LimitFacts, QuotaFacts
from deploy_kit.cluster.placement import Placed
from deploy_kit.cluster.pools import listed
from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen
from deploy_kit.data import table
from deploy_kit.findings import Evidence, Finding, Severity

_STUCK = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
_CREATE = "create namespaces"
_STRICT = ("baseline", "restricted")
_CLASS_OF = ".storageclass.storage.k8s.io/requests.storage"


def namespace(case: Case) -> Iterator[Finding]:
    """Whether the namespace is there or can be made, and what pod security says in it."""
    fact = case.facts.namespace
    space = fact.value
    if space is None:
        return
    if not space.exists:
        allowed = (case.facts.rights.value or {}).get(_CREATE)
        severity = Severity.BLOCKER if allowed is False else Severity.INFO
        code = "CLUSTER-NAMESPACE-FORBIDDEN" if allowed is False else "CLUSTER-NO-NAMESPACE"
        commands = (("kubectl", "create", "namespace", space.name),)
        yield Finding.of(code, severity, space.name, evidence=seen(case.facts.rights), commands=commands)
    level = space.enforces
    if level not in _STRICT:
        return
    proof = (Evidence(fact.source, f"pod-security.kubernetes.io/enforce={level}"),)
    if case.value("persistence.type") == "hostPath":
        yield Finding.of("CLUSTER-POD-SECURITY", Severity.BLOCKER, space.name, evidence=proof, level=level)
    else:
        yield Finding.of("CLUSTER-POD-SECURITY-MET", Severity.INFO, space.name, evidence=proof, level=level)


def release(case: Case) -> Iterator[Finding]:
    """An earlier attempt that never ended: Helm refuses the next one."""
    found = case.facts.release.value
    if found is None or found.status not in _STUCK:
        return
    space = case.facts.namespace.value
    place = ("--namespace", space.name) if space else ()
    commands = [("helm", "history", found.name, *place)]
    first = found.status == "pending-install" or found.revision < 2
    commands.append(("helm", "uninstall" if first else "rollback", found.name, *place))
    yield Finding.of("CLUSTER-RELEASE-STUCK", Severity.BLOCKER, found.name, evidence=seen(case.facts.release),
                     commands=tuple(commands), status=found.status, revision=found.revision)  # fmt: skip


def runtime_class(case: Case, placed: Placed) -> Iterator[Finding]:
    """A runtime class that was asked for, and that the API server does not have: it would refuse every pod."""
    classes, named = case.facts.runtime_classes, case.given("runtimeClassName")
    if not named or classes.value is None or any(one.name == named for one in classes.value):
        return
    proof = (Evidence(classes.source, listed(one.name for one in classes.value) or "none"),)
    commands = (("kubectl", "get", "runtimeclass"),)
    yield Finding.of("CLUSTER-RUNTIME-CLASS-GIVEN", Severity.BLOCKER, str(named), evidence=proof, commands=commands,
                     detail=placed.device)  # fmt: skip


def quotas(case: Case, placed: Placed) -> Iterator[Finding]:
    """Quotas that leave too little for the pods, their volume and their objects."""
    if case.ours:  # what is used is used by the release that will be replaced
        return
    need = _needed(case, placed)
    for quota in counting(case):
        short = [name for name, count in need.items() if quota.hard.get(name, count) - quota.used.get(name, 0) < count]
        short = [name for name in short if name in quota.hard]
        if short:
            # that cards are few keeps nobody from starting with those that there are
            few = all(name == f"requests.{placed.resource}" for name in short)
            detail = "; ".join(_figures(quota, name, need[name]) for name in short)
            proof = tuple(one for name in short for one in _evidence(case, quota, name))
            commands = (("kubectl", "describe", "resourcequota", quota.name),)
            yield Finding.of("CLUSTER-QUOTA", Severity.WARNING if few else Severity.BLOCKER, quota.name,
                             evidence=proof, commands=commands, detail=detail)  # fmt: skip


def unlimited(case: Case) -> tuple[str, ...]:
    """Names that a quota counts and that the chart sets no value for: without one, pods are refused."""
    counted = {name for quota in counting(case) for name in quota.hard}
    return ("resources.limits.cpu",) if "limits.cpu" in counted and case.value("resources.limits.cpu") is None else ()


def limits(case: Case, placed: Placed) -> Iterator[Finding]:
    """Limit ranges that our pods or their volume do not keep within."""
    need = fitting.needed(case, placed.device, placed.variant)
    pod = {"memory": (need["memory"], _memory(case, placed)), "cpu": (need["cpu"], need["cpu"])}
    claim = {"storage": (_storage(case), _storage(case))} if storage.wanted(case) else {}
    asked = {"Container": pod, "Pod": pod, "PersistentVolumeClaim": claim}
    for one in case.facts.limits.value or ():
        rows = asked.get(one.type, {})
        wrong = "; ".join(text for name, (least, most) in rows.items() if (text := _outside(one, name, least, most)))
        if wrong:
            commands = (("kubectl", "describe", "limitrange", one.name),)
            proof = (Evidence(case.facts.limits.source, f"{one.name} ({one.type}): {wrong}"),)
            yield Finding.of("CLUSTER-LIMIT-RANGE", Severity.BLOCKER, one.name, evidence=proof, commands=commands,
                             detail=wrong, kind=one.type)  # fmt: skip


def _outside(limit: LimitFacts, name: str, least: int, most: int) -> str:
    """How a request (``least``) or a limit (``most``) lies outside of the range, empty when it does not."""
    if least < limit.least.get(name, least):
        return f"{name}: {fitting.amount(name, least)} < {fitting.amount(name, limit.least[name])}"
    if most > limit.most.get(name, most):
        return f"{name}: {fitting.amount(name, most)} > {fitting.amount(name, limit.most[name])}"
    return ""


def counting(case: Case) -> tuple[QuotaFacts, ...]:
    """The quotas that count ordinary pods; those of a class or a priority count others."""
    usual = ("NotTerminating", "NotBestEffort")
    return tuple(one for one in case.facts.quotas.value or () if set(one.scopes) <= set(usual))


def _needed(case: Case, placed: Placed) -> dict[str, int]:
    """What the release takes, by the names that quotas use."""
    need = fitting.needed(case, placed.device, placed.variant)
    pods, memory = max(case.wish.replicas, 1), _memory(case, placed)
    found = {
        "pods": pods, "count/pods": pods, "services": 1, "count/services": 1, "count/deployments.apps": 1,
        "secrets": 1, "count/secrets": 1, "configmaps": 1, "count/configmaps": 1,
        "cpu": pods * need["cpu"], "requests.cpu": pods * need["cpu"], "limits.cpu": pods * need["cpu"],
        "memory": pods * need["memory"], "requests.memory": pods * need["memory"], "limits.memory": pods * memory,
    }  # fmt: skip
    if placed.resource:
        found |= {f"requests.{placed.resource}": pods * case.count}
    if storage.wanted(case) and not _claimed(case):
        found |= {"persistentvolumeclaims": 1, "count/persistentvolumeclaims": 1, "requests.storage": _storage(case)}
        named = case.given("persistence.storageClass")
        found |= {f"{named}{_CLASS_OF}": _storage(case)} if named else {}
    return found


def _claimed(case: Case) -> bool:
    return any(one.code.startswith("CLUSTER-CLAIM") for one in storage.judge(case, ()).findings)


def _memory(case: Case, placed: Placed) -> int:
    """The limit that a pod gets, bytes."""
    return case.wish.memory_bytes or needs.memory_limit(case.wish.engine, placed.device)


def _storage(case: Case) -> int:
    return case.wish.cache_bytes or needs.weights_bytes(case.wish.engine)


def _figures(quota: QuotaFacts, name: str, need: int) -> str:
    hard, used = (fitting.amount(name, one) for one in (quota.hard[name], quota.used.get(name, 0)))
    return f"{name}: {used}/{hard} + {fitting.amount(name, need)}"


def _evidence(case: Case, quota: QuotaFacts, name: str) -> tuple[Evidence, ...]:
    hard, used = (fitting.amount(name, one) for one in (quota.hard[name], quota.used.get(name, 0)))
    return (Evidence(case.facts.quotas.source, f"{quota.name}: {name} {used}/{hard}"),)


def groups(case: Case) -> Iterator[Finding]:
    """Custom resources and metrics that are not served: what the chart leaves out."""
    served = case.facts.groups
    if served.value is None:
        return
    book = table("kubernetes")
    missing = [row for row in book["groups"] if row["group"] not in served.value]
    wanted = [row for row in missing if case.given(f"{row['value']}.enabled") is True]
    quiet = [row for row in missing if row not in wanted]
    for rows, severity in ((wanted, Severity.WARNING), (quiet, Severity.INFO)):
        if rows:
            names = listed(row["name"] for row in rows)
            proof = tuple(Evidence(served.source, f"{row['group']}: none") for row in rows)
            code = "CLUSTER-NO-CRD-GIVEN" if rows is wanted else "CLUSTER-NO-CRD"
            yield Finding.of(code, severity, names, evidence=proof)
    if book["metrics_group"] not in served.value:
        asked = case.given("autoscaling.enabled") is True
        proof = (Evidence(served.source, f"{book['metrics_group']}: none"),)
        yield Finding.of("CLUSTER-NO-METRICS", Severity.WARNING if asked else Severity.INFO, "metrics",
                         evidence=proof)  # fmt: skip
