"""What was observed of a cluster: values, each with its source, or the reason why it is not known.

Nothing here is a judgement. `deploykit doctor --target kubernetes --save` writes these values as JSON, and they can be
replayed on another machine. Quantities are whole numbers: bytes for memory and storage, thousandths of a core for
``cpu``, pieces for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from deploy_kit.facts import Fact, State, not_asked

SCHEMA = 1
KIND = "cluster"
"""What a file with these facts says that it is about; files about hosts say nothing."""

_NOT_ASKED: Fact[Any] = not_asked("")


class Trouble(str, Enum):
    """Why a question to a cluster has no answer; an unknown fact's reason begins with one of these words, and goes on
    after ``: `` with what the program said."""

    MISSING = "missing"  # the program is not installed
    NO_KUBECONFIG = "no-kubeconfig"  # nothing names a cluster
    BAD_KUBECONFIG = "bad-kubeconfig"  # the file cannot be read, or is none
    NO_CONTEXT = "no-context"  # the file has no context of this name, or none that is current
    NO_PLUGIN = "no-plugin"  # the credential plug-in that the file names is not installed
    PLUGIN_FAILED = "plugin-failed"  # the credential plug-in gives no credentials
    NO_NAME = "no-name"  # the server's name does not resolve
    REFUSED = "refused"  # nobody listens there, or no way leads there
    SILENT = "silent"  # no answer in time
    CERTIFICATE = "certificate"  # its certificate is not trusted, or out of its time
    UNAUTHORIZED = "unauthorized"  # it does not know us (any more)
    FORBIDDEN = "forbidden"  # it knows us, and says no
    NOT_SERVED = "not-served"  # it has no such kind of object
    FAILING = "failing"  # it answers with an error of its own, or with what is no answer


def trouble(fact: Fact[Any]) -> Trouble | None:
    """The reason of an unknown fact in one word; None for a fact that is known or was not asked."""
    if fact.state is not State.UNKNOWN:
        return None
    word = fact.reason.partition(":")[0]
    return Trouble(word) if word in {one.value for one in Trouble} else Trouble.FAILING


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps pods without a matching toleration off a node; ``effect`` as Kubernetes spells it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One node.

    ``labels`` are those that tell of hardware, place, pool and platform; ``capacity`` what the node has and
    ``allocatable`` what pods may have of it; ``requested`` the sum of what the pods bound to it asked for (empty where
    pods cannot be listed); ``pressure`` the names of conditions other than Ready that are true; ``provider`` the scheme
    of its provider id (``gce``, ``aws``, ``azure``, ``oci``, ``k3s``, ``kwok``), empty when there is none; ``runtime``
    as the kubelet tells it (``containerd://1.7.24``); ``volumes`` how many persistent volumes are attached.
    """

    name: str
    ready: bool
    schedulable: bool
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    capacity: dict[str, int] = field(default_factory=dict)
    allocatable: dict[str, int] = field(default_factory=dict)
    requested: dict[str, int] = field(default_factory=dict)
    pressure: tuple[str, ...] = ()
    kubelet: str = ""
    runtime: str = ""
    system: str = ""
    architecture: str = ""
    kernel: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """A DaemonSet or Deployment that hands out, labels, measures or drives devices, known by its image.

    ``role`` is a key of the table's ``components`` (``device-plugin``, ``operator``, ``discovery``, ``dra-driver``,
    ``metrics-server``, ``keda`` …); ``wanted`` and ``ready`` count pods; ``trouble`` is the latest reason of one of
    its pods that does not run (``CrashLoopBackOff: …``), empty when there is none.
    """

    role: str
    namespace: str
    name: str
    image: str
    wanted: int
    ready: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class RuntimeClassFacts:
    """A RuntimeClass and the handler of the container runtime that it means."""

    name: str
    handler: str


@dataclass(frozen=True, slots=True)
class StorageClassFacts:
    """A storage class; ``waits`` when it binds only once a pod has a node (WaitForFirstConsumer)."""

    name: str
    provisioner: str
    default: bool = False
    waits: bool = False
    expandable: bool = False
    retains: bool = False


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """A persistent volume claim of the namespace; ``bytes`` what was asked for."""

    name: str
    phase: str
    storage_class: str | None
    access_modes: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class QuotaFacts:
    """A resource quota of the namespace: names as Kubernetes gives them (``requests.nvidia.com/gpu``, ``pods`` …).

    ``scopes`` are the pods it counts (``BestEffort``, ``PriorityClass In high``), none for all of them.
    """

    name: str
    hard: dict[str, int]
    used: dict[str, int]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """What a limit range says of single containers, pods or claims (``type``): ``least`` and ``most`` by resource."""

    name: str
    type: str
    least: dict[str, int]
    most: dict[str, int]


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """The namespace meant: whether it exists, and what pod security says there (None: no label, the cluster's default).

    ``warns`` is the level that is only warned about.
    """

    name: str
    exists: bool
    enforces: str | None = None
    warns: str | None = None


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """Devices that a DRA driver offers: ``count`` of them on ``node`` (empty: not bound to one), with the attributes
    that name the hardware (``productName``, ``architecture``, ``cudaComputeCapability``, ``driverVersion`` …)."""

    driver: str
    node: str
    count: int
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """The Helm release of the name meant: its chart, status and revision."""

    name: str
    chart: str
    status: str
    revision: int


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """Everything seen of one cluster.

    ``kubectl`` and ``helm`` are the versions of the programs on this host; ``context`` the kubeconfig's context that
    was used and ``server`` its host and port; ``version`` the API server's (``1.34.4``, with the platform's
    suffix: ``1.33.4-gke.1200``); ``groups`` the group versions that it serves, custom resources included;
    ``rights`` what we may do in the namespace, by ``verb resource`` (``create deployments.apps``).
    """

    kubectl: Fact[str]
    helm: Fact[str] = _NOT_ASKED
    context: Fact[str] = _NOT_ASKED
    server: Fact[str] = _NOT_ASKED
    version: Fact[str] = _NOT_ASKED
    groups: Fact[tuple[str, ...]] = _NOT_ASKED
    rights: Fact[dict[str, bool]] = _NOT_ASKED
    namespace: Fact[NamespaceFacts] = _NOT_ASKED
    nodes: Fact[tuple[NodeFacts, ...]] = _NOT_ASKED
    daemons: Fact[tuple[DaemonFacts, ...]] = _NOT_ASKED
    runtime_classes: Fact[tuple[RuntimeClassFacts, ...]] = _NOT_ASKED
    storage_classes: Fact[tuple[StorageClassFacts, ...]] = _NOT_ASKED
    claims: Fact[tuple[ClaimFacts, ...]] = _NOT_ASKED
    quotas: Fact[tuple[QuotaFacts, ...]] = _NOT_ASKED
    limits: Fact[tuple[LimitFacts, ...]] = _NOT_ASKED
    device_classes: Fact[tuple[str, ...]] = _NOT_ASKED
    slices: Fact[tuple[SliceFacts, ...]] = _NOT_ASKED
    release: Fact[ReleaseFacts | None] = _NOT_ASKED
    kind: str = KIND
    schema: int = SCHEMA
