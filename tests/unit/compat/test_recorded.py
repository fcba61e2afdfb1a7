"""Every recorded machine, judged for IndexTTS as a GPU administrator would: image, device, way in, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_kit import codec, compat, errors
from deploy_kit.compat import RequestKind, Verdict, Wish
from deploy_kit.compat.devices import Unit
from deploy_kit.facts import GpuDevice, HostFacts, PackageChange, known, unknown
from deploy_kit.findings import Finding, Severity
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.hosts import FACTS, HOSTS
from tests.support.recorded import HEALTHY, RECORDED, but, slice_of, uuid

WISH = Wish("indextts-2.5", "auto", "auto", "compose", "127.0.0.1", 7860, 0, 1, weights_bytes=8_300_000_000)
EXPECT = ("HOST-EXPECT-GPU", "HOST-EXPECT-CPU")
RESERVATION, CDI = RequestKind.RESERVATION, RequestKind.CDI
FIRST_SLICE = slice_of(1, 0, "", 0).uuid


def facts(name: str) -> HostFacts:
    return codec.loads(HostFacts, (FACTS / f"{name}.json").read_text(encoding="utf-8"))


def judge(name: str, **changes: object) -> Verdict:
    target = "local" if name.endswith("-local") else "compose"
    wish = replace(WISH, **{"target": target, **changes})  # type: ignore[arg-type]
    return compat.judge(facts(name), wish, port_is_ours=False)


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings if finding.code not in EXPECT]


@pytest.mark.parametrize("name", RECORDED)
def test_a_record_holds_the_machine_in_full(name: str, request: pytest.FixtureRequest) -> None:
    file = FACTS / f"{name}.json"
    if request.config.getoption("--update-golden"):
        file.write_text(codec.dumps(RECORDED[name], indent=1) + "\n", encoding="utf-8")

    assert facts(name) == RECORDED[name]


def test_no_machine_is_recorded_twice() -> None:
    assert set(HOSTS) & set(RECORDED) == set()


WORKING: list[tuple[str, str, RequestKind | None, list[str]]] = [
    ("gpu-h200", "cu128", RESERVATION, []),
    ("gpu-h200-eight", "cu128", RESERVATION, []),
    ("gpu-rtx-5070-ti", "cu128", RESERVATION, []),
    ("gpu-rtx-4090-server", "cu128", RESERVATION, []),
    ("gpu-v100", "cu128", RESERVATION, []),
    ("gpu-gtx-1080", "cu126", RESERVATION, []),
    ("gpu-driver-535", "cu128", RESERVATION, ["GPU-MINOR-VERSION", "GPU-DRIVER-EOL"]),
    ("gpu-driver-620", "cu128", RESERVATION, []),
    ("gpu-unknown-card", "cu128", RESERVATION, ["GPU-UNKNOWN-CARD"]),
    ("gpu-vgpu", "cu128", RESERVATION, ["GPU-VGPU"]),
    ("gpu-passthrough-guest", "cu128", RESERVATION, []),
    ("gpu-desktop", "cu128", RESERVATION, ["GPU-NOT-PERSISTENT", "GPU-DISPLAY"]),
    ("gpu-hook-systemd", "cu128", RESERVATION, ["GPU-CGROUP-RELOAD"]),
    ("gpu-mixed-three", "cu126", RESERVATION, ["GPU-LEFT-OUT-SMALL"]),
    ("gpu-one-silent", "cu128", RESERVATION, ["GPU-NOT-SHOWN", "GPU-XID"]),
    ("gpu-one-sick", "cu128", RESERVATION, ["GPU-LEFT-OUT-SICK"]),
    ("gpu-one-prohibited", "cu128", RESERVATION, ["GPU-LEFT-OUT-MODE"]),
    ("gpu-mig", "cu128", RESERVATION, ["GPU-LEFT-OUT-SMALL"]),
    ("gpu-mig-cdi", "cu128", CDI, []),
    ("gpu-mig-pending", "cu128", RESERVATION, ["GPU-MIG-PENDING"]),
    ("gpu-mig-mixed", "cu128", RESERVATION, ["GPU-LEFT-OUT-MIG"]),
    ("gpu-ecc", "cu128", RESERVATION, ["GPU-ECC"]),
    ("gpu-remap-pending", "cu128", RESERVATION, ["GPU-REMAP"]),
    ("gpu-exclusive", "cu128", RESERVATION, ["GPU-EXCLUSIVE"]),
    ("gpu-busy", "cu128", RESERVATION, ["GPU-FULL", "GPU-DISPLAY"]),
    ("gpu-reboot-pending", "cu128", RESERVATION, ["HOST-REBOOT-PENDING"]),
    ("gpu-cdi-docker-29", "cu128", RESERVATION, []),
    ("gpu-mode-cdi", "cu128", CDI, []),
    ("gpu-rootless-no-cgroups", "cu128", RESERVATION, []),
    ("gpu-lxc", "cu128", RESERVATION, []),
    ("cache-on-nfs", "cu128", RESERVATION, ["HOST-NETWORK-DISK"]),
    ("clock-wrong", "cu128", RESERVATION, ["HOST-CLOCK"]),
    (
        "offline",
        "cu128",
        RESERVATION,
        [f"HOST-UNREACHABLE-{what}" for what in ("WEIGHTS", "PACKAGES", "SYSTEM", "SOURCE")],
    ),
    ("half-reachable", "cu128", RESERVATION, ["HOST-UNREACHABLE-SOURCE"]),
    ("chroot", "cu128", RESERVATION, ["HOST-CHROOT", "ENGINE-START"]),
    ("rocky-8-local", "cu128", None, []),
]
FALLEN: list[tuple[str, str, str]] = [
    ("gpu-mig-changed-cdi", "cu128", "GPU-CDI-STALE"),
    ("gpu-mig-empty", "cu128", "GPU-MIG-EMPTY"),
    ("gpu-mig-leaving", "cu128", "GPU-MIG-PENDING"),
    ("gpu-fabric-missing", "cu128", "GPU-FABRIC"),
    ("gpu-xid-79", "cu128", "GPU-XID"),
    ("gpu-gsp-hung", "cu128", "GPU-XID"),
    ("gpu-prohibited", "cu128", "GPU-EXCLUSIVE"),
    ("gpu-cuda-999", "cu128", "GPU-UVM"),
    ("gpu-cuda-803", "cu128", "GPU-DRIVER-MISMATCH"),
    ("gpu-cuda-hung", "cu128", "GPU-PROBE-HUNG"),
    ("gpu-driver-515", "cu128", "GPU-DRIVER-OLD"),
    ("gpu-upgraded-unattended", "cu128", "GPU-DRIVER-CHANGED"),
    ("gpu-upgraded", "cu128", "GPU-DRIVER-CHANGED"),
    ("gpu-secure-boot", "cu128", "GPU-SECURE-BOOT"),
    ("gpu-secure-boot-silent", "cu128", "GPU-SECURE-BOOT"),
    ("gpu-kernel-upgraded", "cu128", "GPU-NO-MODULE"),
    ("gpu-legacy-branch", "cu126", "GPU-LEGACY-DRIVER"),
    ("gpu-open-required", "cu128", "GPU-OPEN-REQUIRED"),
    ("gpu-proprietary-required", "cu126", "GPU-PROPRIETARY-REQUIRED"),
    ("gpu-cdi-stale", "cu128", "GPU-CDI-STALE"),
    ("gpu-cdi-stale-29", "cu128", "GPU-CDI-STALE"),
    ("gpu-cdi-missing-paths", "cu128", "GPU-CDI-STALE"),
    ("gpu-cdi-broken", "cu128", "GPU-CDI-BROKEN"),
    ("gpu-cdi-too-new", "cu128", "GPU-CDI-TOO-NEW"),
    ("gpu-rootless-hook", "cu128", "GPU-NO-CGROUPS"),
    ("gpu-docker-desktop", "cu128", "GPU-ENGINE-ELSEWHERE"),
    ("gpu-lxc-hook", "cu128", "GPU-NO-CGROUPS"),
    ("gpu-lxc-mismatch", "cu128", "GPU-LXC"),
    ("gpu-wsl2-no-driver", "cu128", "GPU-WSL"),
    ("gpu-wsl2-driver-old", "cu128", "GPU-DRIVER-OLD"),
    ("cpu-no-avx2", "cpu", "GPU-NONE"),
]
REFUSED: list[tuple[str, list[str]]] = [
    ("gpu-podman", ["ENGINE-PODMAN"]),
    ("gpu-jetson", ["HOST-ARCH-MODEL", "GPU-JETSON"]),
    ("gpu-gb10", ["HOST-ARCH-MODEL"]),
    ("inodes-used-up", ["HOST-INODES"]),
    ("centos-7-local", ["HOST-GLIBC"]),
    ("windows-11", ["HOST-WINDOWS"]),
    ("windows-7", ["HOST-WINDOWS-OLD"]),
    ("windows-10-1809", ["HOST-WINDOWS-OLD"]),
    ("windows-safe-mode", ["HOST-SAFE-MODE"]),
    ("winpe-11", ["HOST-WINPE"]),
]


def test_every_recorded_machine_has_its_verdict() -> None:
    judged = [name for name, *_ in (*WORKING, *FALLEN, *REFUSED)]

    assert sorted(judged) == sorted(RECORDED)


@pytest.mark.parametrize(("name", "variant", "kind", "said"), WORKING)
def test_a_card_that_works_is_used_whatever_else_is_said(
    name: str, variant: str, kind: RequestKind | None, said: list[str]
) -> None:
    for device in ("auto", "cuda"):
        verdict = judge(name, device=device)

        assert (verdict.variant, verdict.device, verdict.blockers) == (variant, "cuda", ())
        assert (verdict.gpu.kind if verdict.gpu else None) == kind
        assert codes(verdict) == said


@pytest.mark.parametrize(("name", "variant", "code"), FALLEN)
def test_the_first_gate_that_fails_warns_and_computes_on_the_cpu(name: str, variant: str, code: str) -> None:
    verdict = judge(name)

    assert (verdict.variant, verdict.device, verdict.gpu, verdict.blockers) == (variant, "cpu", None, ())
    assert [one for one in codes(verdict) if one.startswith("GPU-")] == [code]
    finding = next(one for one in verdict.findings if one.code == code)
    assert (finding.severity, dict(finding.args)["meanwhile"]) == (Severity.WARNING, f"{variant}, cpu")


@pytest.mark.parametrize(("name", "variant", "code"), FALLEN)
def test_a_card_that_was_demanded_is_refused_with_the_code_of_hosts(name: str, variant: str, code: str) -> None:
    verdict = judge(name, device="cuda")

    assert [one.code for one in verdict.blockers] == [code]
    assert {errors.exit_code(one) for one in verdict.blockers} == {errors.ExitCode.HOST}
    assert (verdict.device, verdict.gpu) == ("cpu", None)


@pytest.mark.parametrize(("name", "said"), REFUSED)
def test_a_machine_that_cannot_serve_is_refused_by_name(name: str, said: list[str]) -> None:
    for device in ("auto", "cuda"):
        verdict = judge(name, device=device)

        assert [one for one in codes(verdict) if one in said] == said
        assert [one.code for one in verdict.blockers] == said[:1]


@pytest.mark.parametrize("name", sorted(path.stem for path in FACTS.glob("*.json")))
def test_every_host_on_record_can_be_told_of_in_every_language(name: str) -> None:
    for engine in ("espeak", "indextts-2.5"):
        for device in ("auto", "cuda", "cpu"):
            for target in ("compose", "local"):
                wish = replace(WISH, engine=engine, device=device, target=target)
                for finding in compat.judge(facts(name), wish, port_is_ours=False).findings:
                    _tell(finding)


def _tell(finding: Finding) -> None:
    for locale in LOCALES:
        catalogue = Catalogue(locale)
        for part in ("what", "why", "remedy"):
            text = catalogue.text(finding.sentence(part).key, finding.args)
            assert text.strip()
            assert "{" not in text, finding.code
            assert "None" not in text, finding.code
    for command in finding.commands:
        assert all(word and "{" not in word and word != "?" for word in command), finding


@pytest.mark.parametrize("name", sorted(path.stem for path in FACTS.glob("*.json")))
def test_no_card_keeps_anybody_from_computing_on_the_cpu(name: str) -> None:
    for device in ("auto", "cpu"):
        assert [one.code for one in judge(name, device=device).blockers if one.code.startswith("GPU-")] == []


def test_the_remedy_is_the_distributions_own_and_runs_as_this_user() -> None:
    commands = {
        name: [" ".join(command) for one in judge(name).findings if one.severity is Severity.WARNING
               for command in one.commands]
        for name in RECORDED
    }  # fmt: skip

    assert commands["gpu-kernel-upgraded"] == [
        "sudo apt-get install linux-headers-6.14.0-36-generic", "sudo dkms autoinstall", "sudo modprobe nvidia"
    ]  # fmt: skip
    assert "sudo apt-mark hold libnvidia-compute-580 nvidia-dkms-580-open" in commands["gpu-upgraded-unattended"]
    assert commands["gpu-upgraded"] == ["sudo reboot"]
    assert commands["gpu-open-required"][0] == "sudo apt-get install nvidia-driver-580-open"
    assert commands["gpu-legacy-branch"][0] == "sudo apt-get install nvidia-driver-580"
    assert commands["gpu-fabric-missing"][-1] == "sudo systemctl enable --now nvidia-fabricmanager"
    assert commands["gpu-cdi-stale"] == ["sudo systemctl restart nvidia-cdi-refresh.service"]
    assert commands["gpu-cdi-missing-paths"][0] == "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
    assert "--feature-flag=no-additional-gids-for-device-nodes" in commands["gpu-cdi-too-new"][0]
    assert commands["gpu-rootless-hook"][-1] == "systemctl --user restart docker"
    assert commands["gpu-prohibited"] == ["sudo nvidia-smi -i 0 -c DEFAULT"]
    assert commands["gpu-mig-leaving"] == ["sudo nvidia-smi -i 0 --gpu-reset"]


def test_causes_rest_on_the_hosts_own_records() -> None:
    for name, words in [
        ("gpu-upgraded-unattended", "2026-11-20T06:41:07"),
        ("gpu-secure-boot", "Key was rejected by service"),
        ("gpu-xid-79", "fallen off the bus"),
        ("gpu-legacy-branch", "580.xx Legacy drivers"),
        ("gpu-open-required", "requires use of the NVIDIA open kernel modules"),
    ]:
        (finding,) = (one for one in judge(name).findings if one.code.startswith("GPU-"))
        assert any(words in one.observed for one in finding.evidence), name


def test_slices_are_asked_for_by_name_and_too_small_ones_left_out() -> None:
    request = judge("gpu-mig").gpu

    assert request is not None
    assert [one[:17] for one in request.devices] == [FIRST_SLICE[:17], slice_of(1, 1, "", 0).uuid[:17]]
    assert judge("gpu-mig", gpus=(FIRST_SLICE,)).gpu == replace(request, devices=(FIRST_SLICE,))
    assert judge("gpu-mig", gpus=(uuid(1),)).gpu == request
    assert "GPU-NOT-CHOSEN" in codes(judge("gpu-mig", gpus=("MIG-unheard-of",)))


def test_slices_that_only_cdi_knows_are_asked_for_by_its_names() -> None:
    request = judge("gpu-mig-cdi").gpu

    assert request is not None
    assert request.devices == ("nvidia.com/gpu=0:0",)


def test_a_facts_file_of_old_with_slices_is_not_said_to_have_none() -> None:
    host = facts("gpu-mig-empty")
    (card,) = host.gpu.devices.value or ()
    old = but(host, gpu={"devices": (replace(card, mig_pending=None),)})

    assert compat.judge(old, WISH, port_is_ours=False).device == "cuda"


def test_busy_memory_names_who_holds_it_the_largest_first() -> None:
    finding = next(one for one in judge("gpu-busy").findings if one.code == "GPU-FULL")

    assert [one.observed.split(" ", 1)[0] for one in finding.evidence[1:]] == ["/usr/bin/ollama", "/usr/lib/xorg/Xorg"]


def test_a_card_held_by_ourselves_in_exclusive_mode_is_no_news() -> None:
    verdict = compat.judge(facts("gpu-exclusive"), WISH, port_is_ours=True)

    assert codes(verdict) == []


def test_device_nodes_that_the_hook_makes_are_not_missed() -> None:
    nodes = ("nvidiactl", "nvidia0")
    host = but(HEALTHY, gpu={"nodes": nodes, "cuda_init": 999})

    assert compat.judge(host, WISH, port_is_ours=False).device == "cuda"
    (finding,) = (
        one
        for one in compat.judge(host, replace(WISH, target="local"), port_is_ours=False).findings
        if one.code.startswith("GPU-")
    )
    assert finding.code == "GPU-UVM"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0, None),
        (3, "GPU-NOT-ALLOWED"),
        (46, "GPU-BUSY"),
        (100, "GPU-NOT-VISIBLE"),
        (802, "GPU-FABRIC"),
        (804, "GPU-FORWARD-COMPAT"),
        (12345, "GPU-DRIVER-ERROR"),
    ],
)
def test_what_cuda_says_has_the_same_code_as_in_the_service(number: int, code: str | None) -> None:
    verdict = compat.judge(but(HEALTHY, gpu={"cuda_init": number}), WISH, port_is_ours=False)

    assert [one for one in codes(verdict) if one.startswith("GPU-")] == ([code] if code else [])


def test_a_pending_restart_matters_only_to_who_uses_the_card() -> None:
    assert codes(judge("gpu-reboot-pending", device="cpu")) == []
    assert codes(judge("gpu-reboot-pending", engine="espeak", weights_bytes=0)) == ["HOST-BUILT-IN-VOICE"]


def test_only_what_this_wish_fetches_is_missed() -> None:
    assert codes(judge("offline", build_bytes=0, weights_bytes=0)) == []
    assert codes(judge("offline", build_bytes=0)) == ["HOST-UNREACHABLE-WEIGHTS"]
    assert "HOST-UNREACHABLE-SYSTEM" not in codes(judge("offline", target="local"))


def test_plain_processes_need_a_c_library_a_cpp_library_and_a_folder_to_work_in() -> None:
    host = facts("centos-7-local")
    newer = but(host, platform={"libc": "glibc 2.34"})

    found = codes(compat.judge(newer, replace(WISH, target="local"), port_is_ours=False))

    assert found == ["HOST-NO-TMP", "HOST-GLIBCXX", "HOST-SHARED-MEMORY"]


def test_a_processor_without_avx2_matters_only_to_models() -> None:
    assert "HOST-NO-AVX2" in codes(judge("cpu-no-avx2"))
    assert "HOST-NO-AVX2" not in codes(judge("cpu-no-avx2", engine="espeak"))


def test_the_hook_loses_the_card_on_a_reload_only_under_systemd_and_the_second_version() -> None:
    for changes in ({"cgroup_version": "1"}, {"cgroup_driver": "cgroupfs"}, {"version": "29.2.0"}):
        assert "GPU-CGROUP-RELOAD" not in codes(
            compat.judge(but(facts("gpu-hook-systemd"), engine=changes), WISH, port_is_ours=False)
        )


def test_a_version_newer_than_the_tables_is_fine() -> None:
    host = but(HEALTHY, gpu={"driver": "999.1", "cuda": "99.9"}, platform={"version": known("30.04", "os-release")})

    assert codes(compat.judge(host, WISH, port_is_ours=False)) == []


@pytest.mark.parametrize(
    "line",
    [
        "[   12.1] Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7",
        "[   12.1] Loading of module with unavailable key is rejected",
        "[   12.1] Loading of unsigned module is rejected",
        "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",
    ],
)
def test_a_refused_signature_is_the_cause_only_where_there_is_a_module(line: str) -> None:
    host = but(facts("gpu-secure-boot"), upkeep={"log": (line,), "secure_boot": unknown("efivars", "no rights")})
    absent = but(host, upkeep={"module_built": False}, gpu={"library": None, "nvml": 12})

    said = {one.code for one in compat.judge(host, WISH, port_is_ours=False).findings if one.code.startswith("GPU-")}
    other = {one.code for one in compat.judge(absent, WISH, port_is_ours=False).findings if one.code.startswith("GPU-")}
    assert (said, other) == ({"GPU-SECURE-BOOT"}, {"GPU-NO-DRIVER"})


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("no answer in 60 s", "GPU-PROBE-HUNG"),
        ("the library ended the probe (SIGSEGV)", "GPU-PROBE-CRASHED"),
        ("libcuda.so.1: cannot open shared object file: No such file or directory", "GPU-NO-DRIVER"),
        ("python3: not found on PATH", None),
    ],
)
def test_a_cuda_that_could_not_be_asked_is_judged_by_the_reason(reason: str, code: str | None) -> None:
    host = but(HEALTHY, gpu={"cuda_init": unknown("cuInit", reason), "cuda_count": unknown("cuInit", reason)})

    assert codes(compat.judge(host, WISH, port_is_ours=False)) == ([code] if code else [])


def test_packages_that_went_are_not_held() -> None:
    host = facts("gpu-upgraded-unattended")
    change = PackageChange("2026-11-20T06:41:07", ("nvidia-driver-570 removed", "nvidia-driver-580 580.105.08"), True)
    (finding,) = (
        one
        for one in compat.judge(but(host, upkeep={"changes": (change,)}), WISH, port_is_ours=False).findings
        if one.code == "GPU-DRIVER-CHANGED"
    )

    assert finding.commands == (("sudo", "apt-mark", "hold", "nvidia-driver-580"), ("sudo", "reboot"))


def driven(host: HostFacts, version: str, *, shown: bool = True) -> HostFacts:
    """The host with another driver, which may not show its cards."""
    known_as = {name: known(version, "test") for name in ("driver", "module", "library")}
    silent = {} if shown else {"devices": known((), "test")}
    return but(host, gpu={**known_as, **silent})


def first(host: HostFacts, code: str, **changes: object) -> Finding:
    verdict = compat.judge(host, replace(WISH, **changes), port_is_ours=False)  # type: ignore[arg-type]
    return next(one for one in verdict.findings if one.code == code)


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "not shown"])
def test_a_blackwell_card_needs_a_driver_that_knows_it(shown: bool) -> None:
    found = first(driven(facts("gpu-rtx-5070-ti"), "535.183.01", shown=shown), "GPU-DRIVER-OLD")

    assert dict(found.args)["floor"] == "570"
    assert not any("535" in word or word == "nvidia-driver-580" for one in found.commands for word in one)


def test_a_card_that_the_loaded_branch_left_behind_gets_its_last_one() -> None:
    found = first(driven(facts("gpu-v100"), "590.48.01", shown=False), "GPU-LEGACY-DRIVER")

    assert found.commands[0] == ("sudo", "apt-get", "install", "nvidia-driver-580")


@pytest.mark.parametrize(
    ("kind", "package"), [("open", "nvidia-driver-580-open"), ("proprietary", "nvidia-driver-580")]
)
def test_a_newer_branch_keeps_the_kind_of_kernel_module(kind: str, package: str) -> None:
    host = but(driven(facts("gpu-rtx-5070-ti"), "575.57.08"), gpu={"flavour": known(kind, "test")})

    assert first(host, "GPU-DRIVER-EOL").commands[0][-1] == package


@pytest.mark.parametrize("name", ["gpu-lxc", "gpu-vgpu", "gpu-wsl2", "gpu-lxc-mismatch"])
def test_a_driver_that_is_not_this_systems_is_not_for_it_to_change(name: str) -> None:
    host = driven(facts(name), "515.65.01", shown=name != "gpu-lxc-mismatch")

    verdict = compat.judge(host, WISH, port_is_ours=False)

    assert {"GPU-DRIVER-OLD", "GPU-LXC"} & set(codes(verdict))
    assert all(one.commands == () for one in verdict.findings if one.code in ("GPU-DRIVER-OLD", "GPU-LXC"))


def test_where_no_engine_can_run_no_toolkit_is_missed() -> None:
    assert codes(judge("gpu-rented-container")) == ["ENGINE-IMPOSSIBLE"]


def test_a_rootless_engine_is_not_mended_by_restarting_roots() -> None:
    host = but(facts("gpu-cdi-off"), engine={"rootless": known(True, "test")})
    commands = [" ".join(one) for one in first(host, "GPU-TOOLKIT-UNUSED").commands]

    assert commands[0].startswith("sudo nvidia-ctk cdi generate")
    assert commands[-1] == "systemctl --user restart docker"
    assert not any(one.startswith("sudo systemctl") for one in commands)


def test_a_card_is_reset_alone() -> None:
    line = "[ 1.0] NVRM: Xid (PCI:0000:03:00): 48, pid=1, name=python3"
    host = but(facts("gpu-h200-eight"), upkeep={"log": known((line,), "/dev/kmsg")})

    assert first(host, "GPU-XID").commands == (("sudo", "nvidia-smi", "-i", "0000:03:00.0", "--gpu-reset"),)


def test_thousands_of_cards_are_judged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    card = (facts("gpu-ready").gpu.devices.value or ())[0]
    many = tuple(replace(card, uuid=f"GPU-{index:08d}", uncorrected=1) for index in range(2000))
    compared = []

    def equal(one: object, other: object) -> bool:
        compared.append(one)
        return hash(one) == hash(other)

    for kind in (GpuDevice, Unit):
        monkeypatch.setattr(kind, "__eq__", equal)
    compat.judge(but(facts("gpu-ready"), gpu={"devices": known(many, "test")}), WISH, port_is_ours=False)

    assert len(compared) < 10 * len(many)


ASTRAY = "unix:///srv/gone.sock"


@pytest.mark.parametrize(
    ("source", "command"),
    [("DOCKER_HOST", "unset DOCKER_HOST"), ("docker context box", "docker context use default")],
)
@pytest.mark.parametrize("name", ["stopped", "ubuntu-2404-bare"])
def test_an_engine_that_is_looked_for_where_there_is_none_is_not_installed_or_started(
    name: str, source: str, command: str
) -> None:
    host = but(facts(name), engine={"endpoint": known(ASTRAY, source)})

    verdict = compat.judge(host, WISH, port_is_ours=False)
    (blocker,) = verdict.blockers

    assert (blocker.code, verdict.setup) == ("ENGINE-ASTRAY", None)
    assert dict(blocker.args)["by"] == source
    assert [" ".join(one) for one in blocker.commands] == [command]


def test_a_usual_socket_that_is_named_is_started_as_ever() -> None:
    host = but(facts("stopped"), engine={"endpoint": known("unix:///var/run/docker.sock", "DOCKER_HOST")})

    assert compat.judge(host, WISH, port_is_ours=False).setup is not None


def test_a_source_that_is_at_hand_need_not_be_reached() -> None:
    assert "HOST-UNREACHABLE-SOURCE" in codes(judge("half-reachable"))
    assert "HOST-UNREACHABLE-SOURCE" not in codes(judge("half-reachable", source_here=True))


@pytest.mark.parametrize(
    ("address", "commands"),
    [
        ("unix:///var/run/docker.sock", ["sudo systemctl restart docker"]),
        ("unix:///run/user/1000/docker.sock", ["systemctl --user restart docker"]),
        ("unix:///srv/another.sock", []),
        ("tcp://192.0.2.1:2375", []),
    ],
)
def test_a_silent_engine_is_restarted_and_no_other(address: str, commands: list[str]) -> None:
    host = but(facts("silent-engine"), engine={"endpoint": known(address, "DOCKER_HOST")})

    assert [" ".join(one) for one in first(host, "ENGINE-SILENT").commands] == commands


def test_a_context_that_is_nowhere_is_named() -> None:
    host = but(facts("stopped"), engine={"endpoint": unknown("docker context gone", "no file names an endpoint")})

    assert dict(first(host, "ENGINE-UNREACHABLE").args)["address"] == "docker context gone"
