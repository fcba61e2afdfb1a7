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
    os-release of the next release onto a host that is still the old one. ``board`` names a single-board computer with
    NVIDIA's chip (Jetson), else None; ``chroot`` whether our root is not that of process 1; ``virtual`` the hypervisor
    below us (``kvm``, ``vmware`` …), None on bare metal; ``safe_mode`` whether Windows was started without its drivers.
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
    board: Fact[str | None] = _NOT_ASKED
    chroot: Fact[bool] = _NOT_ASKED
    virtual: Fact[str | None] = _NOT_ASKED
    safe_mode: Fact[bool] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class CpuFacts:
    """The processor: ``model`` as it names itself, ``cores`` that this process may use, ``avx2`` whether it has the
    instructions that PyTorch's builds are made for (None: another family, where the question makes no sense)."""

    model: Fact[str] = _NOT_ASKED
    cores: Fact[int] = _NOT_ASKED
    avx2: Fact[bool | None] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One run of the package manager that touched graphics drivers or the kernel: ``when`` in ISO 8601, the
    ``packages`` that matter (``name version``), and whether it ran ``unattended``."""

    when: str
    packages: tuple[str, ...]
    unattended: bool = False


@dataclass(frozen=True, slots=True)
class UpkeepFacts:
    """What happened to kernel and driver lately.

    ``secure_boot``: whether the firmware refuses unsigned modules; ``reboot`` the packages that wait for a restart;
    ``changes`` the latest package runs that touched them, newest first; ``module_built`` whether the running kernel has
    an NVIDIA module on disk; ``log`` the lines of the kernel's log about NVIDIA, nouveau and module signatures, newest
    last, a few hundred at most.
    """

    secure_boot: Fact[bool] = _NOT_ASKED
    reboot: Fact[tuple[str, ...]] = _NOT_ASKED
    changes: Fact[tuple[PackageChange, ...]] = _NOT_ASKED
    module_built: Fact[bool] = _NOT_ASKED
    log: Fact[tuple[str, ...]] = _NOT_ASKED


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
    ``docker-ce``, ``snap``), None when from no package; ``cgroup_driver`` is ``systemd`` or ``cgroupfs``,
    ``cgroup_version`` ``1`` or ``2``; ``default_runtime`` what containers run in that name none.
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
    cgroup_driver: Fact[str] = _NOT_ASKED
    cgroup_version: Fact[str] = _NOT_ASKED
    default_runtime: Fact[str] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """Bytes. ``limit`` is the cgroup's limit over this process, None when there is none; ``swap`` the total of it;
    ``shared`` the size of ``/dev/shm``."""

    total: Fact[int]
    available: Fact[int]
    limit: Fact[int | None]
    swap: Fact[int] = _NOT_ASKED
    shared: Fact[int] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """Free and total bytes where ``path`` lies; ``purpose`` is ``engine``, ``state``, ``cache`` or ``build``;
    ``inodes`` are free entries for files (None where the file system does not count them), ``kind`` the file system's
    name (``ext4``, ``nfs4``)."""

    purpose: str
    path: str
    free: Fact[int]
    total: Fact[int]
    inodes: Fact[int | None] = _NOT_ASKED
    kind: Fact[str] = _NOT_ASKED


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
    """What `--target local` runs on: paths of a Python 3.11, of ``uv`` and of the speech library; None when absent.

    ``glibcxx`` is the newest symbol version of the C++ library (``3.4.30``), None without one; ``temporary`` a folder
    for temporary files that can be written and run from, None when there is none.
    """

    python: Fact[str | None] = _NOT_ASKED
    uv: Fact[str | None] = _NOT_ASKED
    speech: Fact[str | None] = _NOT_ASKED
    glibcxx: Fact[str | None] = _NOT_ASKED
    temporary: Fact[str | None] = _NOT_ASKED


class Reach(str, Enum):
    """How far a conversation with an address in the network gets."""

    REACHED = "reached"
    NO_NAME = "no-name"  # the name does not resolve
    REFUSED = "refused"  # nobody listens, or no way there
    SILENT = "silent"  # no answer in time
    CERTIFICATE = "certificate"  # its certificate is not trusted here
    BARRED = "barred"  # a proxy or gateway says no
    FAILING = "failing"  # it answers with an error of its own


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place in the network that a deployment fetches from.

    ``purpose`` is ``weights``, ``packages`` (Python), ``system`` (the distribution), ``source`` (the engine's code),
    ``torch`` or ``images``; ``name`` what people call it; ``host`` without user names; ``milliseconds`` until its
    answer began, None without one; ``detail`` what went wrong in its own words. A ``spare`` one is an alternative that
    this deployment was not told to use.
    """

    purpose: str
    name: str
    host: str
    reach: Reach
    milliseconds: int | None = None
    detail: str = ""
    spare: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The network beyond this host, asked only by who wants to know.

    ``clock`` is how many seconds this host's clock is ahead of what servers answered (negative: behind).
    """

    endpoints: Fact[tuple[Endpoint, ...]] = _NOT_ASKED
    clock: Fact[float] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class PciCard:
    """An NVIDIA card as the bus shows it: ``address`` on the bus, ``device`` its id in hexadecimal (``2684``),
    ``driver`` the kernel driver that holds it (``nvidia``, ``nouveau``, ``vfio-pci``), None for none."""

    address: str
    device: str
    driver: str | None


@dataclass(frozen=True, slots=True)
class GpuSlice:
    """A MIG device: its UUID (``MIG-…``), its profile (``1g.10gb``) and its memory in bytes, None where unknown."""

    uuid: str
    profile: str
    total: int | None = None


@dataclass(frozen=True, slots=True)
class GpuUser:
    """A process that holds memory of a card: ``name`` of its program, ``bytes`` None where the driver does not tell."""

    pid: int
    name: str
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A card as the driver shows it; None means that it does not tell.

    ``capability`` is the compute capability (``8.9``); ``total`` and ``free`` bytes of its memory, None where it has
    none of its own; ``mig`` whether it is cut into slices (None: it cannot be), ``mig_pending`` whether it will be
    after a reset; ``slices`` the MIG devices made. ``address`` on the bus; ``virtual`` is ``passthrough`` or ``vgpu``
    inside a virtual machine; ``fabric`` the state of its NVSwitch fabric (``completed``, ``in progress`` …);
    ``compute_mode`` is ``default``, ``exclusive`` or ``prohibited``; ``persistent`` whether the driver stays loaded;
    ``uncorrected`` memory errors since the start; ``remap`` ``pending`` or ``failed`` repairs of memory rows;
    ``users`` the processes on it.
    """

    uuid: str
    name: str
    capability: str | None
    total: int | None
    free: int | None
    mig: bool | None = None
    mig_pending: bool | None = None
    slices: tuple[GpuSlice, ...] = ()
    address: str | None = None
    virtual: str | None = None
    fabric: str | None = None
    compute_mode: str | None = None
    persistent: bool | None = None
    uncorrected: int | None = None
    remap: str | None = None
    users: tuple[GpuUser, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """The graphics cards, from hardware to driver.

    ``cards`` are those on the PCI bus; ``module`` the version of the loaded kernel module and ``flavour`` its kind
    (``open``, ``proprietary``); ``nodes`` the device nodes there are (``nvidiactl``, ``nvidia-uvm``, ``nvidia0``);
    ``wsl`` whether Windows lends its cards (``/dev/dxg``). What the driver's own library says: ``nvml`` its return code
    (0 is well, unknown when it never answered), ``driver`` the driver's version, ``cuda`` the highest CUDA version that
    it serves (``12.8``), ``devices`` its cards. ``library`` is the version of the installed user-space driver
    (``libcuda.so.570.…``); ``cuda_init`` what ``cuInit`` returned in a child (0 is well; unknown when it hung or
    crashed), ``cuda_count`` how many cards CUDA then counted.
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
    library: Fact[str | None] = _NOT_ASKED
    cuda_init: Fact[int] = _NOT_ASKED
    cuda_count: Fact[int] = _NOT_ASKED


@dataclass(frozen=True, slots=True)
class CdiSpec:
    """A CDI specification of NVIDIA devices: its ``path``, ``version`` and the names it defines; ``drivers`` the driver
    versions that its paths carry; ``missing`` paths that it wants from this host and that are not there (the first
    few); ``trouble`` why it cannot be read, else empty."""

    path: str
    version: str | None = None
    devices: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """How a card gets into a container.

    ``runtimes`` are the engine's (``nvidia``, ``runc``); ``cdi_folders`` where it looks for CDI specifications, empty
    when it does not; ``cdi_devices`` the names that are defined (``nvidia.com/gpu=all``); ``toolkit`` the programs of
    NVIDIA's toolkit that were found, ``toolkit_version`` the toolkit's; ``mode`` and ``no_cgroups`` are from its
    configuration (``auto``, ``legacy``, ``cdi``, ``csv``); ``specs`` the CDI specifications in those folders;
    ``refresh`` the state of the service that renews them (``active``, ``failed`` …), None where there is none.
    """

    runtimes: Fact[tuple[str, ...]] = _NOT_ASKED
    cdi_folders: Fact[tuple[str, ...]] = _NOT_ASKED
    cdi_devices: Fact[tuple[str, ...]] = _NOT_ASKED
    toolkit: Fact[tuple[str, ...]] = _NOT_ASKED
    toolkit_version: Fact[str | None] = _NOT_ASKED
    mode: Fact[str | None] = _NOT_ASKED
    no_cgroups: Fact[bool] = _NOT_ASKED
    specs: Fact[tuple[CdiSpec, ...]] = _NOT_ASKED
    refresh: Fact[str | None] = _NOT_ASKED


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
    cpu: CpuFacts = CpuFacts()
    upkeep: UpkeepFacts = UpkeepFacts()
    network: NetworkFacts = NetworkFacts()
