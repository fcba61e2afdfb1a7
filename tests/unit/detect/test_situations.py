"""The situations of a card's host, each from its files to the pattern that identifies it; and hostile files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_kit import detect, proc
from deploy_kit.config.request import Listen
from deploy_kit.detect import Context, Uname
from deploy_kit.detect.machine import cpu, disk, gpu, memory, platform, runtime, upkeep
from deploy_kit.facts import Fact, HostFacts, PackageChange
from tests.support.hosts import HOSTS, Host
from tests.support.recorder import Recorder

BUS = "/sys/bus/pci/devices/0000:01:00.0"
CARD = {f"{BUS}/vendor": "0x10de\n", f"{BUS}/class": "0x030000\n", f"{BUS}/device": "0x2684\n"}
X86 = "/usr/lib/x86_64-linux-gnu"
KERNEL = "6.8.0-45-generic"
MODULES = f"/lib/modules/{KERNEL}"
VERSION = "/proc/driver/nvidia/version"
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.133.07  Fri Mar 14 12:57:14 UTC 2026\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
SECURE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
MISMATCH = "NVRM: API mismatch: the client has the version 570.153.02, but\n"
UNSIGNED = "Loading of unsigned module is rejected"
LEGACY = "NVRM: The NVIDIA GeForce GTX 670 GPU installed in this system is\n"
CLOSED_ONLY = "NVRM: installed in this system requires use of the NVIDIA open kernel modules."
HISTORY = (
    "\nStart-Date: 2026-11-18  06:12:33\nCommandline: /usr/bin/unattended-upgrade\n"
    "Upgrade: libnvidia-compute-570:amd64 (570.133.07-0ubuntu1, 570.153.02-0ubuntu1)\nEnd-Date: 2026-11-18  06:13:00\n"
)


def library(version: str) -> tuple[dict[str, str], dict[str, str]]:
    return {f"{X86}/libcuda.so.{version}": ""}, {f"{X86}/libcuda.so.1": f"libcuda.so.{version}"}


def kmsg(*lines: str) -> str:
    return "".join(f"3,{number},{number}000000,-;{line}\n" for number, line in enumerate(lines, 1))


def card(**told: object) -> dict[str, object]:
    one = {"uuid": "GPU-1", "name": "NVIDIA A100", "capability": "8.0", "total": 1 << 36, "free": 1 << 35, **told}
    return {"code": 0, "driver": "570.153.02", "cuda": "12.8", "devices": [one]}


@dataclass(frozen=True)
class Situation:
    """``files`` are laid over those of a healthy host; ``facts`` are what tells it from others."""

    facts: Mapping[str, object]
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    nvml: Mapping[str, object] = field(default_factory=lambda: {"code": 12})
    cuda: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    uname: Uname = HOSTS["ubuntu-2404-ready"].uname
    answers: Mapping[str, str] | None = None


_UPDATED_FILES, _UPDATED_LINKS = library("570.153.02")
SITUATIONS = {
    "a card and no driver": Situation(
        {"gpu.cards.0.driver": None, "gpu.module": None, "gpu.library": None, "gpu.nvml": 12}, CARD
    ),
    "nouveau holds the card": Situation(
        {"gpu.cards.0.driver": "nouveau", "gpu.module": None}, CARD, {f"{BUS}/driver": "../../drivers/nouveau"}
    ),
    "driver upgraded and not restarted": Situation(
        {"gpu.module": "570.133.07", "gpu.flavour": "proprietary", "gpu.library": "570.153.02", "gpu.nvml": 18,
         "upkeep.log.0": f"[    1.000000] {MISMATCH.strip()}"},
        {**CARD, VERSION: CLOSED, "/dev/kmsg": kmsg(MISMATCH.strip()), **_UPDATED_FILES}, _UPDATED_LINKS,
        {"code": 18, "driver": None},
    ),
    "unattended upgrades": Situation(
        {"upkeep.changes.0": PackageChange(
            "2026-11-18T06:12:33", ("libnvidia-compute-570 570.153.02-0ubuntu1",), unattended=True),
         "upkeep.reboot": ("libnvidia-compute-570",)},
        {"/var/log/apt/history.log": HISTORY, "/run/reboot-required": "",
         "/run/reboot-required.pkgs": "libnvidia-compute-570\n"},
    ),
    "kernel upgraded and no module built": Situation(
        {"upkeep.module_built": False, "platform.kernel": KERNEL, "gpu.nvml": 9},
        {**CARD, f"{MODULES}/modules.dep": "kernel/drivers/gpu/drm/drm.ko.zst:\n",
         "/lib/modules/6.8.0-44-generic/updates/dkms/nvidia.ko.zst": ""},
        nvml={"code": 9, "driver": None},
    ),
    "Secure Boot keeps the module out": Situation(
        {"upkeep.secure_boot": True, "upkeep.module_built": True, "gpu.module": None,
         "upkeep.log.0": f"[    1.000000] {UNSIGNED}"},
        {**CARD, SECURE: "\6\0\0\0\1", f"{MODULES}/modules.dep": "updates/dkms/nvidia.ko:\n",
         "/dev/kmsg": kmsg(UNSIGNED)},
    ),
    "card given to a virtual machine": Situation(
        {"gpu.cards.0.driver": "vfio-pci"}, CARD, {f"{BUS}/driver": "../../drivers/vfio-pci"}
    ),
    "card too old for the branch": Situation(
        {"upkeep.log.0": f"[    1.000000] {LEGACY.strip()}"}, {**CARD, "/dev/kmsg": kmsg(LEGACY.strip())}
    ),
    "card that needs the open modules": Situation(
        {"gpu.flavour": "proprietary", "upkeep.log.0": f"[    1.000000] {CLOSED_ONLY}"},
        {**CARD, VERSION: CLOSED, "/dev/kmsg": kmsg(CLOSED_ONLY)},
    ),
    "WSL2": Situation(
        {"platform.wsl": 2, "platform.virtual": "microsoft", "gpu.wsl": True, "gpu.nvml": 0, "gpu.cuda_init": 0,
         "gpu.module": None, "gpu.nodes": ()},
        {"/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n", "/dev/dxg": "",
         "/usr/lib/wsl/lib/libcuda.so.1": "", "/usr/lib/wsl/lib/libnvidia-ml.so.1": ""},
        nvml=card(),
    ),
    "WSL1": Situation(
        {"platform.wsl": 1, "gpu.wsl": False}, {"/proc/sys/kernel/osrelease": "4.4.0-19041-Microsoft\n"}
    ),
    "WinPE": Situation(
        {"platform.distribution": "winpe"}, uname=Uname("Windows", "AMD64", "10.0.26100", 64),
        answers={r"reg query HKLM\SYSTEM\CurrentControlSet\Control\MiniNT": "x"},
    ),
    "Windows in Safe Mode": Situation(
        {"platform.safe_mode": True}, uname=Uname("Windows", "AMD64", "10.0.26100", 64), answers={},
        env={"SAFEBOOT_OPTION": "NETWORK"},
    ),
    "a container of LXC": Situation(
        {"platform.container": "lxc", "gpu.module": "570.133.07", "gpu.library": "570.153.02"},
        {"/run/systemd/container": "lxc\n", VERSION: CLOSED, **_UPDATED_FILES}, _UPDATED_LINKS,
    ),
    "a virtual machine with a card of its own": Situation(
        {"platform.virtual": "kvm", "gpu.devices.0.virtual": "passthrough"},
        {**CARD, "/sys/class/dmi/id/product_name": "KVM\n"}, nvml=card(virtual="passthrough"),
    ),
    "a guest with a part of a card": Situation(
        {"gpu.devices.0.virtual": "vgpu"}, CARD, nvml=card(virtual="vgpu")
    ),
    "a card cut in slices": Situation(
        {"gpu.devices.0.mig": True, "gpu.devices.0.slices.0.profile": "1g.10gb"}, CARD,
        nvml=card(mig=True, mig_pending=True, slices=[{"uuid": "MIG-1", "profile": "1g.10gb", "total": 1 << 33}]),
    ),
    "NVSwitch without its fabric": Situation(
        {"gpu.devices.0.fabric": "in progress", "gpu.cuda_init": 802}, CARD, nvml=card(fabric="in progress"),
        cuda={"code": 802, "call": "cuInit", "name": "CUDA_ERROR_SYSTEM_NOT_READY"},
    ),
    "Jetson": Situation(
        {"platform.board": "NVIDIA Jetson AGX Orin Developer Kit", "platform.machine": "aarch64"},
        {"/etc/nv_tegra_release": "# R36 (release), REVISION: 4.0\n",
         "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
         "/proc/device-tree/compatible": "nvidia,p3737-0000\0nvidia,tegra234\0"},
        uname=Uname("Linux", "aarch64", "5.15.148-tegra", 64),
    ),
    "memory shared with the processor": Situation(
        {"gpu.devices.0.total": None, "gpu.devices.0.capability": "12.1", "gpu.flavour": "open"},
        {**CARD, VERSION: OPEN}, nvml=card(total=None, free=None, capability="12.1"),
    ),
    "broken memory": Situation(
        {"gpu.devices.0.uncorrected": 2, "gpu.devices.0.remap": "failed"}, CARD,
        nvml=card(uncorrected=2, remap="failed"),
    ),
    "driver not kept loaded": Situation({"gpu.devices.0.persistent": False}, CARD, nvml=card(persistent=False)),
    "a card for one process only": Situation(
        {"gpu.devices.0.compute_mode": "exclusive"}, CARD, nvml=card(compute_mode="exclusive")
    ),
    "a card in use": Situation(
        {"gpu.devices.0.users.0.name": "python3", "gpu.devices.0.free": 1000}, CARD,
        nvml=card(free=1000, users=[{"pid": 7, "name": "python3", "bytes": 1 << 35}]),
    ),
    "a driver that starts and sees nothing": Situation(
        {"gpu.cuda_init": 100, "gpu.nvml": 0}, CARD, nvml=card(), cuda={"code": 100, "call": "cuInit"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_is_told_by_its_pattern(name: str, tmp_path: Path) -> None:
    found = SITUATIONS[name]
    base = HOSTS["ubuntu-2404-ready"].files
    host = Host(
        files={**({} if found.answers is not None else base), **found.files}, links=found.links, nvml=found.nvml,
        cuda=found.cuda, env=found.env, uname=found.uname,
    )  # fmt: skip
    for path in found.links:
        (tmp_path / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
    context = host.context(tmp_path)
    if found.answers is not None:
        context = replace(context, run=Recorder(found.answers))
    facts = detect.observe(context, listen=Listen("127.0.0.1", 7860), places={})

    assert {path: value_at(facts, path) for path in found.facts} == dict(found.facts)


def value_at(facts: HostFacts, path: str) -> object:
    """``gpu.cards.0.driver``: attributes, places in tuples, and through facts to their values."""
    place: object = facts
    for step in path.split("."):
        assert isinstance(place, tuple) or not step.isdecimal(), path
        place = place[int(step)] if isinstance(place, tuple) else getattr(place, step)
        place = place.value if isinstance(place, Fact) else place
    return place


LIVELY = {
    **HOSTS["ubuntu-2404-ready"].files, **CARD, VERSION: CLOSED, f"{MODULES}/modules.dep": "x:\n", SECURE: "\6\0\0\0\1",
    "/proc/self/cgroup": "0::/a/b\n4:cpu,memory:/x\n", "/sys/fs/cgroup/cpu.max": "max 1",
    "/sys/fs/cgroup/memory.max": "max", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "9", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "9",
    "/var/log/apt/history.log": HISTORY, "/sys/hypervisor/type": "xen", "/proc/device-tree/model": "x\0",
}  # fmt: skip
"""A host on which every probe finds something to read."""
HOSTILE = (
    *LIVELY, "/etc/ld.so.cache", "/dev/kmsg", "/run/reboot-required", "/run/reboot-required.pkgs",
    "/var/log/apt/history.log.1.gz", "/var/log/dpkg.log", "/var/log/pacman.log", "/var/log/dnf.rpm.log",
    "/var/log/zypp/history", "/var/log/unattended-upgrades/unattended-upgrades.log", "/etc/nv_tegra_release",
    "/sys/class/dmi/id/product_name", "/proc/1/environ", "/run/systemd/container", "/lib/modules/7/modules.dep",
)  # fmt: skip
_BITS = st.sampled_from(
    ["", "\0", "0x10de\n", "0x0300", "ID=arch\n", "ID='", "1e999", "9" * 5000, "max", "-1 0", "0 0", "0::/../..\n", "²",
     "1 1 8:1 / /\\999 rw - x y z\n", "1 1 8:1 / / rw - \n", "flags: \n", "\x7fELF\2\1", "Start-Date: 9999-99-99\n",
     "Start-Date: 2026-11-18  06:12:33\nUpgrade: nvidia (,)\n", "2026-13-18 06:12:33 install nvidia 1 2\n",
     "[2026-11-18T06:12] [ALPM] upgraded linux ()\n", "6,1,99999999999999999999,-;NVRM\n", "x" * 3000, "\n\n\n",
     "2026-11-18T06:12:33 SUBDEBUG Upgrade: kernel-core\n", "kernel/nvidia.ko:", "5.1-Microsoft", "../../.."]
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    contents=st.dictionaries(
        st.sampled_from(HOSTILE), st.one_of(_BITS, st.text(max_size=30), st.binary(max_size=40)), min_size=1, max_size=6
    )
)
def test_no_file_however_strange_makes_a_probe_fall_over(
    contents: dict[str, str | bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    context = Host(files=LIVELY, nvml=card()).context(folder)
    for path, content in contents.items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    found = look(context)
    shutil.rmtree(folder)

    assert all(isinstance(fact, Fact) and (fact.known or fact.reason) for fact in found)


def look(context: Context) -> list[object]:
    """Every fact of the machine's own probes."""
    rooms = (platform.observe(context), cpu.observe(context), memory.observe(context), upkeep.observe(context),
             gpu.observe(context))  # fmt: skip
    found = [getattr(room, name) for room in rooms for name in room.__dataclass_fields__]
    place = disk.observe(context, "state", "/var/lib/x")
    return [*found, place.free, place.inodes, place.kind, runtime.glibcxx(context), runtime.temporary(context)]


@pytest.mark.parametrize("barred", [True, False])
def test_a_tree_of_folders_where_files_should_be_makes_no_probe_fall_over(barred: bool, tmp_path: Path) -> None:
    context = Host(files={}, nvml=card()).context(tmp_path)
    for path in HOSTILE:
        (tmp_path / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    if barred:
        context = replace(context, run=Recorder({"": proc.CommandTimeout(("x",), "no end")}))

    assert all(isinstance(fact, Fact) for fact in look(context))


def test_what_programs_print_may_be_anything(tmp_path: Path) -> None:
    for printed in ("\0", "[[[", json.dumps({"code": 10**30}), "SecureBoot", "x" * 100_000):
        context = replace(Host(files=CARD).context(tmp_path / str(len(printed))), run=Recorder({"": printed}))

        assert all(isinstance(fact, Fact) for fact in look(context))
