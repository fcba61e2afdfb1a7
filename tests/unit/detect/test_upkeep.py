"""Secure Boot, restarts, modules, package runs and the kernel's log, on small file trees."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.detect import Context
from deploy_kit.detect.machine import upkeep
from deploy_kit.detect.machine.context import RealKernel
from deploy_kit.detect.machine.upkeep import boot, changes, kernel_log
from deploy_kit.facts import PackageChange, State
from tests.support.hosts import NOW, Host
from tests.support.recorder import Recorder

EFI = "/sys/firmware/efi/efivars"
SECURE = f"{EFI}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LENIENT = f"{EFI}/MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23"
ON, OFF = "\6\0\0\0\1", "\6\0\0\0\0"
RELEASE = "6.8.0-45-generic"
RUNNING = {"/proc/sys/kernel/osrelease": f"{RELEASE}\n"}
FEDORA = {"/etc/os-release": 'ID=fedora\nVERSION_ID="42"\n'}


def place(folder: Path, files: dict[str, str] | None = None, recorder: Recorder | None = None) -> Context:
    return replace(Host(files=files or {}).context(folder), run=recorder or Recorder())


@pytest.mark.parametrize(
    ("files", "printed", "value"),
    [
        ({SECURE: ON}, None, True),
        ({SECURE: OFF}, None, False),
        ({SECURE: ON, LENIENT: ON}, None, False),
        ({SECURE: ON, LENIENT: OFF}, None, True),
        ({f"{EFI}/.keep": ""}, "SecureBoot enabled\n", True),
        ({f"{EFI}/.keep": ""}, "SecureBoot disabled\n", False),
        ({f"{EFI}/.keep": ""}, "SecureBoot enabled\nSecureBoot validation is disabled in shim\n", False),
        ({f"{EFI}/.keep": ""}, "EFI variables are not supported on this system\n", None),
        ({f"{EFI}/.keep": ""}, None, None),
        ({SECURE: "\6\0"}, None, None),
        ({}, None, False),
    ],
)
def test_secure_boot_is_read_from_the_firmware_and_else_asked_of_mokutil(
    files: dict[str, str], printed: str | None, value: bool | None, tmp_path: Path
) -> None:
    recorder = Recorder({} if printed is None else {"mokutil": printed})

    assert boot.secure(place(tmp_path, files, recorder)).value is value
    assert not recorder.asked or SECURE not in files or len(files[SECURE]) != 5


def test_a_mokutil_that_hangs_is_given_up(tmp_path: Path) -> None:
    late = proc.CommandTimeout(("mokutil",), "no end after 3 s")
    fact = boot.secure(place(tmp_path, {f"{EFI}/.keep": ""}, Recorder({"mokutil": late})))

    assert (fact.state, "no end after 3 s" in fact.reason) == (State.UNKNOWN, True)


MODULES = "/lib/modules"


@pytest.mark.parametrize(
    ("files", "waiting"),
    [
        (
            {"/run/reboot-required": "*** System restart required ***\n",
             "/run/reboot-required.pkgs": "linux-image-6.8.0-48-generic\nlibnvidia-compute-570\nlinux-base\n" * 2},
            ("linux-image-6.8.0-48-generic", "libnvidia-compute-570", "linux-base"),
        ),
        ({"/var/run/reboot-required": ""}, ("?",)),
        ({"/run/reboot-needed": ""}, ("?",)),
        ({}, ()),
        ({**FEDORA, f"{MODULES}/6.9.0-1.fc42.x86_64/modules.dep": "", f"{MODULES}/6.9.1-1.fc42.x86_64/modules.dep": "",
          "/proc/sys/kernel/osrelease": "6.9.0-1.fc42.x86_64\n"}, ("kernel 6.9.1-1.fc42.x86_64",)),
        ({**FEDORA, f"{MODULES}/6.9.0-1.fc42.x86_64/modules.dep": "", f"{MODULES}/6.8.1-1.fc42.x86_64/modules.dep": "",
          "/proc/sys/kernel/osrelease": "6.9.0-1.fc42.x86_64\n"}, ()),
        ({**FEDORA, f"{MODULES}/5.3-default/modules.dep": "", f"{MODULES}/6.1-rt/modules.dep": "",
          "/proc/sys/kernel/osrelease": "5.3-default\n"}, ()),
        ({**FEDORA, f"{MODULES}/5.3-default/modules.dep": "", f"{MODULES}/5.4-default/.keep": "",
          "/proc/sys/kernel/osrelease": "5.3-default\n"}, ()),
        ({"/etc/os-release": "ID=arch\n", f"{MODULES}/6.11.6-arch1-1/modules.dep": "",
          "/proc/sys/kernel/osrelease": "6.11.5-arch1-1\n"}, ("kernel 6.11.6-arch1-1",)),
        ({"/etc/os-release": "ID=debian\n", f"{MODULES}/6.9.0/modules.dep": "", f"{MODULES}/6.8.0/modules.dep": "",
          "/proc/sys/kernel/osrelease": "6.8.0\n"}, ()),
    ],
)  # fmt: skip
def test_what_waits_for_a_restart_is_noted_by_the_distribution_or_seen_from_its_kernels(
    files: dict[str, str], waiting: tuple[str, ...], tmp_path: Path
) -> None:
    assert boot.restart(place(tmp_path, files)).value == waiting


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({f"{MODULES}/{RELEASE}/modules.dep": "kernel/a.ko:\nupdates/dkms/nvidia.ko.zst: kernel/drm.ko\n"}, True),
        ({f"{MODULES}/{RELEASE}/modules.dep": "updates/dkms/nvidia-current.ko.xz:\n"}, True),
        ({f"{MODULES}/{RELEASE}/modules.dep": "extra/nvidia.ko:\n"}, True),
        ({f"{MODULES}/{RELEASE}/modules.dep": "kernel/drivers/video/fbdev/nvidia/nvidiafb.ko:\n"}, False),
        ({f"{MODULES}/{RELEASE}/modules.dep": "k/nvidia-wmi-ec-backlight.ko:\nx/nvidia-drm.ko: x/nvidia.o\n"}, False),
        ({f"{MODULES}/{RELEASE}/modules.dep": "kernel/a.ko: updates/dkms/nvidia.ko\n"}, False),
        ({f"{MODULES}/{RELEASE}/updates/dkms/nvidia.ko": ""}, True),
        ({f"{MODULES}/{RELEASE}/extra/nvidia-open/nvidia.ko.xz": ""}, True),
        ({f"{MODULES}/{RELEASE}/kernel/nvidia-570/nvidia.ko.zst": ""}, True),
        ({f"{MODULES}/{RELEASE}/updates/dkms/nvidia-drm.ko": ""}, False),
        ({f"{MODULES}/{RELEASE}/modules.dep": ""}, False),
        ({f"{MODULES}/6.8.0-48-generic/updates/dkms/nvidia.ko": ""}, False),
        ({}, None),
    ],
)
def test_a_module_on_disk_counts_only_for_the_kernel_that_runs(
    files: dict[str, str], value: bool | None, tmp_path: Path
) -> None:
    assert boot.module_built(place(tmp_path, {**RUNNING, **files})).value is value


APT = """
Start-Date: 2026-10-01  06:12:33
Commandline: /usr/bin/unattended-upgrade
Upgrade: libnvidia-compute-570:amd64 (570.86.10-0ubuntu1, 570.133.07-0ubuntu1)
End-Date: 2026-10-01  06:13:00

Start-Date: 2026-11-18  06:12:33
Commandline: /usr/bin/unattended-upgrade
Install: linux-image-6.8.0-48-generic:amd64 (6.8.0-48.48, automatic)
Upgrade: libnvidia-compute-570:amd64 (570.133.07-0ubuntu1, 570.153.02-0ubuntu1), curl:amd64 (8.5.0-2, 8.5.0-3)
Remove: nvidia-dkms-570:amd64 (570.133.07-0ubuntu1)
End-Date: 2026-11-18  06:13:00

Start-Date: 2026-11-19  09:00:00
Commandline: apt-get install vim
Requested-By: ada (1000)
Install: vim:amd64 (9.1)
End-Date: 2026-11-19  09:00:02
"""
UNATTENDED_RUN = PackageChange(
    "2026-11-18T06:12:33",
    (
        "libnvidia-compute-570 570.153.02-0ubuntu1",
        "linux-image-6.8.0-48-generic 6.8.0-48.48",
        "nvidia-dkms-570 removed",
    ),
    unattended=True,
)
DPKG = (
    "2026-11-18 06:12:40 upgrade libnvidia-compute-570:amd64 570.133.07-0ubuntu1 570.153.02-0ubuntu1\n"
    "2026-11-18 06:12:41 status installed libnvidia-compute-570:amd64 570.153.02-0ubuntu1\n"
    "2026-11-18 20:00:00 install nvidia-open:amd64 <none> 575.57.08-1\n"
    "2026-11-18 20:01:00 remove libcuda1:amd64 570.1 <none>\n"
)
DPKG_RUN = PackageChange("2026-11-18T20:00:00", ("libcuda1 removed", "nvidia-open 575.57.08-1"))
HISTORY = "/var/log/apt/history.log"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({HISTORY: APT}, (UNATTENDED_RUN,)),
        ({HISTORY: APT, "/var/log/dpkg.log": DPKG}, (DPKG_RUN, UNATTENDED_RUN)),
        (
            {HISTORY: APT.replace("unattended-upgrade", "apt-get upgrade"),
             "/var/log/unattended-upgrades/unattended-upgrades.log":
                 "2026-11-18 06:12:30,100 INFO Packages that will be upgraded: curl libnvidia-compute-570\n"},
            (UNATTENDED_RUN,),
        ),
        (
            {"/var/log/unattended-upgrades/unattended-upgrades.log":
                 "2026-11-18 06:12:30,100 INFO Packages that will be upgraded: curl libnvidia-compute-570\n"},
            (PackageChange("2026-11-18T06:12:30", ("libnvidia-compute-570",), unattended=True),),
        ),
        (
            {"/var/log/pacman.log":
                 "[2026-11-17T10:00:00+0100] [ALPM] upgraded linux (6.11.5.arch1-1 -> 6.11.6.arch1-1)\n"
                 "[2026-11-17T10:00:02+0100] [ALPM] upgraded nvidia-utils (565.57-1 -> 565.77-1)\n"
                 "[2026-11-17T10:00:03+0100] [ALPM] upgraded firefox (1 -> 2)\n"
                 "[2026-11-17T10:00:03+0100] [PACMAN] Running 'pacman -Syu nvidia'\n"},
            (PackageChange("2026-11-17T10:00:00", ("linux 6.11.6.arch1-1", "nvidia-utils 565.77-1")),),
        ),
        (
            {"/var/log/dnf.rpm.log":
                 "2026-11-16T03:00:00+0000 SUBDEBUG Upgrade: kernel-core-6.9.1-300.fc42.x86_64\n"
                 "2026-11-16T03:00:05+0000 SUBDEBUG Installed: akmod-nvidia-3:570.153.02-1.fc42.x86_64\n"
                 "2026-11-16T03:00:09+0000 SUBDEBUG Upgraded: kernel-core-6.8.9-300.fc42.x86_64\n"},
            (PackageChange(
                "2026-11-16T03:00:00", ("akmod-nvidia 3:570.153.02-1.fc42", "kernel-core 6.9.1-300.fc42")),),
        ),
        (
            {"/var/log/zypp/history":
                 "# 2026-11-15 06:12:30 nvidia\n"
                 "2026-11-15 06:12:33|install|nvidia-driver-G06-kmp|570.153.02-1|x86_64||repo|\n"
                 "2026-11-15 06:12:35|remove |kernel-default|6.4.0-1|x86_64|root@box|\n"},
            (PackageChange("2026-11-15T06:12:33", ("kernel-default removed", "nvidia-driver-G06-kmp 570.153.02-1")),),
        ),
        ({HISTORY: "Start-Date: nonsense\nUpgrade: nvidia (\n\nStart-Date: 2026-11-18  06:12:33\n"}, ()),
    ],
)  # fmt: skip
def test_package_runs_that_touched_drivers_or_kernels_are_told_newest_first(
    files: dict[str, str], found: tuple[PackageChange, ...], tmp_path: Path
) -> None:
    assert changes.read(place(tmp_path, files)).value == found


def test_rotated_logs_are_read_packed_or_not_and_those_from_long_ago_are_not(tmp_path: Path) -> None:
    context = place(tmp_path, {HISTORY: "", f"{HISTORY}.1": APT})
    packed = tmp_path / "var/log/apt/history.log.2.gz"
    packed.write_bytes(gzip.compress(APT.replace("11-18", "11-10").encode()))
    old = tmp_path / "var/log/apt/history.log.3.gz"
    old.write_bytes(packed.read_bytes())
    (tmp_path / "var/log/apt/history.log.4.gz").write_bytes(b"\x1f\x8b no gzip at all")
    for path in (packed, tmp_path / "var/log/apt/history.log.1"):
        os.utime(path, (NOW, NOW))
    os.utime(old, (NOW - 90 * 86400,) * 2)

    assert [one.when for one in changes.read(context).value or ()] == ["2026-11-18T06:12:33", "2026-11-10T06:12:33"]


def test_of_a_huge_log_only_the_end_is_read(tmp_path: Path) -> None:
    context = place(tmp_path, {HISTORY: "x" * 3_000_000 + "\n" + APT})

    assert changes.read(context).value == (UNATTENDED_RUN,)


def test_without_any_log_nothing_is_claimed(tmp_path: Path) -> None:
    assert changes.read(place(tmp_path)).state is State.NOT_ASKED


KMSG = (
    "6,1,5000000,-;Linux version 6.8.0\n"
    "6,2,5100000,-;Command line: nvidia-drm.modeset=1 token=secret\n"
    "5,3,7250000,-;nvidia: module verification failed: signature and/or required key missing - tainting kernel\n"
    " SUBSYSTEM=pci\n"
    "3,4,8000001,-;NVRM: Xid (PCI:0000:01:00): 79, pid=1234, name=python, GPU has fallen off the bus.\n"
    "3,5,8000002,-;NVRM: GPU 0000:01:00.0: GPU Board Serial Number: 1324567890123\n"
    "14,6,9000000,-;somebody: nvidia from a program\n"
    "6,7,9000001,-;audit: type=1400 apparmor=DENIED name=/dev/nvidia0\n"
    "6,8,9000002,-;usb 1-1: new device\n"
    "4,9,9000003,-;nvidia: loaded from /home/ada/build/nvidia.ko\n"
)
LINES = (
    "[    7.250000] nvidia: module verification failed: signature and/or required key missing - tainting kernel",
    "[    8.000001] NVRM: Xid (PCI:0000:01:00): 79, pid=1234, name=python, GPU has fallen off the bus.",
    "[    8.000002] NVRM: GPU 0000:01:00.0: GPU Board Serial Number: ***",
    "[    9.000003] nvidia: loaded from /home/***/build/nvidia.ko",
)


def test_of_the_kernels_log_the_lines_that_matter_are_kept_without_what_is_private(tmp_path: Path) -> None:
    recorder = Recorder({"dmesg": "NVRM: other"})
    fact = kernel_log.read(place(tmp_path, {"/dev/kmsg": KMSG}, recorder))

    assert (fact.value, fact.source, recorder.asked) == (LINES, "/dev/kmsg", [])


@pytest.mark.parametrize(
    ("answers", "source", "lines"),
    [
        ({"dmesg": f"{LINES[0]}\n[    9.1] other\n"}, "dmesg", LINES[:1]),
        (
            {"dmesg": 1, "journalctl -k -b": LINES[1].replace("] NVRM", "] box kernel: NVRM") + "\n"},
            "journalctl",
            LINES[1:2],
        ),
        ({"journalctl": "NVRM: API mismatch: the client has\n"}, "journalctl", ("NVRM: API mismatch: the client has",)),
    ],
)
def test_where_the_device_is_barred_programs_are_asked(
    answers: dict[str, str | int], source: str, lines: tuple[str, ...], tmp_path: Path
) -> None:
    fact = kernel_log.read(place(tmp_path, recorder=Recorder(answers)))

    assert (fact.source, fact.value) == (source, lines)


def test_a_log_that_nobody_lets_us_read_is_unknown(tmp_path: Path) -> None:
    late = proc.CommandTimeout(("journalctl",), "no end after 3 s")
    fact = kernel_log.read(place(tmp_path, recorder=Recorder({"dmesg": 1, "journalctl": late})))

    assert (fact.state, fact.reason) == (State.UNKNOWN, "/dev/kmsg: No such file or directory")


def test_of_a_flood_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    flood = "".join(f"3,{n},{n},-;NVRM: Xid {n} {'x' * 900}\n" for n in range(1, 5001))
    fact = kernel_log.read(place(tmp_path, {"/dev/kmsg": flood}))
    numbers = [int(line.split()[4]) for line in fact.value or ()]

    assert (len(numbers), numbers[0], numbers[99], numbers[100], numbers[-1]) == (300, 1, 100, 4801, 5000)
    assert max(map(len, fact.value or ())) == 400
    assert "4700 lines" in fact.reason


def test_the_device_of_the_log_is_read_to_its_present_end(tmp_path: Path) -> None:
    pipe = tmp_path / "kmsg"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b"6,1,5,-;one\n")

    assert RealKernel().log(pipe) == "6,1,5,-;one\n"
    os.close(writer)


def test_a_record_that_was_overwritten_meanwhile_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers: list[Callable[[], bytes]] = [lambda: b"", lambda: b"6,2,5,-;two\n", _overwritten]
    (tmp_path / "kmsg").touch()
    monkeypatch.setattr(os, "read", lambda descriptor, size: answers.pop()())

    assert RealKernel().log(tmp_path / "kmsg") == "6,2,5,-;two\n"


def _overwritten() -> bytes:
    raise BrokenPipeError


@pytest.mark.parametrize("files", [{"/.dockerenv": ""}, {"/proc/sys/kernel/osrelease": "5.1-microsoft-standard-WSL2"}])
def test_in_a_container_and_below_windows_kernel_and_firmware_are_not_ours_to_ask_about(
    files: dict[str, str], tmp_path: Path
) -> None:
    facts = upkeep.observe(place(tmp_path, {**files, "/dev/kmsg": KMSG, HISTORY: APT}))

    assert {facts.secure_boot.state, facts.reboot.state, facts.module_built.state} == {State.NOT_ASKED}
    assert (facts.log.value, facts.changes.value) == (LINES, (UNATTENDED_RUN,))
