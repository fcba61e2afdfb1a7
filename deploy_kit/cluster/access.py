"""The way to the cluster: the programs, the kubeconfig, the answer, the version, and what we may do there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy_kit.cluster import presets
from deploy_kit.cluster.case import Case
from deploy_kit.cluster.facts import ClusterFacts, Trouble, trouble
from deploy_kit.cluster.pools import listed
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Command
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.facts import Fact
from deploy_kit.findings import Evidence, Finding, Severity

_CONTEXTS: tuple[Command, ...] = (("kubectl", "config", "get-contexts"),)
_REACH: tuple[Command, ...] = (("kubectl", "cluster-info"),)
_WAYS: dict[Trouble, tuple[str, tuple[Command, ...]]] = {
    Trouble.NO_KUBECONFIG: ("CLUSTER-NO-KUBECONFIG", _CONTEXTS),
    Trouble.BAD_KUBECONFIG: ("CLUSTER-BAD-KUBECONFIG", (("kubectl", "config", "view"),)),
    Trouble.NO_CONTEXT: ("CLUSTER-NO-CONTEXT", _CONTEXTS),
    Trouble.NO_PLUGIN: ("CLUSTER-NO-LOGIN-PLUGIN", ()),
    Trouble.PLUGIN_FAILED: ("CLUSTER-LOGIN-FAILED", (("kubectl", "auth", "whoami"),)),
    Trouble.NO_NAME: ("CLUSTER-UNREACHABLE", _REACH),
    Trouble.REFUSED: ("CLUSTER-UNREACHABLE", _REACH),
    Trouble.SILENT: ("CLUSTER-UNREACHABLE", _REACH),
    Trouble.CERTIFICATE: ("CLUSTER-CERTIFICATE", (("kubectl", "config", "view"),)),
    Trouble.UNAUTHORIZED: ("CLUSTER-UNAUTHORIZED", (("kubectl", "auth", "whoami"),)),
    Trouble.FORBIDDEN: ("CLUSTER-FORBIDDEN", (("kubectl", "auth", "can-i", "--list"),)),
    Trouble.FAILING: ("CLUSTER-UNREACHABLE", _REACH),
}


def way(facts: ClusterFacts) -> tuple[Finding, ...]:
    """Why there is nothing to judge: no program, no kubeconfig, no answer. Empty when the cluster answered."""
    kubectl = facts.kubectl
    if kubectl.value is None and (kubectl.known or trouble(kubectl) is Trouble.MISSING):
        return (_blocker("CLUSTER-NO-KUBECTL", "kubectl", seen(kubectl)),)
    for fact in (facts.context, facts.server, facts.version):
        word = trouble(fact)
        code, commands = _WAYS.get(word, ("", ())) if word else ("", ())
        if code:
            server = facts.server.value or facts.context.value or fact.source
            proof = (*seen(fact), *(seen(facts.server) if facts.server.value else ()))
            return (_blocker(code, str(server), proof, commands, detail=_said(fact), server=server),)
    return ()


def programs(facts: ClusterFacts) -> Iterator[Finding]:
    """The programs, kubectl and Helm, against what the cluster and the chart need."""
    book = table("kubernetes")["versions"]
    kubectl, server = numbers(facts.kubectl.value or "")[:2], numbers(facts.version.value or "")[:2]
    if len(kubectl) == len(server) == 2 and kubectl[0] == server[0]:
        apart = abs(kubectl[1] - server[1])
        if apart > book["skew"]:
            yield Finding.of("CLUSTER-KUBECTL-OLD", Severity.WARNING, facts.kubectl.value or "",
                             evidence=seen(facts.kubectl, facts.version), server=facts.version.value,
                             apart=apart)  # fmt: skip
    helm = facts.helm
    if helm.value is None and (helm.known or trouble(helm) is Trouble.MISSING):
        yield _blocker("CLUSTER-NO-HELM", "helm", seen(helm), floor=book["helm"])
    elif helm.value and numbers(helm.value) and not at_least(helm.value, book["helm"]):
        yield _blocker("CLUSTER-HELM-OLD", helm.value, seen(helm), floor=book["helm"])


def version(case: Case) -> Iterator[Finding]:
    """The API server's version: what the chart needs, what is maintained, what is known."""
    fact, book = case.facts.version, table("kubernetes")["versions"]
    found = numbers(fact.value or "")[:2]
    if len(found) < 2:
        return
    minor = ".".join(map(str, found))
    args: dict[str, Any] = {
        "evidence": seen(fact), "floor": book["kubernetes"], "maintained": book["maintained_from"],
        "newest": book["kubernetes_newest"], "platform": presets.title(case.preset),
    }  # fmt: skip
    if not at_least(minor, book["kubernetes"]):
        yield Finding.of("CLUSTER-TOO-OLD", Severity.BLOCKER, fact.value or "", **args)
    elif not at_least(minor, book["maintained_from"]):
        by_vendor = case.preset in table("kubernetes")["vendor_maintained"]
        severity = Severity.INFO if by_vendor else Severity.WARNING
        yield Finding.of("CLUSTER-UNMAINTAINED", severity, fact.value or "", **args)
    elif numbers(book["kubernetes_newest"]) < found:
        yield Finding.of("CLUSTER-NEWER", Severity.INFO, fact.value or "", **args)


def rights(case: Case) -> Iterator[Finding]:
    """What we may not do, of what installing needs; and what nobody let us look at."""
    fact = case.facts.rights
    space = case.facts.namespace.value
    where = space.name if space else "default"
    refused = {right for right, allowed in (fact.value or {}).items() if not allowed}
    rows = table("kubernetes")["rights"]
    needed = [row["right"] for row in rows if row["needed"] and row["right"] in refused]
    useful = [row["right"] for row in rows if not row["needed"] and row["right"] in refused]
    useful = [one for one in useful if one != "create namespaces"]  # told with the namespace
    for names, code, severity in (
        (needed, "CLUSTER-FORBIDDEN", Severity.BLOCKER),
        (useful, "CLUSTER-FORBIDDEN-PART", Severity.WARNING),
    ):
        if names:
            proof = tuple(Evidence(fact.source, f"{one}: no") for one in names[:6])
            verb, _, kind = names[0].partition(" ")
            commands = (("kubectl", "auth", "can-i", verb, kind, "--namespace", where),)
            yield Finding.of(code, severity, where, evidence=proof, commands=commands, detail=listed(names),
                             server=where)  # fmt: skip
    yield from _unseen(case)


def _unseen(case: Case) -> Iterator[Finding]:
    """Questions that nobody answered; that about the nodes is told where it matters most."""
    facts = case.facts
    asked: dict[str, Fact[Any]] = {
        "daemonsets": facts.daemons,
        "runtimeclasses": facts.runtime_classes,
        "storageclasses": facts.storage_classes,
        "persistentvolumeclaims": facts.claims,
        "resourcequotas": facts.quotas,
        "limitranges": facts.limits,
        "namespaces": facts.namespace,
        "releases": facts.release,
    }
    if case.built_in or case.wish.device == "cpu":
        asked["nodes"] = facts.nodes
    missing = {name: fact for name, fact in asked.items() if trouble(fact) not in (None, Trouble.NOT_SERVED)}
    if missing:
        yield Finding.of("CLUSTER-UNSEEN", Severity.INFO, listed(missing), evidence=seen(*missing.values()),
                         detail=listed(missing))  # fmt: skip


def _said(fact: Fact[Any]) -> str:
    """What the program said, without our own word for it."""
    return fact.reason.partition(": ")[2] or fact.source


def _blocker(
    code: str, subject: str, proof: tuple[Evidence, ...], commands: tuple[Command, ...] = (), **args: object
) -> Finding:
    return Finding.of(code, Severity.BLOCKER, subject, evidence=proof, commands=commands, **args)
