"""Hosts on record that no file tree stands behind: one healthy GPU server, and what is different elsewhere.

`tests/facts/<name>.json` holds each of them in full (``--update-golden`` writes them anew). Versions, PCI ids, UUIDs
and lines of logs have the form that such machines show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from deploy_kit.facts import (
    SCHEMA,
    CdiSpec,
    CpuFacts,
    DiskFacts,
    Endpoint,
    EngineFacts,
    EngineState,
    Fact,
    GpuDevice,
    GpuFacts,
    GpuSlice,
    GpuUser,
    HostFacts,
    LocalFacts,
    MemoryFacts,
    NetworkFacts,
    PackageChange,
    PciCard,
    PlatformFacts,
    PortFacts,
    PrivilegeFacts,
    Reach,
    RouteFacts,
    SiteFacts,
    UpkeepFacts,
    known,
    not_asked,
    unknown,
)

GIB = 1024**3
DRIVER = "580.95.05"
INFO = "/var/run/docker.sock /info"

_SOURCES = {
    "system": "uname", "machine": "uname", "kernel": "/proc/sys/kernel/osrelease", "init": "/proc/1/comm",
    "libc": "confstr", "container": "/proc/1/cgroup", "wsl": "/proc/sys/kernel/osrelease", "board": "/proc/device-tree",
    "chroot": "/proc/1/root", "virtual": "/sys/class/dmi/id", "safe_mode": "environment", "suites": "apt sources",
    "uid": "/proc/self/status Uid", "sudo": "/etc/group", "engine_capable": "/proc/self/status CapBnd",
    "user": "/etc/passwd", "client": "PATH", "daemon": "PATH", "endpoint": "default context", "package": "dpkg",
    "total": "/proc/meminfo MemTotal", "available": "/proc/meminfo MemAvailable", "limit": "/proc/self/cgroup",
    "swap": "/proc/meminfo SwapTotal", "shared": "statvfs /dev/shm", "model": "/proc/cpuinfo", "cores": "affinity",
    "avx2": "/proc/cpuinfo flags", "secure_boot": "efivars SecureBoot", "reboot": "/var/run/reboot-required.pkgs",
    "changes": "/var/log/apt/history.log", "module_built": "/lib/modules", "log": "kernel log",
    "cards": "/sys/bus/pci/devices", "module": "/proc/driver/nvidia/version", "flavour": "/proc/driver/nvidia/version",
    "nodes": "/dev", "nvml": "NVML", "driver": "NVML", "cuda": "NVML", "devices": "NVML", "cuda_init": "libcuda.so.1",
    "cuda_count": "libcuda.so.1", "library": "/usr/lib/x86_64-linux-gnu", "toolkit": "PATH",
    "toolkit_version": "nvidia-ctk --version", "mode": "/etc/nvidia-container-runtime/config.toml",
    "no_cgroups": "/etc/nvidia-container-runtime/config.toml", "refresh": "nvidia-cdi-refresh.service",
    "specs": "/etc/cdi, /var/run/cdi", "endpoints": "asked at once", "clock": "Date of the answers",
}  # fmt: skip


def uuid(number: int) -> str:
    return f"GPU-{number:08x}-4b1d-9c55-0e3a-7d2f61c08e{number:02x}"


def slice_of(number: int, place: int, profile: str, gigabytes: float) -> GpuSlice:
    return GpuSlice(f"MIG-{number:08x}-{place:04x}-5c8e-a6d1-3f90b7e4c2d{place}", profile, int(gigabytes * GIB))


def device(number: int, name: str, capability: str | None, gigabytes: float | None, **more: Any) -> GpuDevice:
    """A card as a healthy driver shows it."""
    total = None if gigabytes is None else int(gigabytes * GIB)
    usual: dict[str, Any] = {
        "free": None if total is None else total - 450_000_000,
        "address": f"00000000:{number:02X}:00.0",
        "compute_mode": "default",
        "persistent": True,
    }
    return GpuDevice(uuid(number), name, capability, total, **{**usual, **more})


def on_bus(number: int, identity: str, driver: str | None = "nvidia") -> PciCard:
    return PciCard(f"0000:{number:02x}:00.0", identity, driver)


def but(host: HostFacts, **rooms: Mapping[str, Any] | Any) -> HostFacts:
    """A host that differs: ``gpu={"module": None}`` says that this was looked at; a `Fact` stands for itself."""
    changed = {}
    for room, values in rooms.items():
        found = {name: value if isinstance(value, Fact) else _seen(name, value) for name, value in values.items()}
        changed[room] = replace(getattr(host, room), **found)
    return replace(host, **changed)


def _seen(name: str, value: object) -> Fact[Any]:
    return known(value, _SOURCES.get(name, INFO))


def _room(kind: type[Any], /, **values: object) -> Any:
    names = {one.name for one in fields(kind)}
    assert set(values) <= names
    return kind(**{name: value if isinstance(value, Fact) else _seen(name, value) for name, value in values.items()})


def _disk(
    purpose: str, path: str, gigabytes: float = 400, *, kind: str = "ext4", inodes: int | None = 24_000_000
) -> DiskFacts:
    free = known(int(gigabytes * 1e9), f"statvfs {path}")
    total = known(500_000_000_000, f"statvfs {path}")
    return DiskFacts(purpose, path, free, total, known(inodes, f"statvfs {path}"), known(kind, "/proc/self/mountinfo"))


_HOOK = ("nvidia-container-runtime-hook", "nvidia-container-runtime", "nvidia-ctk", "nvidia-cdi-hook")
_FOLDERS = ("/etc/cdi", "/var/run/cdi")

HEALTHY = HostFacts(
    schema=SCHEMA,
    platform=_room(
        PlatformFacts,
        system="Linux", machine="x86_64", kernel="6.8.0-86-generic", distribution="ubuntu", like=("debian",),
        version="24.04", codename="noble", pretty_name="Ubuntu 24.04.3 LTS", libc="glibc 2.39", init="systemd",
        container=None, wsl=None, suites=("noble", "noble-updates", "noble-security"), board=None, chroot=False,
        virtual=None, safe_mode=not_asked("not Windows"),
    ),
    privileges=_room(PrivilegeFacts, uid=1000, sudo=True, engine_capable=True, user="ada"),
    engine=_room(
        EngineFacts,
        state=EngineState.READY, client="/usr/bin/docker", endpoint="unix:///var/run/docker.sock", version="28.3.3",
        api_version="1.51", buildx="0.26.1", compose="2.39.1", rootless=False, root="/var/lib/docker", mirrors=(),
        daemon="/usr/bin/dockerd", kind="docker", package="docker-ce", cgroup_driver="cgroupfs", cgroup_version="2",
        default_runtime="runc",
    ),
    memory=_room(
        MemoryFacts, total=64 * GIB, available=58 * GIB, limit=None, swap=8 * GIB, shared=32 * GIB
    ),
    disks=(_disk("engine", "/var/lib/docker"), _disk("state", "/home/ada/.local/state/deploykit/indextts")),
    port=PortFacts("127.0.0.1", 7860, known(True, "bind 127.0.0.1:7860"), known(None, "bind 127.0.0.1:7860")),
    site=SiteFacts(
        known({}, "environment, docker client", "no proxy set"),
        known("/etc/ssl/certs/ca-certificates.crt", "the distribution's place"),
        known({}, "pip configuration", "nothing set"),
    ),
    local=_room(
        LocalFacts,
        python="/usr/bin/python3.11", uv=None, speech="/usr/lib/x86_64-linux-gnu/libespeak-ng.so.1", glibcxx="3.4.33",
        temporary="/tmp",
    ),
    gpu=_room(
        GpuFacts,
        cards=(on_bus(1, "2684"),), module=DRIVER, flavour="open", nodes=("nvidiactl", "nvidia-uvm", "nvidia0"),
        wsl=False, nvml=0, driver=DRIVER, cuda="13.0", devices=(device(1, "NVIDIA GeForce RTX 4090", "8.9", 23.99),),
        library=DRIVER, cuda_init=0, cuda_count=1,
    ),
    route=_room(
        RouteFacts,
        runtimes=("nvidia", "runc"), cdi_folders=(), cdi_devices=(), toolkit=_HOOK, toolkit_version="1.18.0",
        mode="auto", no_cgroups=False, specs=(), refresh=None,
    ),
    cpu=_room(CpuFacts, model="AMD Ryzen 9 7950X 16-Core Processor", cores=32, avx2=True),
    upkeep=_room(UpkeepFacts, secure_boot=False, reboot=(), changes=(), module_built=True, log=()),
)  # fmt: skip


def one(
    identity: str, name: str, capability: str | None, gigabytes: float | None, *,
    driver: str = DRIVER, cuda: str = "13.0", flavour: str = "open", host: HostFacts = HEALTHY, **more: Any,
) -> HostFacts:  # fmt: skip
    """The healthy server with this card in it."""
    return several(
        [(identity, name, capability, gigabytes, more)], driver=driver, cuda=cuda, flavour=flavour, host=host
    )


def several(
    found: list[tuple[str, str, str | None, float | None, dict[str, Any]]], *,
    driver: str = DRIVER, cuda: str = "13.0", flavour: str = "open", host: HostFacts = HEALTHY,
) -> HostFacts:  # fmt: skip
    """The healthy server with these cards in it."""
    devices = tuple(
        device(number, name, capability, gigabytes, **more)
        for number, (_, name, capability, gigabytes, more) in enumerate(found, 1)
    )
    nodes = ("nvidiactl", "nvidia-uvm", *(f"nvidia{number}" for number in range(len(found))))
    return but(
        host,
        gpu={
            "cards": tuple(on_bus(number, row[0]) for number, row in enumerate(found, 1)), "devices": devices,
            "nodes": nodes, "module": driver, "library": driver, "driver": driver, "cuda": cuda, "flavour": flavour,
            "cuda_count": len(found),
        },
    )  # fmt: skip


def dark(
    host: HostFacts = HEALTHY, *, nvml: int = 9, library: str | None = DRIVER, module: str | None = None
) -> HostFacts:
    """A host whose driver shows no card."""
    lost: Fact[Any] = unknown("NVML", f"NVML {nvml}")
    quiet: Fact[Any] = not_asked("the driver shows no card")
    return but(
        host,
        gpu={
            "cards": (on_bus(1, "2684", "nvidia" if module else None),), "module": module, "nvml": nvml,
            "driver": lost, "cuda": lost, "devices": lost, "library": library, "cuda_init": quiet, "cuda_count": quiet,
            "nodes": ("nvidiactl", "nvidia0") if module else (),
            "flavour": "open" if module else not_asked("the kernel module is not loaded"),
        },
    )  # fmt: skip


def by_cdi(
    spec: CdiSpec, *, engine: str = "28.3.3", refresh: str | None = None, host: HostFacts = HEALTHY
) -> HostFacts:
    """A host whose engine takes cards by CDI only."""
    return but(
        host,
        engine={"version": engine},
        route={
            "runtimes": ("runc",), "cdi_folders": _FOLDERS, "toolkit": ("nvidia-ctk", "nvidia-cdi-hook"),
            "cdi_devices": spec.devices, "specs": (spec,), "refresh": refresh,
        },
    )  # fmt: skip


def _spec(path: str = "/etc/cdi/nvidia.yaml", **more: Any) -> CdiSpec:
    names = tuple(f"nvidia.com/gpu={name}" for name in ("0", uuid(1), "all"))
    usual: dict[str, Any] = {"version": "0.5.0", "devices": names, "drivers": (DRIVER,)}
    return CdiSpec(path, **{**usual, **more})


def _upkeep(host: HostFacts, *log: str, **more: Any) -> HostFacts:
    return but(host, upkeep={"log": log, **more})


def _windows(version: str, **platform: Any) -> HostFacts:
    quiet: Fact[Any] = not_asked("not Linux")
    nothing = {one.name: quiet for one in fields(GpuFacts)}
    empty = but(
        HEALTHY,
        platform={
            "system": "Windows", "machine": "AMD64", "kernel": version.split(".", 1)[0], "version": version,
            "distribution": "windows", "like": quiet, "codename": quiet, "pretty_name": f"Windows {version}",
            "libc": quiet, "init": quiet, "container": quiet, "wsl": quiet, "suites": quiet, "chroot": quiet,
            "virtual": quiet, "board": quiet, "safe_mode": False, **platform,
        },
        gpu=nothing,
        engine={one.name: quiet for one in fields(EngineFacts)} | {"state": EngineState.NO_CLIENT, "client": None},
    )  # fmt: skip
    return replace(empty, upkeep=UpkeepFacts(), route=RouteFacts(), cpu=CpuFacts())


def _network(*rows: tuple[str, str, Reach, int | None, str], clock: float | None = 0.0) -> NetworkFacts:
    found = tuple(Endpoint(purpose, name, f"{name}.example", reach, ms, why) for purpose, name, reach, ms, why in rows)
    ahead: Fact[float] = unknown("Date of the answers", "nobody answered") if clock is None else _seen("clock", clock)
    return NetworkFacts(_seen("endpoints", found), ahead)


_CUT_OFF = _network(
    *((purpose, name, Reach.NO_NAME, None, "Temporary failure in name resolution")
      for purpose, name in (("weights", "huggingface"), ("weights", "modelscope"), ("weights", "hf-mirror"),
                            ("packages", "index"), ("system", "archive"), ("source", "github"), ("torch", "pytorch"))),
    clock=None,
)  # fmt: skip
_ONE_SOURCE = _network(
    ("weights", "huggingface", Reach.SILENT, None, "no answer in 3 s"),
    ("weights", "modelscope", Reach.REACHED, 84, ""),
    ("packages", "index", Reach.REACHED, 31, ""),
    ("system", "archive", Reach.REACHED, 12, ""),
    ("source", "github", Reach.BARRED, 40, "403 from the proxy"),
)
_ON_TIME = _network(("packages", "index", Reach.REACHED, 31, ""), clock=-86_700.0)

_UPDATE = PackageChange(
    "2026-11-20T06:41:07",
    ("libnvidia-compute-580 580.105.08-0ubuntu0.24.04.1", "nvidia-dkms-580-open 580.105.08-0ubuntu0.24.04.1"),
)
_V100 = ("1db5", "Tesla V100-SXM2-32GB", "7.0", 32)
_H200 = ("2335", "NVIDIA H200", "9.0", 140.4)
_4090: tuple[str, str, str, float] = ("2684", "NVIDIA GeForce RTX 4090", "8.9", 23.99)
_1080 = ("1b80", "NVIDIA GeForce GTX 1080", "6.1", 8)
_A100 = ("20b2", "NVIDIA A100-SXM4-80GB", "8.0", 80)
_MIG = {"mig": True, "mig_pending": True}
_ROOTLESS = {"rootless": True, "endpoint": "unix:///run/user/1000/docker.sock", "root": "/home/ada/.local/share/docker"}
_XID_79 = "NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
_XID_154 = "NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)"
_JETSON = but(
    HEALTHY,
    platform={
        "machine": "aarch64", "board": "NVIDIA Jetson AGX Orin Developer Kit", "kernel": "5.15.148-tegra",
        "version": "22.04", "codename": "jammy", "pretty_name": "Ubuntu 22.04.5 LTS",
    },
    gpu={
        "cards": (), "module": "540.4.0", "driver": "540.4.0", "cuda": "12.6",
        "devices": (device(1, "Orin (nvgpu)", "8.7", None, address=None, persistent=None, compute_mode=None),),
    },
    route={"mode": "csv"},
    cpu={"model": "ARMv8 Processor rev 1 (v8l)", "cores": 12, "avx2": None},
)  # fmt: skip

RECORDED: dict[str, HostFacts] = {
    # cards that work
    "gpu-h200": one(*_H200, fabric="completed", mig=False, mig_pending=False),
    "gpu-h200-eight": several([(*_H200, {"fabric": "completed"})] * 8),
    "gpu-rtx-5070-ti": one("2c05", "NVIDIA GeForce RTX 5070 Ti", "12.0", 15.92),
    "gpu-rtx-4090-server": HEALTHY,
    "gpu-v100": one(*_V100, flavour="proprietary", driver="570.195.03", cuda="12.8"),
    "gpu-gtx-1080": one(*_1080, flavour="proprietary"),
    "gpu-driver-535": one(*_4090, driver="535.274.02", cuda="12.2", flavour="proprietary"),
    "gpu-driver-620": one(*_4090, driver="620.12.01", cuda="14.0"),
    "gpu-unknown-card": one("3680", "NVIDIA R200", "13.0", 288, driver="620.12.01", cuda="14.0"),
    "gpu-vgpu": but(
        one("20b5", "GRID A100D-20C", "8.0", 20, virtual="vgpu", persistent=None, driver="570.195.03", cuda="12.8"),
        platform={"virtual": "kvm"},
    ),
    "gpu-passthrough-guest": but(one(*_4090, virtual="passthrough"), platform={"virtual": "kvm"}),
    "gpu-desktop": one(
        *_4090, persistent=False,
        users=(GpuUser(2210, "/usr/lib/xorg/Xorg", 310_000_000), GpuUser(2544, "/usr/bin/gnome-shell", 190_000_000)),
    ),
    "gpu-hook-systemd": but(HEALTHY, engine={"cgroup_driver": "systemd"}),
    # several
    "gpu-mixed-three": several([(*_4090, {}), (*_1080, {}), ("1d01", "NVIDIA GeForce GT 1030", "6.1", 2, {})]),
    "gpu-one-silent": but(
        several([(*_A100, {}), (*_A100, {})]),
        gpu={"cards": tuple(on_bus(number, "20b2") for number in (1, 2, 3))},
        upkeep={"log": (_XID_79.replace("0000:01:00", "0000:03:00"),)},
    ),
    "gpu-one-sick": several([(*_A100, {"remap": "failed", "uncorrected": 4}), (*_A100, {})]),
    "gpu-one-prohibited": several([(*_A100, {"compute_mode": "prohibited"}), (*_A100, {})]),
    # slices
    "gpu-mig": one(
        *_A100, **_MIG, free=None, slices=(slice_of(1, 0, "3g.40gb", 39.5), slice_of(1, 1, "1g.10gb", 9.5),
                                           slice_of(1, 2, "1g.5gb", 4.75)),
    ),
    "gpu-mig-cdi": by_cdi(
        _spec(devices=("nvidia.com/gpu=0:0", "nvidia.com/gpu=all")),
        host=one(*_A100, **_MIG, slices=(slice_of(1, 0, "3g.40gb", 39.5),)),
    ),
    "gpu-mig-changed-cdi": by_cdi(
        _spec(devices=("nvidia.com/gpu=0", "nvidia.com/gpu=all")),
        host=one(*_A100, **_MIG, slices=(slice_of(1, 0, "3g.40gb", 39.5),)),
    ),
    "gpu-mig-empty": one(*_A100, **_MIG),
    "gpu-mig-leaving": one(*_A100, mig=True, mig_pending=False),
    "gpu-mig-pending": one(*_A100, mig=False, mig_pending=True),
    "gpu-mig-mixed": several([(*_A100, {**_MIG, "slices": (slice_of(1, 0, "3g.40gb", 39.5),)}),
                              (*_A100, {"mig": False, "mig_pending": False}), (*_A100, _MIG)]),
    # cards with a fault
    "gpu-fabric-missing": but(
        several([(*_H200, {"fabric": "in progress"})] * 8), gpu={"cuda_init": 802, "cuda_count": not_asked("no CUDA")}
    ),
    "gpu-ecc": one(*_A100, uncorrected=3),
    "gpu-remap-pending": one(*_A100, remap="pending"),
    "gpu-xid-79": _upkeep(dark(nvml=15, module=DRIVER), _XID_79, _XID_154),
    "gpu-gsp-hung": _upkeep(
        but(dark(module=DRIVER), gpu={"nvml": unknown("NVML", "no answer in 15 s")}),
        "NVRM: Xid (PCI:0000:01:00): 119, pid=2231, name=python, Timeout after 6s of waiting for RPC response",
    ),
    "gpu-exclusive": one(*_A100, compute_mode="exclusive", users=(GpuUser(4711, "/opt/app/bin/python3", 9 * GIB),)),
    "gpu-prohibited": one(*_A100, compute_mode="prohibited"),
    "gpu-busy": one(
        *_4090, free=2 * GIB,
        users=(GpuUser(3120, "/usr/bin/ollama", 19 * GIB), GpuUser(990, "/usr/lib/xorg/Xorg", 300_000_000)),
    ),
    "gpu-cuda-999": but(HEALTHY, gpu={"cuda_init": 999, "cuda_count": not_asked("no CUDA")}),
    "gpu-cuda-803": but(HEALTHY, gpu={"cuda_init": 803, "cuda_count": not_asked("no CUDA"), "library": "575.64.03"}),
    "gpu-cuda-hung": but(
        HEALTHY, gpu={"cuda_init": unknown("libcuda.so.1", "no answer in 60 s"), "cuda_count": not_asked("no CUDA")}
    ),
    # drivers
    "gpu-driver-515": one(*_4090, driver="515.105.01", cuda="11.7", flavour="proprietary"),
    "gpu-upgraded-unattended": _upkeep(
        but(dark(nvml=18, module="580.95.05", library="580.105.08"), platform={}),
        "NVRM: API mismatch: the client has the version 580.105.08, but this kernel module has the version 580.95.05.",
        changes=(PackageChange(_UPDATE.when, _UPDATE.packages, unattended=True),),
        reboot=("linux-image-6.8.0-87-generic", "nvidia-dkms-580-open"),
    ),
    "gpu-upgraded": _upkeep(dark(nvml=18, module="580.95.05", library="580.105.08"), changes=(_UPDATE,)),
    "gpu-secure-boot": _upkeep(
        dark(), "Loading of unsigned module is rejected", "nvidia: Key was rejected by service",
        secure_boot=True, module_built=True,
    ),
    "gpu-secure-boot-silent": _upkeep(dark(), secure_boot=True, module_built=True),
    "gpu-kernel-upgraded": _upkeep(
        but(dark(), platform={"kernel": "6.14.0-36-generic"}), module_built=False,
        changes=(PackageChange("2026-11-21T06:12:44", ("linux-image-6.14.0-36-generic 6.14.0-36.36",), True),),
    ),
    "gpu-legacy-branch": _upkeep(
        but(dark(module="590.48.01", library="590.48.01", nvml=0), gpu={"cards": (on_bus(1, "1b80", "nvidia"),)}),
        "NVRM: The NVIDIA GeForce GTX 1080 GPU installed in this system is",
        "NVRM:  supported through the NVIDIA 580.xx Legacy drivers. Please visit",
    ),
    "gpu-open-required": _upkeep(
        but(dark(nvml=9, module=DRIVER), gpu={"cards": (on_bus(1, "2b85", None),), "flavour": "proprietary"}),
        "NVRM: installed in this system requires use of the NVIDIA open kernel modules.",
    ),
    "gpu-proprietary-required": _upkeep(
        but(dark(nvml=0, module=DRIVER), gpu={"cards": (on_bus(1, "1b80", "nvidia"),), "flavour": "open"}),
        "NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:1b80) is not supported by open nvidia.ko",
    ),
    "gpu-reboot-pending": but(HEALTHY, upkeep={"reboot": ("linux-image-6.8.0-87-generic", "libnvidia-compute-580")}),
    # ways in
    "gpu-cdi-docker-29": by_cdi(_spec("/var/run/cdi/nvidia.yaml"), engine="29.2.1", refresh="active"),
    "gpu-cdi-stale": by_cdi(
        _spec("/var/run/cdi/nvidia.yaml", drivers=("570.195.03",), missing=("/usr/lib64/libcuda.so.570.195.03",)),
        refresh="failed",
    ),
    "gpu-cdi-stale-29": by_cdi(_spec(drivers=("570.195.03",)), engine="29.2.1"),
    "gpu-cdi-missing-paths": by_cdi(_spec(drivers=(), missing=("/dev/nvidia1",))),
    "gpu-cdi-broken": by_cdi(CdiSpec("/etc/cdi/nvidia.yaml", trouble="line 41: not a mapping")),
    "gpu-cdi-too-new": by_cdi(_spec(version="0.7.0"), engine="25.0.5"),
    "gpu-mode-cdi": but(
        HEALTHY, route={"mode": "cdi", "cdi_folders": _FOLDERS, "cdi_devices": _spec().devices, "specs": (_spec(),)}
    ),
    "gpu-rootless-no-cgroups": but(HEALTHY, engine=_ROOTLESS, route={"no_cgroups": True}),
    "gpu-rootless-hook": but(HEALTHY, engine=_ROOTLESS),
    "gpu-podman": but(
        by_cdi(_spec()), engine={"kind": "podman", "version": "5.4.2", "package": "podman", "client": "/usr/bin/podman"}
    ),
    "gpu-docker-desktop": but(
        HEALTHY,
        engine={"kind": "docker-desktop", "endpoint": "unix:///home/ada/.docker/desktop/docker.sock"},
    ),
    "gpu-lxc": but(HEALTHY, platform={"container": "lxc"}, route={"no_cgroups": True}),
    "gpu-lxc-hook": but(HEALTHY, platform={"container": "lxc"}),
    "gpu-lxc-mismatch": but(dark(nvml=18, module="550.163.01", library=DRIVER), platform={"container": "lxc"}),
    "gpu-wsl2-no-driver": but(
        dark(nvml=12, library=None),
        platform={"wsl": 2, "kernel": "6.6.87.2-microsoft-standard-WSL2"}, gpu={"wsl": True, "cards": ()},
    ),
    "gpu-wsl2-driver-old": but(
        one(*_4090, driver="516.94", cuda="11.7", persistent=None),
        platform={"wsl": 2, "kernel": "6.6.87.2-microsoft-standard-WSL2"},
        gpu={"wsl": True, "cards": (), "module": None, "nodes": ()},
    ),
    "gpu-jetson": _JETSON,
    "gpu-gb10": but(
        one("2e12", "NVIDIA GB10", "12.1", None), platform={"machine": "aarch64"}, cpu={"avx2": None},
    ),
    # everything else
    "cpu-no-avx2": but(
        HEALTHY, platform={"virtual": "kvm"}, cpu={"model": "Common KVM processor", "avx2": False},
        gpu={"cards": (), "module": None, "nodes": (), "nvml": not_asked("no sign of a card"),
             "devices": not_asked("no sign of a card"), "driver": not_asked("no sign of a card"), "library": None},
    ),
    "cache-on-nfs": replace(HEALTHY, disks=(*HEALTHY.disks, _disk("cache", "/srv/cache_hub", 4000, kind="nfs4"))),
    "inodes-used-up": replace(HEALTHY, disks=(_disk("engine", "/var/lib/docker", inodes=2100), HEALTHY.disks[1])),
    "clock-wrong": replace(HEALTHY, network=_ON_TIME),
    "offline": replace(HEALTHY, network=_CUT_OFF),
    "half-reachable": replace(HEALTHY, network=_ONE_SOURCE),
    "chroot": but(
        HEALTHY, platform={"chroot": True, "init": "bash"},
        engine={"state": known(EngineState.STOPPED, "/var/run/docker.sock", "no such file")},
    ),
    "rocky-8-local": but(
        HEALTHY,
        platform={"distribution": "rocky", "like": ("rhel", "centos", "fedora"), "version": "8.10", "codename": "",
                  "pretty_name": "Rocky Linux 8.10", "libc": "glibc 2.28", "kernel": "4.18.0-553.el8_10.x86_64"},
        local={"glibcxx": "3.4.25"},
    ),
    "centos-7-local": but(
        HEALTHY,
        platform={"distribution": "centos", "like": ("rhel", "fedora"), "version": "7", "codename": "",
                  "pretty_name": "CentOS Linux 7 (Core)", "libc": "glibc 2.17", "kernel": "3.10.0-1160.el7.x86_64"},
        local={"glibcxx": "3.4.19", "temporary": known(None, "TMPDIR, /tmp", "/tmp: mounted noexec")},
        memory={"shared": 1 << 20},
    ),
    "windows-11": _windows("10.0.26100"),
    "windows-7": _windows("6.1.7601"),
    "windows-10-1809": _windows("10.0.17763"),
    "windows-safe-mode": _windows("10.0.19045", safe_mode=known(True, "SAFEBOOT_OPTION", "MINIMAL")),
    "winpe-11": _windows("10.0.26100", distribution=known("winpe", "MiniNT")),
}  # fmt: skip
