"""Facts and findings of a cluster, without changing it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from deploy_kit import proc
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.cluster.judge import judge
from deploy_kit.cluster.verdict import ClusterVerdict, Wish
from deploy_kit.compat import cards, needs
from deploy_kit.config.request import Kubernetes, Request
from deploy_kit.detect.site import cluster
from deploy_kit.facts import Fact
from deploy_kit.findings import Finding
from deploy_kit.lifecycle.doctor import unlocked
from deploy_kit.redact import redact
from deploy_kit.tools import helm, kubectl

_WITHIN = frozenset({"resourcequota", "limitrange", "persistentvolumeclaim", "persistentvolumeclaims", "can-i"})
"""What kubectl asks of a namespace."""
_USUAL = "default"
"""The namespace of a context that names none."""


def examine(request: Request, facts: ClusterFacts | None = None) -> tuple[ClusterFacts, ClusterVerdict]:
    """The facts of the cluster that is meant (or the saved ones) and what they allow.

    Raises:
        Failure: CONFIG-MATRIX.
    """
    found = observe(request) if facts is None else facts
    own = None if request.matrix is None else cards.matrix(json.loads(request.matrix))
    verdict = judge(found, wish(request), matrix=own)
    space = found.namespace.value.name if found.namespace.value else request.kubernetes.namespace
    where = dataclasses.replace(request.kubernetes, namespace=space)
    return found, dataclasses.replace(verdict, findings=tuple(_aimed(one, where) for one in verdict.findings))


def observe(request: Request, run: proc.Runner = proc.run) -> ClusterFacts:
    """Look at the cluster that the request names; every question that has no answer says why."""
    where = request.kubernetes
    found = cluster.observe(
        run,
        kubeconfig=where.kubeconfig,
        context=where.context,
        namespace=where.namespace or _own_namespace(request, run),
        release=request.name,
    )
    return without_credentials(found)


def wish(request: Request) -> Wish:
    """What the request asks of a cluster."""
    return Wish(
        engine=request.engine,
        device=request.device,
        variant=request.variant,
        cache_bytes=needs.weights_bytes(request.engine),
        memory_bytes=request.memory or 0,
        unlocked=unlocked(),
    )


def without_credentials(facts: ClusterFacts) -> ClusterFacts:
    """The facts with user names and passwords cut out of what programs said: they are printed, saved and sent."""
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(facts):
        fact = getattr(facts, field.name)
        if isinstance(fact, Fact) and (clean := redact(fact.reason)) != fact.reason:
            changed[field.name] = dataclasses.replace(fact, reason=clean)
    return dataclasses.replace(facts, **changed)


def _own_namespace(request: Request, run: proc.Runner) -> str:
    """The namespace that kubectl and Helm would take by themselves."""
    where = request.kubernetes
    try:
        said = kubectl.call(
            *("config", "view", "--minify", "--output", "jsonpath={..namespace}"),
            kubeconfig=where.kubeconfig,
            context=where.context,
            run=run,
        )
    except proc.CommandError:  # what is wrong with the configuration is told by the questions that follow
        return _USUAL
    return said.stdout.strip() or _USUAL


def _aimed(finding: Finding, where: Kubernetes) -> Finding:
    """A finding whose commands, when they are copied, ask the cluster and the namespace that were judged."""
    return dataclasses.replace(finding, commands=tuple(_complete(one, where) for one in finding.commands))


def _complete(command: tuple[str, ...], where: Kubernetes) -> tuple[str, ...]:
    program, *rest = command
    context = None if rest[:1] in (["config"], ["repo"]) else where.context
    if program == "helm":
        return helm.argv(*rest, kubeconfig=where.kubeconfig, context=context)
    if program != "kubectl":
        return command
    if where.namespace and "--namespace" not in rest and not _WITHIN.isdisjoint(rest):
        rest += ["--namespace", where.namespace]
    return kubectl.argv(*rest, kubeconfig=where.kubeconfig, context=context)
