"""All questions to a cluster at once, once it is known that it answers at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from deploy_kit import proc
from deploy_kit.cluster.facts import (
    ClusterFacts,
    DaemonFacts,
    NamespaceFacts,
    NodeFacts,
    ReleaseFacts,
    SliceFacts,
    Trouble,
    trouble,
)
from deploy_kit.detect.site.cluster import objects, rights
from deploy_kit.detect.site.cluster.ask import Cluster, NoAnswer, fact, look, said
from deploy_kit.detect.site.cluster.ask import objects as parsed
from deploy_kit.detect.site.cluster.nodes import by_node, node
from deploy_kit.detect.site.cluster.workloads import Pod, daemon, is_over, pod
from deploy_kit.facts import Fact, known, not_asked, unknown
from deploy_kit.tools import helm

T = TypeVar("T")

_GOING_ON = (None, Trouble.FORBIDDEN)
"""With these troubles of the first question others may still be answered."""
_DRA = "resource.k8s.io"
_NAMES = 10
_LIVE = quote("status.phase!=Succeeded,status.phase!=Failed", safe="")


def observe(
    run: proc.Runner, *, kubeconfig: str | None, context: str | None, namespace: str, release: str
) -> ClusterFacts:
    """Everything there is to know about a cluster; each fact is unknown with its reason where it cannot be had.

    Args:
        run: Runs kubectl and helm.
        kubeconfig: A file to use instead of what kubectl finds by itself.
        context: One of its contexts, instead of the current one.
        namespace: Where the release is, or would be.
        release: The Helm release's name.
    """
    cluster = Cluster(run, kubeconfig, context)
    with ThreadPoolExecutor(max_workers=int(look("at_once")), thread_name_prefix="kubectl") as pool:
        client = pool.submit(fact, "kubectl version", lambda: _client(run))
        version = pool.submit(fact, "/version", lambda: _version(cluster))
        config = pool.submit(fact, "kubeconfig", lambda: _config(cluster))
        program = pool.submit(fact, "helm version", lambda: _helm(run))
        if trouble(client.result()) is Trouble.MISSING:
            return _unasked(ClusterFacts(client.result()), "kubectl is not installed")
        start = ClusterFacts(
            kubectl=client.result(),
            helm=program.result(),
            context=_part(config.result(), 0),
            server=_part(config.result(), 1),
            version=version.result(),
        )
        start = _plainly(start)
        if trouble(start.version) not in _GOING_ON:
            return _unasked(start, "the server does not answer")
        return _Look(cluster, pool, namespace, release).everything(start)


class _Look:
    """The questions to a cluster that answers."""

    def __init__(self, cluster: Cluster, pool: ThreadPoolExecutor, namespace: str, release: str) -> None:
        self._cluster, self._pool = cluster, pool
        self._namespace, self._release = namespace, release

    def everything(self, start: ClusterFacts) -> ClusterFacts:
        """The slowest questions are asked first."""
        later = self._later
        pods = later("/api/v1/pods", self._pods)
        nodes = later("/api/v1/nodes", lambda: self._cluster.items("/api/v1/nodes"))
        found = later("helm list", self._found) if start.helm.known else None
        may = later("SelfSubjectAccessReview", lambda: rights.observe(self._cluster, self._namespace))
        groups = later("/apis", self._groups)
        daemons = later("/apis/apps/v1/daemonsets, /apis/apps/v1/deployments", self._daemons)
        runtime_classes = self._list("/apis/node.k8s.io/v1/runtimeclasses", objects.runtime_class)
        storage_classes = self._list("/apis/storage.k8s.io/v1/storageclasses", objects.storage_class)
        space = later(f"/api/v1/namespaces/{self._namespace}", self._space)
        claims = self._list(self._own("persistentvolumeclaims"), objects.claim)
        quotas = self._list(self._own("resourcequotas"), objects.quota)
        limits = later(self._own("limitranges"), self._limits)
        classes, slices = self._devices(groups())
        return replace(
            start,
            groups=groups(),
            rights=may(),
            namespace=space(),
            nodes=_nodes(nodes(), pods()),
            daemons=_daemons(daemons(), pods()),
            runtime_classes=runtime_classes(),
            storage_classes=storage_classes(),
            claims=claims(),
            quotas=quotas(),
            limits=limits(),
            device_classes=classes(),
            slices=slices(),
            release=found() if found is not None else not_asked("helm cannot be asked"),
        )

    def _later(self, source: str, work: Callable[[], T]) -> Callable[[], Fact[T]]:
        return self._pool.submit(fact, source, work).result

    def _list(self, path: str, each: Callable[[Mapping[str, Any]], T]) -> Callable[[], Fact[tuple[T, ...]]]:
        return self._later(path, lambda: tuple(each(row) for row in self._cluster.pages(path)))

    def _own(self, kind: str) -> str:
        return f"/api/v1/namespaces/{self._namespace}/{kind}"

    def _pods(self) -> list[Pod]:
        rows = self._cluster.pages(f"/api/v1/pods?fieldSelector={_LIVE}")
        return [pod(row) for row in rows if not is_over(row)]

    def _daemons(self) -> list[dict[str, Any]]:
        kinds = ("daemonsets", "deployments")
        return [row for kind in kinds for row in self._cluster.pages(f"/apis/apps/v1/{kind}")]

    def _groups(self) -> tuple[str, ...]:
        rows = self._cluster.get("/apis")["groups"]
        return ("v1", *sorted(one["groupVersion"] for row in rows for one in row["versions"]))

    def _space(self) -> NamespaceFacts:
        try:
            return objects.namespace(self._cluster.get(f"/api/v1/namespaces/{self._namespace}"))
        except NoAnswer as error:
            if error.trouble is Trouble.NOT_SERVED:
                return NamespaceFacts(self._namespace, exists=False)
            raise

    def _limits(self) -> tuple[Any, ...]:
        return tuple(one for row in self._cluster.pages(self._own("limitranges")) for one in objects.limits(row))

    def _devices(
        self, groups: Fact[tuple[str, ...]]
    ) -> tuple[Callable[[], Fact[tuple[str, ...]]], Callable[[], Fact[tuple[SliceFacts, ...]]]]:
        """Dynamic resource allocation, in the newest version of its API that is served."""
        served = [one for one in groups.value or () if one.startswith(f"{_DRA}/")]
        if not served:
            why: Fact[Any] = not_asked(f"{_DRA} is not served") if groups.known else unknown("/apis", groups.reason)
            return (lambda: why), (lambda: why)
        newest = max(served, key=lambda one: ("alpha" not in one, "beta" not in one, one))
        classes = self._list(f"/apis/{newest}/deviceclasses", lambda row: str(row["metadata"]["name"]))
        path = f"/apis/{newest}/resourceslices"
        return classes, self._later(path, lambda: objects.slices(self._cluster.pages(path)))

    def _found(self) -> ReleaseFacts | None:
        line = helm.argv(
            *("list", "--all", "--filter", f"^{self._release}$", "--output", "json"),
            kubeconfig=self._cluster.kubeconfig,
            context=self._cluster.context,
            namespace=self._namespace,
        )
        return objects.release(json.loads(said(self._cluster.run, line, look("seconds"))), self._release)


def _client(run: proc.Runner) -> str:
    line = ("kubectl", "version", "--client", "--output", "json")
    return _bare(parsed(said(run, line, look("seconds")))[0]["clientVersion"]["gitVersion"])


def _version(cluster: Cluster) -> str:
    try:
        return _bare(cluster.get("/version")["gitVersion"])
    except NoAnswer as error:
        if error.trouble is Trouble.NOT_SERVED:
            raise NoAnswer(Trouble.FAILING, f"no Kubernetes answers there: {error.text}") from None
        raise


def _helm(run: proc.Runner) -> str:
    return _bare(said(run, ("helm", "version", "--template", "{{.Version}}"), look("seconds")).strip())


def _bare(version: str) -> str:
    return version.removeprefix("v")


def _config(cluster: Cluster) -> tuple[str, str]:
    """The context that is used, and its server's host and port. What is secret, kubectl leaves out."""
    found = parsed(cluster.kubectl("config", "view", "--output", "json"))[0]
    contexts = {one["name"]: one["context"] for one in found.get("contexts") or ()}
    name = cluster.context or found.get("current-context") or ""
    if not contexts:
        raise NoAnswer(Trouble.NO_KUBECONFIG, "")
    if name not in contexts:
        raise NoAnswer(Trouble.NO_CONTEXT, f"{name or 'none is current'}; there are {_few(sorted(contexts))}")
    addresses = {one["name"]: one["cluster"].get("server", "") for one in found.get("clusters") or ()}
    return name, urlsplit(addresses.get(contexts[name]["cluster"], "")).netloc.rpartition("@")[2]


def _few(names: Sequence[str]) -> str:
    """Names, and that there are more."""
    return ", ".join(names[:_NAMES]) + (" …" if len(names) > _NAMES else "")


def _part(pair: Fact[tuple[str, str]], index: int) -> Fact[str]:
    if pair.value is None:
        return unknown(pair.source, pair.reason)
    return known(pair.value[index], pair.source)


def _plainly(start: ClusterFacts) -> ClusterFacts:
    """One reason for what has one: without a configuration kubectl asks this host itself, which says nothing of value.

    Inside a pod it needs none, and is answered.
    """
    if start.context.known or start.version.known:
        return start
    said = start.context if trouble(start.version) in (Trouble.NO_KUBECONFIG, Trouble.NO_CONTEXT) else start.version
    return replace(
        start,
        context=unknown(start.context.source, said.reason),
        server=unknown(start.server.source, said.reason),
        version=unknown(start.version.source, said.reason),
    )


def _unasked(facts: ClusterFacts, reason: str) -> ClusterFacts:
    """All that was not asked says why."""
    why: Fact[Any] = not_asked(reason)
    empty: dict[str, Any] = {
        name: why for name in _REST if not getattr(facts, name).known and not getattr(facts, name).source
    }
    return replace(facts, **empty)


_REST = (
    *("helm", "context", "server", "version", "groups", "rights", "namespace", "nodes", "daemons", "runtime_classes"),
    *("storage_classes", "claims", "quotas", "limits", "device_classes", "slices", "release"),
)


def _nodes(rows: Fact[list[dict[str, Any]]], pods: Fact[list[Pod]]) -> Fact[tuple[NodeFacts, ...]]:
    """Where pods cannot be listed, the reason of the known fact says so."""
    if rows.value is None:
        return unknown(rows.source, rows.reason)
    asked = by_node((one.node, one.asked) for one in pods.value or ())
    values = rows.value
    made = fact(rows.source, lambda: tuple(node(row, asked.get(row["metadata"]["name"], {})) for row in values))
    return replace(made, reason=f"pods: {pods.reason}") if made.known and not pods.known else made


def _daemons(rows: Fact[list[dict[str, Any]]], pods: Fact[list[Pod]]) -> Fact[tuple[DaemonFacts, ...]]:
    if rows.value is None:
        return unknown(rows.source, rows.reason)
    values, sick = rows.value, [one for one in pods.value or () if one.trouble]
    return fact(rows.source, lambda: tuple(filter(None, (daemon(row, sick) for row in values))))
