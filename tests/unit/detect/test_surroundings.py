"""What is around us, on small file trees: containers, Windows, hypervisors, boards, other roots."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import detect
from deploy_kit.detect import Context, Uname
from deploy_kit.detect.machine import gpu, platform, surroundings, windows
from deploy_kit.facts import State
from tests.support.hosts import Host
from tests.support.recorder import Recorder

DMI = "/sys/class/dmi/id"
ROOT = "21 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
WINDOWS = Uname("Windows", "AMD64", "10.0.22631", 64)
KEY = r"reg query HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion /v"


def place(folder: Path, files: dict[str, str] | None = None, **changes: object) -> Context:
    return Host(files=files or {}, **changes).context(folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"/proc/version": "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n"}, "gvisor"),
        ({"/run/systemd/container": "lxc\n"}, "lxc"),
        ({"/proc/1/environ": "container=lxc\0TERM=linux\0"}, "lxc"),
        ({"/dev/lxd/sock": ""}, "lxc"),
        ({"/proc/self/mountinfo": f"{ROOT}60 22 0:44 /meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n"}, "lxc"),
        ({"/run/.containerenv": ""}, "podman"),
        ({"/proc/1/cgroup": "0::/kubepods/besteffort/pod1\n"}, "kubepods"),
        ({"/run/systemd/container": "wsl\n"}, None),
        ({"/proc/self/mountinfo": f"{ROOT}60 21 0:44 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw\n"}, None),
        ({"/proc/1/cgroup": "0::/init.scope\n"}, None),
    ],
)
def test_containers_are_told_by_what_they_leave(files: dict[str, str], name: str | None, tmp_path: Path) -> None:
    fact = surroundings.container(place(tmp_path, files))

    assert (fact.value, bool(fact.source)) == (name, True)


def test_a_pod_is_told_by_its_environment(tmp_path: Path) -> None:
    context = place(tmp_path, {"/.dockerenv": ""}, env={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})

    assert surroundings.container(context).value == "kubernetes"


@pytest.mark.parametrize(
    ("release", "dxg", "version"),
    [
        ("4.4.0-19041-Microsoft", False, 1),
        ("5.15.153.1-microsoft-standard-WSL2", True, 2),
        ("6.6.87.2-my-own-Microsoft-build", True, 2),
        ("6.8.0-45-generic", True, None),
    ],
)
def test_wsl_is_told_by_its_kernel_and_the_device_that_only_the_second_has(
    release: str, dxg: bool, version: int | None, tmp_path: Path
) -> None:
    files = {"/proc/sys/kernel/osrelease": f"{release}\n", **({"/dev/dxg": ""} if dxg else {})}

    assert surroundings.wsl(place(tmp_path, files)).value == version


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({f"{DMI}/sys_vendor": "QEMU\n", f"{DMI}/product_name": "Standard PC (Q35 + ICH9, 2009)\n"}, "qemu"),
        ({f"{DMI}/sys_vendor": "VMware, Inc.\n", f"{DMI}/product_name": "VMware7,1\n"}, "vmware"),
        ({f"{DMI}/sys_vendor": "Microsoft Corporation\n", f"{DMI}/product_name": "Virtual Machine\n"}, "microsoft"),
        ({f"{DMI}/product_name": "Google Compute Engine\n"}, "google"),
        ({f"{DMI}/sys_vendor": "Amazon EC2\n", f"{DMI}/product_name": "p4d.24xlarge\n"}, "amazon"),
        ({f"{DMI}/sys_vendor": "Amazon EC2\n", f"{DMI}/product_name": "g4dn.metal\n"}, None),
        ({f"{DMI}/product_name": "VirtualBox\n", f"{DMI}/sys_vendor": "innotek GmbH\n"}, "oracle"),
        ({"/sys/hypervisor/type": "xen\n"}, "xen"),
        ({"/sys/hypervisor/type": "xen\n", "/proc/xen/capabilities": "control_d\n"}, None),
        ({"/proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, "kvm"),
        ({"/proc/cpuinfo": "flags\t\t: fpu hypervisor avx2\n"}, "vm-other"),
        ({"/proc/cpuinfo": "flags\t\t: fpu avx2\n", f"{DMI}/sys_vendor": "Dell Inc.\n"}, None),
        ({f"{DMI}/sys_vendor": "ASUS\n", f"{DMI}/product_name": "Virtual Machine Builder\n"}, None),
        ({"/proc/sys/kernel/osrelease": "5.15.1-microsoft-standard-WSL2\n"}, "microsoft"),
    ],
)
def test_a_hypervisor_is_named_by_firmware_its_own_files_or_the_processor(
    files: dict[str, str], name: str | None, tmp_path: Path
) -> None:
    fact = surroundings.virtual(place(tmp_path, files))

    assert (fact.known, fact.value) == (True, name)


def test_where_nothing_tells_the_hypervisor_is_unknown(tmp_path: Path) -> None:
    assert surroundings.virtual(place(tmp_path)).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("files", "board"),
    [
        (
            {"/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
             "/proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0"},
            "NVIDIA Jetson AGX Orin Developer Kit",
        ),
        ({"/etc/nv_tegra_release": "# R35 (release), REVISION: 4.1, GCID: 33958178\n"}, "Jetson R35 (release)"),
        ({"/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_jetson_is_known_by_its_tree_or_its_release_file(
    files: dict[str, str], board: str | None, tmp_path: Path
) -> None:
    assert surroundings.board(place(tmp_path, files)).value == board


@pytest.mark.parametrize(
    ("ours", "first", "value"),
    [
        (ROOT, ROOT, False),
        (ROOT.replace("21 1 ", "91 9 "), ROOT, False),  # a namespace of its own with copies of the mounts
        ("22 21 0:21 / /proc rw - proc proc rw\n", ROOT, True),
        ("40 21 7:0 / / rw - squashfs /dev/loop0 rw\n", ROOT, True),
        (ROOT.replace(" / / ", " /@snapshots/3 / "), ROOT, True),
        (ROOT, "", None),
        ("", ROOT, None),
    ],
)
def test_another_root_than_that_of_process_1_is_a_chroot(
    ours: str, first: str, value: bool | None, tmp_path: Path
) -> None:
    files = {"/proc/self/mountinfo": ours, "/proc/1/mountinfo": first}

    assert surroundings.chroot(place(tmp_path, files)).value is value


def test_a_real_chroot_is_seen_from_inside_without_rights(tmp_path: Path) -> None:
    unshare = shutil.which("unshare") or ""
    if os.geteuid() or not unshare or subprocess.run([unshare, "-m", "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("making a chroot needs root and unshare")
    (tmp_path / "proc").mkdir()
    tmp_path.chmod(0o755)
    script = (
        "import ctypes, os, sys\n"
        f"sys.path.insert(0, {str(Path(detect.__file__).parents[2])!r})\n"
        "from deploy_kit import detect\n"
        "from deploy_kit.detect.machine import surroundings\n"
        "surroundings.chroot(detect.here())\n"
        f"os.chroot({str(tmp_path)!r}); os.chdir('/'); os.seteuid(65534)\n"
        "ctypes.CDLL(None).prctl(4, 1)\n"  # PR_SET_DUMPABLE: as for a user who logged in, /proc/self is ours
        "print(surroundings.chroot(detect.here()).value)\n"
    )
    mount = f'mount -t proc proc {tmp_path}/proc && exec {sys.executable} -c "$0"'
    said = subprocess.run([unshare, "-m", "sh", "-c", mount, script], capture_output=True, text=True, timeout=60)

    assert (said.stdout, said.stderr) == ("True\n", "")


def windows_host(folder: Path, answers: dict[str, str | int] | None = None, **env: str) -> tuple[Context, Recorder]:
    recorder = Recorder(answers or {})
    return replace(place(folder, uname=WINDOWS, env=env, libc=""), run=recorder), recorder


@pytest.mark.parametrize(
    ("answers", "env"),
    [
        ({r"reg query HKLM\SYSTEM\CurrentControlSet\Control\MiniNT": ""}, {}),
        ({r"reg query HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\WinPE": "x"}, {}),
        ({}, {"SystemDrive": "X:"}),
        ({}, {"SystemRoot": r"X:\Windows"}),
    ],
)
def test_windows_pe_is_named_and_its_driver_is_never_spoken_to(
    answers: dict[str, str | int], env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Windows/System32").mkdir(parents=True)
    (tmp_path / "Windows/System32/nvml.dll").touch()
    context, recorder = windows_host(tmp_path, answers, **env)
    cards = gpu.observe(context)

    assert platform.observe(context).distribution.value == "winpe"
    assert (cards.nvml.state, cards.nvml.reason) == (State.NOT_ASKED, "Windows PE")
    assert not [line for line in recorder.asked if not line.startswith("reg ")]


@pytest.mark.parametrize(
    ("answers", "env"),
    [({}, {"SAFEBOOT_OPTION": "MINIMAL"}), ({r"reg query HKLM\SYSTEM\CurrentControlSet\Control\SafeBoot\Op": "x"}, {})],
)
def test_safe_mode_is_named_and_its_driver_is_never_spoken_to(
    answers: dict[str, str | int], env: dict[str, str], tmp_path: Path
) -> None:
    context, recorder = windows_host(tmp_path, answers, **env)

    assert platform.observe(context).safe_mode.value is True
    assert gpu.observe(context).nvml.reason == "Windows in Safe Mode"
    assert not [line for line in recorder.asked if "nvml" in line]


@pytest.mark.parametrize(
    ("values", "version", "name"),
    [
        (
            {"CurrentBuildNumber": "REG_SZ    22631", "CurrentMajorVersionNumber": "REG_DWORD    0xa",
             "CurrentMinorVersionNumber": "REG_DWORD    0x0", "ProductName": "REG_SZ    Windows 10 Pro"},
            "10.0.22631", "Windows 11 Pro",
        ),
        (
            {"CurrentBuildNumber": "REG_SZ    19045", "CurrentMajorVersionNumber": "REG_DWORD    0xa",
             "ProductName": "REG_SZ    Windows 10 Home"},
            "10.0.19045", "Windows 10 Home",
        ),
        (
            {"CurrentBuildNumber": "REG_SZ    7601", "CurrentVersion": "REG_SZ    6.1",
             "ProductName": "REG_SZ    Windows 7 Ultimate"},
            "6.1.7601", "Windows 7 Ultimate",
        ),
        ({}, "10.0.22631", None),
    ],
)  # fmt: skip
def test_a_windows_tells_its_version_and_build(
    values: dict[str, str], version: str, name: str | None, tmp_path: Path
) -> None:
    answers = {f"{KEY} {key}": f"\nHKEY_LOCAL_MACHINE\\…\n    {key}    {value}\n\n" for key, value in values.items()}
    context, _ = windows_host(tmp_path, dict(answers))
    facts = platform.observe(context)

    assert (facts.distribution.value, facts.version.value, facts.pretty_name.value) == ("windows", version, name)
    assert facts.safe_mode.value is False


def test_windows_is_asked_for_cards_only_where_the_driver_left_its_library(tmp_path: Path) -> None:
    bare, _ = windows_host(tmp_path / "bare")
    folder = tmp_path / "with/Windows/System32"
    folder.mkdir(parents=True)
    (folder / "nvml.dll").touch()
    context, recorder = windows_host(tmp_path / "with", {sys.executable: '{"code": 9, "driver": null}'})

    assert gpu.observe(bare).nvml.reason == "no sign of an NVIDIA card"
    assert gpu.observe(context).nvml.value == 9
    assert windows.bars_drivers(context) == ""
    assert [line for line in recorder.asked if line.endswith("nvml.py")]


def test_a_loader_of_musl_beside_a_glibc_misleads_nobody(tmp_path: Path) -> None:
    files = {"/lib/ld-musl-x86_64.so.1": ""}

    assert platform.observe(place(tmp_path / "a", files)).libc.value == "glibc 2.39"
    assert platform.observe(place(tmp_path / "b", files, libc="")).libc.value == "musl"


def test_other_systems_are_asked_for_little(tmp_path: Path) -> None:
    facts = platform.observe(place(tmp_path, uname=Uname("Darwin", "arm64", "23.6.0", 64), libc=""))

    assert {facts.board.state, facts.chroot.state, facts.safe_mode.state, facts.virtual.state} == {State.NOT_ASKED}
