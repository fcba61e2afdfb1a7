"""Hosts to replay: each is a small file tree, what its kernel answers, and what its programs print.

`tests/facts/<name>.json` holds what detection makes of each; the tests of `compat` judge those files.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from deploy_kit import proc
from deploy_kit.detect import Context, Reply, Uname

FACTS = Path(__file__).parents[1] / "facts"
SOCKET = "/var/run/docker.sock"
PATH = "/usr/local/bin:/usr/bin:/bin"
NOW = datetime(2026, 11, 20, 12).timestamp()  # noqa: DTZ001  # by the host's own clock

FULL, NONE, BOUND = "000001ffffffffff", "00000000a80425fb", "0000000000000000"


_PC = Uname("Linux", "x86_64", "6.8.0-45-generic", 64)


@dataclass(frozen=True)
class Host:
    """One situation. ``programs`` are executables; ``engine`` is ``/info`` or the error that the socket gives;
    ``links`` are symbolic links; ``nvml`` is what the driver's library says, None when it never answers; ``cuda`` what
    starting CUDA says, by default that all is well with the cards of ``nvml``."""

    files: Mapping[str, str]
    programs: tuple[str, ...] = ()
    engine: Mapping[str, object] | OSError | None = None
    server: str = "Docker/26.1.3 (linux)"
    containers: tuple[Mapping[str, object], ...] = ()
    uname: Uname = _PC
    libc: str = "glibc 2.39"
    free: int = 50_000_000_000
    taken: Mapping[int, int] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    printed: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    nvml: Mapping[str, object] | None = None
    cuda: Mapping[str, object] | None = field(default_factory=dict)

    def context(self, folder: Path) -> Context:
        """Lay the files out and return what detection looks at."""
        for path, text in self.files.items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        for path in self.programs:
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                target.write_bytes(b"\x7fELF")
            target.chmod(0o755)
        for path, goal in self.links.items():
            (folder / path.lstrip("/")).symlink_to(goal)
        env = {"PATH": PATH, "HOME": "/home/ada", **self.env}
        return Context(folder, env, self._run, kernel=_Kernel(self, folder))

    def _run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        input: str | None = None,
        env: Mapping[str, str | None] | None = None,
        check: bool = True,
    ) -> proc.Completed:
        if argv[-1].endswith("/nvml.py"):
            if self.nvml is None:
                raise proc.CommandTimeout(argv, "no end after 15 s")
            return proc.Completed(tuple(argv), 0, json.dumps(self.nvml), "", 0.0)
        if argv[-1].endswith("/cuda.py"):
            if self.cuda is None:
                raise proc.CommandTimeout(argv, "no end after 60 s")
            cards = (self.nvml or {}).get("devices") or ()
            said = {"code": 0, "count": len(cards), **self.cuda}  # type: ignore[arg-type]
            return proc.Completed(tuple(argv), 0, json.dumps(said), "", 0.0)
        if argv[-1] == "docker-cli-plugin-metadata":
            version = self.printed[argv[0].rsplit("/", 1)[-1]]
            return proc.Completed(tuple(argv), 0, json.dumps({"Version": version}), "", 0.0)
        text = self.printed.get(" ".join(argv[:2]))
        if text is None:
            raise proc.CommandMissing(argv, "not found on PATH")
        return proc.Completed(
            tuple(argv), 0 if text.startswith(("{", "(")) else 1, text, "" if text.startswith(("{", "(")) else text, 0
        )


@dataclass(frozen=True)
class _Kernel:
    host: Host
    folder: Path

    def uname(self) -> Uname:
        return self.host.uname

    def libc(self) -> str:
        return self.host.libc

    def space(self, path: Path) -> tuple[int, int]:
        return self.host.free, 100_000_000_000

    def inodes(self, path: Path) -> int | None:
        return 5_000_000

    def cores(self) -> int:
        return 8

    def now(self) -> float:
        return NOW

    def log(self, path: Path) -> str:
        return path.read_text(encoding="utf-8", errors="replace")

    def bind(self, host: str, port: int) -> None:
        if number := self.host.taken.get(port):
            raise OSError(number, os.strerror(number))

    def ask(self, path: Path, request: str, seconds: float) -> Reply:
        if self.host.engine is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        if isinstance(self.host.engine, OSError):
            raise self.host.engine
        body: object = self.host.engine if request == "/info" else list(self.host.containers)
        headers = {"api-version": "1.45", "server": self.host.server}
        return Reply(200, headers, json.dumps(body).encode())


def _release(**fields: str) -> str:
    return "".join(f'{name}="{value}"\n' for name, value in fields.items())


def _status(uid: int, effective: str, bound: str = FULL, groups: str = "") -> str:
    return (
        f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGroups:\t{groups}\nNoNewPrivs:\t0\nCapEff:\t{effective}\nCapBnd:\t{bound}\n"
    )


def library(names: bytes, machine: int = 62) -> str:
    """The head of a shared library, and the names in it."""
    return (b"\x7fELF\2\1" + bytes(10) + bytes((3, 0, machine, 0)) + b"\0" + names).decode()


_MOUNTS = (
    "21 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw\n"
    "22 21 0:21 / /proc rw,nosuid - proc proc rw\n"
    "23 21 0:24 / /dev/shm rw,nosuid - tmpfs tmpfs rw\n"
)
_COMMON = {
    "/proc/meminfo": "MemTotal:       16316412 kB\nMemFree:         1000000 kB\nMemAvailable:   12000000 kB\n",
    "/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n",
    "/proc/1/comm": "systemd\n",
    "/proc/1/cgroup": "0::/init.scope\n",
    "/run/systemd/system/.keep": "",
    "/proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "/proc/version": "Linux version 6.8.0-45-generic\n",
    "/proc/self/uid_map": "         0          0 4294967295\n",
    "/proc/self/status": _status(1000, BOUND, groups="27 1000"),
    "/etc/group": "root:x:0:\nsudo:x:27:ada\ndocker:x:999:\nada:x:1000:\n",
    "/etc/passwd": "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n",
    "/etc/ssl/certs/ca-certificates.crt": "PEM\n",
    "/usr/lib/x86_64-linux-gnu/libespeak-ng.so.1": "",
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC 7443P\nflags\t\t: fpu sse sse2 avx avx2 fma\n",
    "/proc/self/mountinfo": _MOUNTS,
    "/proc/1/mountinfo": _MOUNTS,
    "/tmp/.keep": "",
    "/dev/shm/.keep": "",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6": library(b"GLIBCXX_3.4\0GLIBCXX_3.4.9\0GLIBCXX_3.4.33\0"),
}
_AS_ROOT = {"/proc/self/status": _status(0, FULL)}
_NOBLE = _release(PRETTY_NAME="Ubuntu 24.04.1 LTS", ID="ubuntu", ID_LIKE="debian", VERSION_ID="24.04",
                  VERSION_CODENAME="noble", UBUNTU_CODENAME="noble")  # fmt: skip
_JAMMY = _release(PRETTY_NAME="Ubuntu 22.04.5 LTS", ID="ubuntu", ID_LIKE="debian", VERSION_ID="22.04",
                  VERSION_CODENAME="jammy", UBUNTU_CODENAME="jammy")  # fmt: skip
_BOOKWORM = _release(PRETTY_NAME="Debian GNU/Linux 12 (bookworm)", ID="debian", VERSION_ID="12",
                     VERSION_CODENAME="bookworm")  # fmt: skip
_TRIXIE = _release(PRETTY_NAME="Debian GNU/Linux 13 (trixie)", ID="debian", VERSION_ID="13", VERSION_CODENAME="trixie")
_MINT = _release(PRETTY_NAME="Linux Mint 22", ID="linuxmint", ID_LIKE="ubuntu debian", VERSION_ID="22",
                 VERSION_CODENAME="wilma", UBUNTU_CODENAME="noble")  # fmt: skip
_ALPINE = _release(PRETTY_NAME="Alpine Linux v3.20", ID="alpine", VERSION_ID="3.20.3")
_FEDORA = _release(PRETTY_NAME="Fedora Linux 42 (Server Edition)", ID="fedora", VERSION_ID="42")

_PLUGINS = ("/usr/libexec/docker/cli-plugins/docker-buildx", "/usr/libexec/docker/cli-plugins/docker-compose")
_DOCKER = ("/usr/bin/docker", "/usr/sbin/dockerd", *_PLUGINS, "/usr/bin/sudo")
_VERSIONS = {"docker-buildx": "0.13.1+ds1", "docker-compose": "2.26.1-4"}
_INFO: dict[str, object] = {
    "ServerVersion": "26.1.3",
    "DockerRootDir": "/var/lib/docker",
    "OperatingSystem": "Ubuntu 24.04.1 LTS",
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin"],
    "RegistryConfig": {"Mirrors": []},
}

_READY = Host(
    files={**_COMMON, "/etc/os-release": _NOBLE, "/var/lib/dpkg/info/docker.io.list": ""},
    programs=_DOCKER,
    engine=_INFO,
    printed=_VERSIONS,
)
_BARE = Host(files={**_COMMON, "/etc/os-release": _NOBLE}, programs=("/usr/bin/sudo",))


def _with(host: Host, files: Mapping[str, str] | None = None, **changes: object) -> Host:
    return replace(host, files={**host.files, **(files or {})}, **changes)  # type: ignore[arg-type]


_TCP = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1EB4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41001 1\n"
)


def _card(number: int, device: str, driver: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """The files and links of a card on the bus."""
    place = f"/sys/bus/pci/devices/0000:{number:02x}:00.0"
    files = {f"{place}/vendor": "0x10de\n", f"{place}/class": "0x030000\n", f"{place}/device": f"0x{device}\n"}
    return files, ({f"{place}/driver": f"../../../bus/pci/drivers/{driver}"} if driver else {})


def _uuid(number: int) -> str:
    return f"GPU-{number:08d}-1111-2222-3333-444444444444"


def _device(number: int, name: str, capability: str, gigabytes: float) -> dict[str, object]:
    total = int(gigabytes * 1024**3)
    return {
        "uuid": _uuid(number),
        "name": name,
        "capability": capability,
        "total": total,
        "free": total - 400_000_000,
        "mig": None,
    }


def _driver(version: str, cuda: str, *devices: Mapping[str, object]) -> dict[str, object]:
    return {"code": 0, "driver": version, "cuda": cuda, "devices": list(devices)}


def _loaded(version: str, *, open_module: bool = False, cards: int = 1) -> dict[str, str]:
    """What a loaded driver leaves in the file tree."""
    kind = "Open Kernel Module for x86_64" if open_module else "x86_64 Kernel Module"
    nodes = ("nvidiactl", "nvidia-uvm", *(f"nvidia{index}" for index in range(cards)))
    return {
        "/proc/driver/nvidia/version": f"NVRM version: NVIDIA UNIX {kind}  {version}  Release Build\n",
        **{f"/dev/{node}": "" for node in nodes},
    }


_TOOLKIT = ("/usr/bin/nvidia-container-runtime-hook", "/usr/bin/nvidia-container-runtime", "/usr/bin/nvidia-ctk")
_NVIDIA_INFO = {**_INFO, "Runtimes": {"runc": {}, "nvidia": {}}}
_CDI = [{"Source": "cdi", "ID": f"nvidia.com/gpu={name}"} for name in ("0", _uuid(1), "all")]
_CDI_INFO = {**_INFO, "ServerVersion": "28.3.0", "CDISpecDirs": ["/etc/cdi", "/var/run/cdi"], "DiscoveredDevices": _CDI}
_BIG_MEMORY = {"/proc/meminfo": "MemTotal:       65790000 kB\nMemAvailable:   60000000 kB\n"}


def _gpu(
    device: str = "2684",
    name: str = "NVIDIA GeForce RTX 4090",
    capability: str = "8.9",
    gigabytes: float = 24,
    *,
    version: str = "570.153.02",
    cuda: str = "12.8",
    host: Host = _READY,
    **changes: object,
) -> Host:
    """A host with one card whose driver works and whose engine knows NVIDIA's hook."""
    files, links = _card(1, device, "nvidia")
    usual: dict[str, object] = {
        "links": links,
        "free": 90_000_000_000,
        "engine": _NVIDIA_INFO,
        "programs": (*host.programs, *_TOOLKIT),
        "nvml": _driver(version, cuda, _device(1, name, capability, gigabytes)),
    }
    return _with(host, {**files, **_loaded(version), **_BIG_MEMORY}, **{**usual, **changes})


def _faulty(
    driver: str | None, nvml: Mapping[str, object] | None = None, files: Mapping[str, str] | None = None
) -> Host:
    """A host whose card no working driver holds."""
    bus, links = _card(1, "2684", driver)
    return _with(
        _READY,
        {**bus, **_BIG_MEMORY, **(files or {})},
        links=links,
        free=90_000_000_000,
        nvml=nvml or {"code": 12},
        programs=(*_DOCKER, *_TOOLKIT),
        engine=_NVIDIA_INFO,
    )


_DESKTOP = "/home/ada/.docker/contexts/meta/fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e/meta.json"

HOSTS: dict[str, Host] = {
    "ubuntu-2404-ready": _READY,
    "ubuntu-2404-bare": _BARE,
    "ubuntu-2204-bare-root": _with(_BARE, {"/etc/os-release": _JAMMY, **_AS_ROOT}, libc="glibc 2.35"),
    "debian-12-bare": _with(_BARE, {"/etc/os-release": _BOOKWORM, **_AS_ROOT}, libc="glibc 2.36"),
    "debian-12-client-only": _with(
        _BARE, {"/etc/os-release": _BOOKWORM, **_AS_ROOT}, libc="glibc 2.36", programs=("/usr/local/bin/docker",)
    ),
    "debian-13-ready": _with(
        _READY, {"/etc/os-release": _TRIXIE, **_AS_ROOT}, engine={**_INFO, "ServerVersion": "26.1.5+dfsg1"}
    ),
    "mint-22-bare": _with(_BARE, {"/etc/os-release": _MINT}),
    "no-sudo": _with(_BARE, {"/proc/self/status": _status(1000, BOUND, groups="1000")}, programs=()),
    "unprivileged-container": _with(
        _BARE,
        {
            "/proc/self/status": _status(0, NONE, NONE),
            "/.dockerenv": "",
            "/proc/1/comm": "bash\n",
            "/proc/self/cgroup": "12:memory:/docker/4f1c\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "8589934592\n",
        },
    ),
    "gvisor": _with(_BARE, {**_AS_ROOT, "/proc/version": "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n"}),
    "wsl1": _with(_BARE, {"/proc/sys/kernel/osrelease": "4.4.0-19041-Microsoft\n", "/proc/1/comm": "init\n"}),
    "wsl2-bare": _with(
        _BARE, {"/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n", "/proc/1/comm": "init\n"}
    ),
    "rootless": _with(
        _READY,
        engine={**_INFO, "SecurityOptions": ["name=rootless"], "DockerRootDir": "/home/ada/.local/share/docker"},
        env={"DOCKER_HOST": "unix:///run/user/1000/docker.sock"},
    ),
    "rootless-stopped": _with(_READY, engine=None, env={"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}),
    "docker-desktop": _with(
        _READY,
        {
            "/home/ada/.docker/config.json": '{"currentContext": "desktop-linux"}',
            _DESKTOP: '{"Endpoints": {"docker": {"Host": "unix:///home/ada/.docker/desktop/docker.sock"}}}',
        },
        engine={**_INFO, "OperatingSystem": "Docker Desktop", "ServerVersion": "27.3.1"},
    ),
    "podman-shim": _with(
        _BARE,
        {"/usr/bin/docker": '#!/bin/sh\nexec /usr/bin/podman "$@"\n'},
        programs=("/usr/bin/docker", "/usr/bin/sudo"),
    ),
    "podman-socket": _with(_READY, engine={**_INFO, "BuildahVersion": "1.33.7"}, server="Libpod/4.9.3 (linux)"),
    "engine-too-old": _with(_READY, engine={**_INFO, "ServerVersion": "20.10.24+dfsg1"}),
    "debian-12-own-engine": _with(
        _READY,
        {"/etc/os-release": _BOOKWORM},
        engine={**_INFO, "ServerVersion": "20.10.24+dfsg1"},
        programs=_DOCKER[:2],
    ),
    "compose-missing": _with(_READY, programs=(*_DOCKER[:3], "/usr/bin/sudo")),
    "compose-missing-vendor": Host(
        files={**_COMMON, "/etc/os-release": _NOBLE, "/var/lib/dpkg/info/docker-ce.list": ""},
        programs=(*_DOCKER[:3], "/usr/bin/sudo"),
        engine=_INFO,
        printed=_VERSIONS,
    ),
    "buildx-old-no-sudo": _with(
        _READY,
        {"/proc/self/status": _status(1000, BOUND, groups="999 1000")},
        programs=_DOCKER[:4],
        printed={**_VERSIONS, "docker-buildx": "v0.8.2"},
    ),
    "forbidden-socket": _with(_READY, engine=PermissionError(errno.EACCES, "Permission denied")),
    "silent-engine": _with(_READY, engine=TimeoutError("timed out")),
    "stopped": _with(_READY, engine=ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")),
    "stopped-no-sudo": _with(
        _READY, {"/proc/self/status": _status(1000, BOUND, groups="999 1000")}, engine=None, programs=_DOCKER[:4]
    ),
    "remote-unreachable": _with(
        _READY,
        env={"DOCKER_HOST": "ssh://ada@box"},
        printed={**_VERSIONS, "docker info": "error during connect: connection refused"},
    ),
    "remote-ready": _with(
        _READY, env={"DOCKER_HOST": "ssh://ada@box"}, printed={**_VERSIONS, "docker info": json.dumps(_INFO)}
    ),
    "disk-small": _with(_READY, free=1_200_000_000),
    "disk-tight": _with(_READY, free=3_500_000_000),
    "memory-small": _with(_READY, {"/proc/meminfo": "MemTotal: 262144 kB\nMemAvailable: 100000 kB\n"}),
    "memory-tight": _with(_READY, {"/proc/meminfo": "MemTotal: 786432 kB\nMemAvailable: 500000 kB\n"}),
    "port-taken": _with(
        _READY,
        {"/proc/net/tcp": _TCP, "/proc/812/comm": "python3\n"},
        taken={7860: errno.EADDRINUSE, 7861: errno.EADDRINUSE},
    ),
    "port-taken-unseen": _with(_READY, {"/proc/net/tcp": _TCP}, taken={7860: errno.EADDRINUSE}),
    "port-published": _with(
        _READY,
        containers=({"Names": ["/webui"], "Ports": [{"IP": "0.0.0.0", "PublicPort": 7860, "Type": "tcp"}]},),
    ),
    "address-unknown": _with(_READY, taken={7860: errno.EADDRNOTAVAIL}),
    "alpine-bare": _with(
        _BARE,
        {"/etc/os-release": _ALPINE, "/lib/ld-musl-x86_64.so.1": "", "/proc/1/comm": "init\n", **_AS_ROOT},
        libc="",
    ),
    "fedora-bare": _with(_BARE, {"/etc/os-release": _FEDORA, **_AS_ROOT}),
    "raspberry-32bit": _with(_BARE, uname=Uname("Linux", "aarch64", "6.6.31-v8", 32)),
    "riscv": _with(_BARE, uname=Uname("Linux", "riscv64", "6.8.0", 64)),
    "macos": Host(files={}, uname=Uname("Darwin", "arm64", "23.6.0", 64), libc=""),
    "windows": Host(files={}, uname=Uname("Windows", "AMD64", "10", 64), libc=""),
    "winpe": Host(files={}, uname=Uname("Windows", "AMD64", "10", 64), libc="", env={"SystemDrive": "X:"}),
    "gpu-ready": _gpu(),
    "gpu-ampere": _gpu("2204", "NVIDIA GeForce RTX 3090", "8.6", version="535.183.01", cuda="12.2"),
    "gpu-blackwell": _gpu("2b85", "NVIDIA GeForce RTX 5090", "12.0", 32, version="580.95.05", cuda="13.0"),
    "gpu-pascal": _gpu("1b06", "NVIDIA GeForce GTX 1080 Ti", "6.1", 11, version="580.95.05", cuda="13.0"),
    "gpu-kepler": _gpu("102d", "Tesla K80", "3.7", 12, version="470.256.02", cuda="11.4"),
    "gpu-small": _gpu("2507", "NVIDIA GeForce RTX 3050", "8.6", 4),
    "gpu-driver-old": _gpu("2204", "NVIDIA GeForce RTX 3090", "8.6", version="470.256.02", cuda="11.4"),
    "gpu-two-kinds": replace(
        _gpu(),
        files={**_gpu().files, **_card(2, "1b06", "nvidia")[0]},
        links={**_gpu().links, **_card(2, "1b06", "nvidia")[1]},
        nvml=_driver(
            "570.153.02",
            "12.8",
            _device(1, "NVIDIA GeForce RTX 4090", "8.9", 24),
            _device(2, "NVIDIA GeForce GTX 1080 Ti", "6.1", 11),
        ),
    ),
    "gpu-no-driver": _faulty(None),
    "gpu-nouveau": _faulty("nouveau"),
    "gpu-passed-through": _faulty("vfio-pci"),
    "gpu-not-loaded": _faulty(None, {"code": 9, "driver": None}),
    "gpu-updated": _faulty("nvidia", {"code": 18, "driver": None}, _loaded("570.133.07")),
    "gpu-lost": _faulty("nvidia", {"code": 15, "driver": "570.153.02"}, _loaded("570.153.02")),
    "gpu-no-library": _faulty("nvidia", {"code": 12}, _loaded("570.153.02")),
    "gpu-hanging": _gpu(nvml=None),
    "gpu-no-toolkit": _gpu(programs=_DOCKER, engine=_INFO),
    "gpu-toolkit-unknown-to-engine": _gpu(programs=(*_DOCKER, "/usr/bin/nvidia-ctk"), engine=_INFO),
    "gpu-runtime-only": _gpu(programs=(*_DOCKER, "/usr/bin/nvidia-container-runtime")),
    "gpu-cdi-only": _gpu(programs=(*_DOCKER, "/usr/bin/nvidia-ctk"), engine=_CDI_INFO),
    "gpu-cdi-off": _with(
        _gpu(programs=(*_DOCKER, "/usr/bin/nvidia-ctk"), engine=_INFO),
        {"/etc/cdi/nvidia.yaml": 'cdiVersion: "0.6.0"\nkind: nvidia.com/gpu\ndevices:\n- name: "0"\n- name: all\n'},
    ),
    "gpu-cdi-files": _with(
        _gpu(programs=(*_DOCKER, "/usr/bin/nvidia-ctk"), engine={**_INFO, "CDISpecDirs": ["/etc/cdi"]}),
        {"/etc/cdi/nvidia.yaml": 'cdiVersion: "0.6.0"\nkind: nvidia.com/gpu\ndevices:\n- name: "0"\n- name: all\n'},
    ),
    "gpu-rootless": _gpu(
        engine={**_CDI_INFO, "SecurityOptions": ["name=rootless"], "DockerRootDir": "/home/ada/.local/share/docker"},
        env={"DOCKER_HOST": "unix:///run/user/1000/docker.sock"},
    ),
    "gpu-snap": replace(
        _gpu(engine=_INFO, programs=_DOCKER),
        files={k: v for k, v in _gpu().files.items() if "dpkg" not in k} | {"/snap/docker/current/.keep": ""},
    ),
    "gpu-wsl2": Host(
        files={
            **_READY.files,
            **_BIG_MEMORY,
            "/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n",
            "/dev/dxg": "",
            "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x1414\n",
        },
        programs=(*_DOCKER, *_TOOLKIT),
        engine=_NVIDIA_INFO,
        printed=_VERSIONS,
        free=90_000_000_000,
        nvml=_driver("572.61", "12.8", _device(1, "NVIDIA GeForce RTX 4090", "8.9", 24)),
    ),
    "gpu-rented-container": _with(
        _gpu(host=_BARE, engine=None, programs=()),
        {
            "/proc/self/status": _status(0, NONE, NONE),
            "/.dockerenv": "",
            "/proc/1/comm": "bash\n",
            "/proc/self/cgroup": "0::/docker/4f1c\n",
        },
    ),
    "gpu-no-uvm": replace(
        _gpu(programs=(*_DOCKER, "/usr/bin/nvidia-ctk"), engine=_CDI_INFO),
        files={k: v for k, v in _gpu().files.items() if k != "/dev/nvidia-uvm"},
    ),
    "cpu-large": _with(
        _READY, _BIG_MEMORY | {"/sys/bus/pci/devices/0000:00:02.0/vendor": "0x8086\n"}, free=90_000_000_000
    ),
    "local-no-speech": Host(
        files={**{k: v for k, v in _COMMON.items() if "espeak" not in k}, "/etc/os-release": _BOOKWORM, **_AS_ROOT},
        programs=("/usr/bin/python3.11",),
        libc="glibc 2.36",
        printed={"/usr/bin/python3.11 -I": "(3, 11)\n/usr/bin/python3.11\n"},
    ),
}
