"""The processor, memory, disks, libraries and temporary folders of small file trees."""

from __future__ import annotations

import ctypes.util
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy_kit import detect
from deploy_kit.config.request import Listen
from deploy_kit.detect import Context, Uname, everything
from deploy_kit.detect.machine import cpu, disk, loader, memory, mounts, runtime
from deploy_kit.detect.machine.context import RealKernel
from deploy_kit.facts import NetworkFacts, State
from tests.support.hosts import HOSTS, Host, library

X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)  Gold 6342\nflags\t\t: fpu {flags}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n"
ARM_64 = Uname("Linux", "aarch64", "6.8.0", 64)
OWN_GROUP = "0::/user.slice/app\n"
CXX = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"


def place(folder: Path, files: dict[str, str] | None = None, **changes: object) -> Context:
    return Host(files=files or {}, **changes).context(folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(("flags", "avx2"), [("sse avx avx2 fma", True), ("sse avx", False), ("avx2_like", False)])
def test_a_processor_of_x86_tells_whether_it_has_avx2(flags: str, avx2: bool, tmp_path: Path) -> None:
    facts = cpu.observe(place(tmp_path, {"/proc/cpuinfo": X86.format(flags=flags)}))

    assert (facts.model.value, facts.avx2.value) == ("Intel(R) Xeon(R) Gold 6342", avx2)


@pytest.mark.parametrize(
    ("part", "model"), [("0xd4f", "Neoverse-V2"), ("0xd42", "Cortex-A78AE"), ("0xabc", "ARM 0x41 0xabc")]
)
def test_a_processor_of_arm_is_named_by_its_numbers_and_not_asked_for_avx2(
    part: str, model: str, tmp_path: Path
) -> None:
    facts = cpu.observe(place(tmp_path, {"/proc/cpuinfo": ARM.format(part=part)}, uname=ARM_64))

    assert (facts.model.value, facts.avx2.known, facts.avx2.value) == (model, True, None)


def test_without_a_list_of_flags_nothing_is_claimed(tmp_path: Path) -> None:
    facts = cpu.observe(place(tmp_path))

    assert (facts.avx2.state, facts.model.state, facts.cores.value) == (State.UNKNOWN, State.UNKNOWN, 8)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"/proc/self/cgroup": OWN_GROUP, "/sys/fs/cgroup/user.slice/app/cpu.max": "150000 100000\n"}, 2),
        ({"/proc/self/cgroup": OWN_GROUP, "/sys/fs/cgroup/user.slice/cpu.max": "10000 100000\n"}, 1),
        ({"/proc/self/cgroup": OWN_GROUP, "/sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"/proc/self/cgroup": OWN_GROUP, "/sys/fs/cgroup/cpu.max": "6400000 100000\n"}, 8),
        (
            {"/proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n",
             "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        ({"/proc/self/cgroup": "4:cpu,cpuacct:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"}, 8),
        ({}, 8),
    ],
)  # fmt: skip
def test_cores_are_those_that_affinity_and_the_groups_leave(files: dict[str, str], cores: int, tmp_path: Path) -> None:
    assert cpu.cores(place(tmp_path, files)).value == cores


def test_swap_and_shared_memory_are_told(tmp_path: Path) -> None:
    files = {"/proc/meminfo": "MemTotal: 1000 kB\nSwapTotal:  2048 kB\n", "/dev/shm/.keep": ""}
    facts = memory.observe(place(tmp_path, files))

    assert (facts.swap.value, facts.shared.value) == (2048 * 1024, 100_000_000_000)
    assert memory.observe(place(tmp_path / "bare")).shared.state is State.UNKNOWN


MOUNTS = (
    "21 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw\n"
    "30 21 0:50 / /srv/with\\040space rw - nfs4 nas:/models rw\n"
    "31 21 0:51 / /srv rw - xfs /dev/sdb rw\n"
    "32 21 0:52 / /tmp rw,noexec,nosuid - tmpfs tmpfs rw\n"
    "33 21 0:53 / /twice rw master:1 shared:2 - ext4 /dev/sdc rw\n"
    "34 33 0:54 / /twice rw - fuse.sshfs box: rw\n"
    "broken line\n"
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/docker", "ext4"),
        ("/srv/with space/hub", "nfs4"),
        ("/srv/withspace", "xfs"),
        ("/srv", "xfs"),
        ("/srvx", "ext4"),
        ("/twice/x", "fuse.sshfs"),
        ("/linked/hub", "nfs4"),
        ("/there/../srv/x", "xfs"),
    ],
)
def test_a_path_lies_on_the_nearest_mount_above_it_links_followed(path: str, kind: str, tmp_path: Path) -> None:
    context = place(tmp_path, {mounts.OURS: MOUNTS}, links={"/linked": "/srv/with space"})

    assert disk.kind(context, path).value == kind


def test_a_path_without_any_known_mount_is_of_unknown_kind(tmp_path: Path) -> None:
    assert disk.kind(place(tmp_path), "/x").state is State.UNKNOWN


def test_a_disk_tells_its_entries_and_its_kind(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    facts = disk.observe(place(tmp_path, {mounts.OURS: MOUNTS}), "cache", "/srv/hub")

    assert (facts.inodes.value, facts.kind.value, facts.free.source) == (5_000_000, "xfs", "statvfs /srv")


def test_a_file_system_that_counts_no_entries_is_said_to(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Uncounted(RealKernel):
        def inodes(self, path: Path) -> int | None:
            return None

    facts = disk.observe(replace(place(tmp_path), kernel=Uncounted()), "state", "/x")

    assert (facts.inodes.known, facts.inodes.value, bool(facts.inodes.reason)) == (True, None, True)


def test_a_file_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    host = HOSTS["ubuntu-2404-ready"].context(tmp_path)

    @dataclass(frozen=True)
    class Hanging(RealKernel):
        def space(self, path: Path) -> tuple[int, int]:
            if path.name == "nas":
                gone.wait(60)
            return 1, 2

    (tmp_path / "nas").mkdir()
    monkeypatch.setattr(everything, "_DISK_SECONDS", 0.05)
    monkeypatch.setattr(everything.port, "observe", lambda context, listen: None)
    context = replace(host, kernel=Hanging())
    facts = detect.observe(context, listen=Listen("127.0.0.1", 7860), places={"cache": "/nas", "state": "/var"})
    gone.set()
    states = {one.purpose: one.free.state for one in facts.disks}

    assert (states["cache"], states["state"]) == (State.UNKNOWN, State.KNOWN)
    assert next(one for one in facts.disks if one.purpose == "cache").free.reason == "no answer in 0.05 s"


def test_the_newest_symbol_of_the_cpp_library_is_read_from_its_bytes(tmp_path: Path) -> None:
    text = library(b"GLIBCXX_3.4\0GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4.29\0GLIBCXX_3.4.99x\0")

    assert runtime.glibcxx(place(tmp_path, {CXX: text})).value == "3.4.30"


def test_libraries_of_another_machine_are_passed_by(tmp_path: Path) -> None:
    files = {
        "/usr/lib64/libstdc++.so.6": library(b"GLIBCXX_3.4.33\0", machine=40),
        "/lib/libstdc++.so.6": "text",
        CXX: library(b"GLIBCXX_3.4.28\0"),
    }
    fact = runtime.glibcxx(place(tmp_path, files))

    assert (fact.value, fact.source) == ("3.4.28", CXX)


def test_the_users_own_folders_come_first_and_then_the_loaders_cache(tmp_path: Path) -> None:
    cache = f"glibc-ld.so.cache1.1\0libstdc++.so.6\0/opt/gcc/libstdc++.so.6\0libx.so\0{CXX}\0"
    own = {"/etc/ld.so.cache": cache, "/opt/gcc/libstdc++.so.6": library(b"GLIBCXX_3.4.32\0"), CXX: library(b"x\0")}
    mine = {"/home/ada/lib/libstdc++.so.6": library(b"GLIBCXX_3.4.26\0")}
    env = {"LD_LIBRARY_PATH": "relative:/home/ada/lib/:"}

    assert runtime.glibcxx(place(tmp_path / "a", own)).value == "3.4.32"
    assert runtime.glibcxx(place(tmp_path / "b", {**own, **mine}, env=env)).value == "3.4.26"


def test_without_the_cpp_library_there_is_none(tmp_path: Path) -> None:
    fact = runtime.glibcxx(place(tmp_path))

    assert (fact.known, fact.value) == (True, None)


def test_a_cpp_library_without_versions_tells_nothing(tmp_path: Path) -> None:
    assert runtime.glibcxx(place(tmp_path, {CXX: library(b"nothing\0")})).state is State.UNKNOWN


@pytest.mark.skipif(ctypes.util.find_library("stdc++") is None, reason="no C++ library here")
def test_our_own_cpp_library_is_found() -> None:
    assert (runtime.glibcxx(detect.here()).value or "").startswith("3.4.")


def test_links_stay_within_the_hosts_own_tree(tmp_path: Path) -> None:
    links = {"/x": "/opt", "/loop": "/loop", "/opt/up": "../../../../opt/a"}
    context = place(tmp_path, {"/opt/a": "x"}, links=links)
    found = [context.resolve(path) for path in ("/x/a", "/x/up", "/x/none", "/")]

    assert found == ["/opt/a", "/opt/a", "/opt/none", "/"]
    assert context.exists("/x/a")
    assert not context.exists("/loop")


def test_the_temporary_folder_is_one_that_programs_may_run_from(tmp_path: Path) -> None:
    files = {mounts.OURS: MOUNTS, "/tmp/.keep": "", "/var/tmp/.keep": ""}
    fact = runtime.temporary(place(tmp_path, files, env={"TMPDIR": "/nowhere"}))

    assert fact.value == "/var/tmp"
    assert fact.reason == "/nowhere: no folder; /tmp: mounted noexec"
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == [".keep"]


def test_without_any_temporary_folder_each_is_told_why(tmp_path: Path) -> None:
    fact = runtime.temporary(place(tmp_path))

    assert (fact.known, fact.value) == (True, None)
    assert "/tmp: no folder" in fact.reason


def test_a_library_is_sought_once_by_whatever_name_it_is_reached(tmp_path: Path) -> None:
    links = {"/usr/lib64": "/usr/lib", "/lib": "usr/lib"}
    context = place(tmp_path, {"/usr/lib/libx.so.1": "x"}, links=links)

    assert list(loader.find(context, "libx.so.1")) == ["/usr/lib64/libx.so.1"]


def test_the_network_is_asked_only_by_who_wants_to_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deploy_kit.detect.site import reach
    from deploy_kit.detect.site.destinations import Wanted

    asked = []
    monkeypatch.setattr(reach, "observe", lambda context, site, wanted: asked.append(wanted) or NetworkFacts())
    context = HOSTS["ubuntu-2404-ready"].context(tmp_path)
    for network in (False, True, Wanted(region="cn")):
        detect.observe(context, listen=Listen("127.0.0.1", 7860), places={}, network=network)

    assert asked == [Wanted(), Wanted(region="cn")]


def test_nothing_is_left_behind_by_looking(tmp_path: Path) -> None:
    context = HOSTS["gpu-ready"].context(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*"))
    detect.observe(context, listen=Listen("127.0.0.1", 7860), places={"state": "/var/lib/x"})

    assert sorted(path for path in tmp_path.rglob("*")) == before
