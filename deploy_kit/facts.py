"""What was observed on a host: values, each with its source, or the reason why it is not known.

Nothing here is a judgement. Facts files (`deploykit doctor --save`) are these values as JSON, and can be
replayed on another machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

T = TypeVar("T")

SCHEMA = 1


class State(str, Enum):
    """Whether a fact could be had. ``not-asked``: the question makes no sense here."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """One observation. A known value of None or False means "looked, and there is none"; ``reason`` says why."""

    state: State
    value: T | None = None
    source: str = ""
    reason: str = ""

    @property
    def known(self) -> bool:
        return self.state is State.KNOWN


def known(value: T, source: str, reason: str = "") -> Fact[T]:
    return Fact(State.KNOWN, value, source, reason)


def unknown(source: str, reason: str) -> Fact[T]:
    return Fact(State.UNKNOWN, None, source, reason)


def not_asked(reason: str) -> Fact[T]:
    return Fact(State.NOT_ASKED, None, "", reason)


_NOT_ASKED: Fact[Any] = not_asked("")


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """Operating system and surroundings.

    ``distribution`` is os-release's ID (``ubuntu``); ``codename`` its VERSION_CODENAME (``noble``), or on a derivative
    the codename of the release that it builds on; ``like`` its ID_LIKE words; ``container`` names the container runtime
    around us, or None on a machine; ``wsl`` is 1 or 2 inside the Windows Subsystem for Linux, else None; ``init`` is
    ``systemd`` or another name; ``libc`` is ``glibc 2.36`` or ``musl …``. ``suites`` are the releases that apt installs
    from (``bookworm``, ``bookworm-updates``), deploykit's own sources left out: a newer C library can bring an
    os-release of the next release onto a host that is still the old one.
    """

    system: Fact[str]
    machine: Fact[str]
    kernel: Fact[str]
    distribution: Fact[str]
    like: Fact[tuple[str, ...]]
    version: Fact[str]
    codename: Fact[str]
    pretty_name: Fact[str]
    libc: Fact[str]
    init: Fact[str]
    container: Fact[str | None]
    wsl: Fact[int | None]
    suites: Fact[tuple[str, ...]] = Fact(State.NOT_ASKED, reason="no apt here")


@dataclass(frozen=True, slots=True)
class PrivilegeFacts:
    """What this user may do.

    ``engine_capable``: the kernel lets us run a container engine (mounts, namespaces);
    ``user`` is the login name; ``sudo`` is unknown where the program is there and only asking would tell.
    """

    uid: Fact[int]
    sudo: Fact[bool]
    engine_capable: Fact[bool]
    user: Fact[str] = _NOT_ASKED


class EngineState(str, Enum):
    """How far a conversation with the container engine gets."""

    READY = "ready"
    NO_CLIENT = "no-client"
    NO_ENGINE = "no-engine"  # a client, but no daemon program on this host and none answering
    STOPPED = "stopped"  # the daemon is installed but does not answer
    FORBIDDEN = "forbidden"  # it answers, but not to this user
    SILENT = "silent"  # it accepts and says nothing


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The container engine. Versions are text as reported; ``root`` is where it keeps images.

    ``endpoint`` is the address the client uses (``unix:///var/run/docker.sock``, ``ssh://…``); ``mirrors`` the registry
    mirrors it is configured with; ``buildx`` and ``compose`` the versions of the client's plug-ins, None when absent;
    ``kind`` is ``docker``, ``docker-desktop`` or ``podman``; ``package`` what it was installed from (``docker.io``,
    ``docker-ce``, ``snap``), None when from no package.
    """

    state: Fact[EngineState]
    client: Fact[str | None]
    endpoint: Fact[str]
    version: Fact[str]
    api_version: Fact[str]
    buildx: Fact[str | None]
    compose: Fact[str | None]
    rootless: Fact[bool]
    root: Fact[str]
    mirrors: Fact[tuple[str, ...]]
    daemon: Fact[str | None]
    kind: Fact[str] = _NOT_ASKED
    package: Fact[str | None] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """Bytes. ``limit`` is the cgroup's limit over this process, None when there is none."""

    total: Fact[int]
    available: Fact[int]
    limit: Fact[int | None]


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """Free and total bytes where ``path`` lies; ``purpose`` is ``engine``, ``state`` or ``build``."""

    purpose: str
    path: str
    free: Fact[int]
    total: Fact[int]


class PortTrouble(str, Enum):
    """Why an address cannot be bound."""

    TAKEN = "taken"
    FORBIDDEN = "forbidden"  # a low port, and no right to it
    NO_ADDRESS = "no-address"  # no interface of this host has it, or the name does not resolve


@dataclass(frozen=True, slots=True)
class PortFacts:
    """Whether ``host:port`` can be bound, and who holds it (``name (pid)``, or ``container NAME``).

    ``trouble`` says why it is not free; ``alternative`` is the next port above that is, None when none was found.
    """

    host: str
    port: int
    free: Fact[bool]
    holder: Fact[str | None]
    trouble: PortTrouble | None = None
    alternative: Fact[int | None] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """The network's customs, as the host itself uses them. Values may hold credentials: never print, never hash.

    ``proxies`` maps ``http_proxy``-like names to URLs; ``ca_bundle`` is the path of the host's trusted certificates;
    ``package_index`` is pip's configuration (``index-url`` …) as pairs.
    """

    proxies: Fact[dict[str, str]]
    ca_bundle: Fact[str | None]
    package_index: Fact[dict[str, str]]


@dataclass(frozen=True, slots=True)
class LocalFacts:
    """What `--target local` runs on: paths of a Python 3.11, of ``uv`` and of the speech library; None when absent."""

    python: Fact[str | None] = _NOT_ASKED
    uv: Fact[str | None] = _NOT_ASKED
    speech: Fact[str | None] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class PciCard:
    """An NVIDIA card as the bus shows it: ``address`` on the bus, ``device`` its id in hexadecimal (``2684``),
    ``driver`` the kernel driver that holds it (``nvidia``, ``nouveau``, ``vfio-pci``), None for none."""

    address: str
    device: str
    driver: str | None


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A card as the driver shows it. ``capability`` is the compute capability (``8.9``); ``total`` and ``free`` bytes
    of its memory, None where it has none of its own; ``mig`` whether it is cut into slices (None: it cannot be)."""

    uuid: str
    name: str
    capability: str | None
    total: int | None
    free: int | None
    mig: bool | None = None


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """The graphics cards, from hardware to driver.

    ``cards`` are those on the PCI bus; ``module`` the version of the loaded kernel module and ``flavour`` its kind
    (``open``, ``proprietary``); ``nodes`` the device nodes there are (``nvidiactl``, ``nvidia-uvm``, ``nvidia0``);
    ``wsl`` whether Windows lends its cards (``/dev/dxg``). What the driver's own library says: ``nvml`` its return code
    (0 is well, unknown when it never answered), ``driver`` the driver's version, ``cuda`` the highest CUDA version that
    it serves (``12.8``), ``devices`` its cards.
    """

    cards: Fact[tuple[PciCard, ...]] = _NOT_ASKED
    module: Fact[str | None] = _NOT_ASKED
    flavour: Fact[str | None] = _NOT_ASKED
    nodes: Fact[tuple[str, ...]] = _NOT_ASKED
    wsl: Fact[bool] = _NOT_ASKED
    nvml: Fact[int] = _NOT_ASKED
    driver: Fact[str | None] = _NOT_ASKED
    cuda: Fact[str | None] = _NOT_ASKED
    devices: Fact[tuple[GpuDevice, ...]] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """How a card gets into a container.

    ``runtimes`` are the engine's (``nvidia``, ``runc``); ``cdi_folders`` where it looks for CDI specifications, empty
    when it does not; ``cdi_devices`` the names that are defined (``nvidia.com/gpu=all``); ``toolkit`` the programs of
    NVIDIA's toolkit that were found.
    """

    runtimes: Fact[tuple[str, ...]] = _NOT_ASKED
    cdi_folders: Fact[tuple[str, ...]] = _NOT_ASKED
    cdi_devices: Fact[tuple[str, ...]] = _NOT_ASKED
    toolkit: Fact[tuple[str, ...]] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Everything observed on one host at one time."""

    schema: int
    platform: PlatformFacts
    privileges: PrivilegeFacts
    engine: EngineFacts
    memory: MemoryFacts
    disks: tuple[DiskFacts, ...]
    port: PortFacts
    site: SiteFacts
    local: LocalFacts = LocalFacts()
    gpu: GpuFacts = GpuFacts()
    route: RouteFacts = RouteFacts()
