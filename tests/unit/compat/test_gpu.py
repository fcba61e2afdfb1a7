"""Every GPU host on record, judged for IndexTTS: variant, device, the form of the request, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_kit import codec, compat, errors
from deploy_kit.compat import DeviceRequest, RequestKind, Verdict, Wish, cards, needs
from deploy_kit.data import table
from deploy_kit.facts import HostFacts, known
from deploy_kit.findings import Severity
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.hosts import FACTS
from tests.support.recorded import RECORDED

WISH = Wish("indextts-2.5", "auto", "auto", "compose", "127.0.0.1", 7860, 0, 1, weights_bytes=8_300_000_000)
FIRST = "GPU-00000001-1111-2222-3333-444444444444"
EXPECT = ("HOST-EXPECT-GPU", "HOST-EXPECT-CPU", "HOST-PYTHON-INSTALL", "HOST-MEMORY")
NOTES = ("GPU-UNSEEN", "GPU-MINOR-VERSION", "GPU-DRIVER-EOL")
RESERVATION, CDI, RUNTIME = RequestKind.RESERVATION, RequestKind.CDI, RequestKind.RUNTIME


def facts(name: str) -> HostFacts:
    return codec.loads(HostFacts, (FACTS / f"{name}.json").read_text(encoding="utf-8"))


def judge(name: str, **changes: object) -> Verdict:
    return compat.judge(facts(name), replace(WISH, **changes), port_is_ours=False)  # type: ignore[arg-type]


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings if finding.code not in EXPECT]


HOSTS: list[tuple[str, str, str, RequestKind | None, list[str]]] = [
    ("gpu-ready", "cu128", "cuda", RESERVATION, []),
    ("gpu-ampere", "cu128", "cuda", RESERVATION, ["GPU-MINOR-VERSION", "GPU-DRIVER-EOL"]),
    ("gpu-blackwell", "cu128", "cuda", RESERVATION, []),
    ("gpu-pascal", "cu126", "cuda", RESERVATION, []),
    ("gpu-kepler", "cpu", "cpu", None, ["GPU-CARD-UNSUPPORTED"]),
    ("gpu-small", "cpu", "cpu", None, ["GPU-SMALL"]),
    ("gpu-driver-old", "cu128", "cpu", None, ["GPU-DRIVER-OLD"]),
    ("gpu-two-kinds", "cu126", "cuda", RESERVATION, []),
    ("gpu-no-driver", "cu128", "cpu", None, ["GPU-NO-DRIVER"]),
    ("gpu-nouveau", "cu128", "cpu", None, ["GPU-NOUVEAU"]),
    ("gpu-passed-through", "cpu", "cpu", None, ["GPU-PASSED-THROUGH"]),
    ("gpu-not-loaded", "cu128", "cpu", None, ["GPU-NOT-LOADED"]),
    ("gpu-updated", "cu128", "cpu", None, ["GPU-DRIVER-MISMATCH"]),
    ("gpu-lost", "cu128", "cpu", None, ["GPU-LOST"]),
    ("gpu-no-library", "cu128", "cpu", None, ["GPU-NO-DRIVER"]),
    ("gpu-hanging", "cu128", "cpu", None, ["GPU-PROBE-HUNG"]),
    ("gpu-no-toolkit", "cu128", "cpu", None, ["GPU-NO-TOOLKIT"]),
    ("gpu-toolkit-unknown-to-engine", "cu128", "cpu", None, ["GPU-TOOLKIT-UNUSED"]),
    ("gpu-runtime-only", "cu128", "cuda", RUNTIME, []),
    ("gpu-cdi-only", "cu128", "cuda", CDI, []),
    ("gpu-cdi-files", "cu128", "cuda", CDI, []),
    ("gpu-cdi-off", "cu128", "cpu", None, ["GPU-TOOLKIT-UNUSED"]),
    ("gpu-rootless", "cu128", "cuda", CDI, []),
    ("gpu-snap", "cu128", "cpu", None, ["GPU-SNAP"]),
    ("gpu-wsl2", "cu128", "cuda", RESERVATION, []),
    ("gpu-no-uvm", "cu128", "cpu", None, ["GPU-UVM"]),
    ("cpu-large", "cpu", "cpu", None, ["GPU-NONE"]),
    ("ubuntu-2404-ready", "cpu", "cpu", None, ["GPU-UNSEEN"]),
]


@pytest.mark.parametrize(("name", "variant", "device", "kind", "said"), HOSTS)
def test_a_host_is_judged_for_indextts(
    name: str, variant: str, device: str, kind: RequestKind | None, said: list[str]
) -> None:
    verdict = judge(name)

    assert (verdict.variant, verdict.device) == (variant, device)
    assert (verdict.gpu.kind if verdict.gpu else None) == kind
    assert [code for code in codes(verdict) if code.startswith("GPU")] == said


def test_a_card_that_nobody_looked_for_is_no_clean_bill() -> None:
    verdict = judge("ubuntu-2404-ready", device="cuda")

    assert verdict.device == "cuda"
    assert ("GPU-UNSEEN", Severity.WARNING) in [(one.code, one.severity) for one in verdict.findings]


def test_every_gpu_host_on_record_is_judged() -> None:
    on_record = {path.stem for path in FACTS.glob("gpu-*.json")} - set(RECORDED)

    assert on_record == {name for name, *_ in HOSTS if name.startswith("gpu-")} | {"gpu-rented-container"}


@pytest.mark.parametrize(("name", "variant", "device", "kind", "said"), HOSTS)
def test_auto_warns_and_cuda_refuses(
    name: str, variant: str, device: str, kind: RequestKind | None, said: list[str]
) -> None:
    faults = [code for code in said if code not in NOTES]
    refused = {one.code for one in judge(name, device="cuda").blockers} - {"HOST-MEMORY"}

    assert {one.code for one in judge(name).findings if one.severity is Severity.WARNING} >= set(faults)
    assert refused == set(faults)


def test_a_request_is_required_only_when_the_card_was_asked_for() -> None:
    assert judge("gpu-ready").gpu == DeviceRequest(RESERVATION)
    assert judge("gpu-ready", device="cuda").gpu == DeviceRequest(RESERVATION, required=True)


def test_of_two_kinds_of_cards_one_image_serves_both_where_one_can() -> None:
    assert judge("gpu-two-kinds").gpu == DeviceRequest(RESERVATION)


def test_of_two_kinds_of_cards_only_those_that_the_image_serves_are_asked_for() -> None:
    verdict = judge("gpu-two-kinds", unlocked=UNLOCKED)

    assert (verdict.variant, verdict.gpu, codes(verdict)) == (
        "cu128", DeviceRequest(RESERVATION, (FIRST,)), ["GPU-LEFT-OUT"]
    )  # fmt: skip


def test_chosen_cards_are_asked_for_by_name() -> None:
    assert judge("gpu-ready", gpus=(FIRST,)).gpu == DeviceRequest(RESERVATION, (FIRST,))
    assert judge("gpu-cdi-only", gpus=(FIRST,)).gpu == DeviceRequest(CDI, (f"nvidia.com/gpu={FIRST}",))
    assert judge("gpu-cdi-files", gpus=(FIRST,)).gpu == DeviceRequest(CDI, ("nvidia.com/gpu=0",))
    assert judge("gpu-cdi-files").gpu == DeviceRequest(CDI, ("nvidia.com/gpu=all",))


def test_a_card_that_is_not_there_is_told_with_those_that_are() -> None:
    (finding,) = [one for one in judge("gpu-ready", gpus=(FIRST.replace("1", "9"),)).findings if "GPU-N" in one.code]

    assert finding.code == "GPU-NOT-CHOSEN"
    assert FIRST in finding.evidence[0].observed


def test_the_older_card_of_two_is_served_when_it_is_chosen_alone() -> None:
    second = FIRST.replace("00000001", "00000002")

    assert judge("gpu-two-kinds", gpus=(second,)).variant == "cu126"


def test_the_cpu_as_a_wish_asks_nothing_of_the_card() -> None:
    verdict = judge("gpu-hanging", device="cpu")

    assert (verdict.variant, verdict.device, verdict.gpu, codes(verdict)) == ("cpu", "cpu", None, [])


LOCK = ("make", "the lock")
UNLOCKED = (("cpu", LOCK), ("cu126", LOCK))


@pytest.mark.parametrize(("name", "device"), [("cpu-large", "auto"), ("cpu-large", "cpu"), ("gpu-pascal", "auto")])
def test_where_nobody_locked_the_right_image_the_usual_one_computes_on_the_cpu_and_that_is_told(
    name: str, device: str
) -> None:
    verdict = judge(name, device=device, unlocked=UNLOCKED)

    assert (verdict.variant, verdict.device, verdict.gpu, verdict.blockers) == ("cu128", "cpu", None, ())
    assert [one.commands for one in verdict.findings if one.code == "BUILD-TORCH-INSTEAD"] == [(LOCK,)]


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("cpu-large", {"variant": "cpu"}),
        ("gpu-pascal", {"device": "cuda"}),
        ("cpu-large", {"engine": "espeak", "variant": "cpu", "device": "cuda"}),
    ],
)
def test_an_image_that_nobody_locked_is_refused_before_anything_is_done(name: str, wish: dict[str, str]) -> None:
    verdict = judge(name, unlocked=UNLOCKED, **wish)

    assert [one.code for one in verdict.blockers] == ["BUILD-TORCH-UNLOCKED"]
    assert errors.exit_code(verdict.blockers[0]) == errors.ExitCode.BUILD


def test_an_image_that_is_there_needs_no_lock() -> None:
    verdict = judge("cpu-large", variant="cpu", build_bytes=0, unlocked=UNLOCKED)

    assert (verdict.variant, verdict.blockers) == ("cpu", ())


def test_a_card_that_is_refused_is_not_promised_a_cpu() -> None:
    verdict = judge("cpu-large", device="cuda", unlocked=UNLOCKED)

    assert [one.code for one in verdict.findings] == ["GPU-NONE"]


@pytest.mark.parametrize(
    ("distribution", "like", "command"),
    [("linuxmint", ("ubuntu", "debian"), "apt-get"), ("fedora", (), "dnf"), ("rocky", ("rhel", "fedora"), "dnf")],
)
def test_the_toolkit_is_installed_as_the_distribution_does_it(
    distribution: str, like: tuple[str, ...], command: str
) -> None:
    host = facts("gpu-no-toolkit")
    platform = replace(host.platform, distribution=known(distribution, "os-release"), like=known(like, "os-release"))
    verdict = compat.judge(replace(host, platform=platform), WISH, port_is_ours=False)

    (finding,) = (one for one in verdict.findings if one.code == "GPU-NO-TOOLKIT")
    assert [one for one in finding.commands if "nvidia-container-toolkit" in one] == [
        ("sudo", command, "install", "nvidia-container-toolkit")
    ]


def test_a_processor_that_torch_is_not_locked_for_is_refused_and_speaks_with_the_built_in_voice() -> None:
    ready = facts("gpu-ready")
    arm = replace(ready, platform=replace(ready.platform, machine=known("aarch64", "uname")))

    assert [one.code for one in compat.judge(arm, WISH, port_is_ours=False).blockers] == ["HOST-ARCH-MODEL"]
    assert compat.judge(arm, replace(WISH, engine="espeak"), port_is_ours=False).blockers == ()


def test_evidence_is_written_for_people() -> None:
    finding = next(one for one in judge("gpu-no-uvm").findings if one.code == "GPU-UVM")

    assert [one.observed for one in finding.evidence] == ["nvidiactl, nvidia0"]


def test_equal_cards_are_counted() -> None:
    ready = facts("gpu-ready")
    (device,) = ready.gpu.devices.value or ()
    two = known((device, replace(device, uuid=device.uuid[:-1] + "9")), "NVML")
    verdict = compat.judge(replace(ready, gpu=replace(ready.gpu, devices=two)), WISH, port_is_ours=False)

    assert dict(verdict.findings[0].args)["cards"] == "2 × NVIDIA GeForce RTX 4090"


def test_only_the_cards_in_use_are_promised() -> None:
    expected = next(one for one in judge("gpu-two-kinds", unlocked=UNLOCKED).findings if one.code == "HOST-EXPECT-GPU")

    assert dict(expected.args)["cards"] == "NVIDIA GeForce RTX 4090"


def test_the_built_in_voice_has_no_card() -> None:
    verdict = judge("gpu-ready", engine="espeak", weights_bytes=0)

    assert (verdict.variant, verdict.device, verdict.gpu) == ("core", "cpu", None)
    assert (verdict.memory_bytes, verdict.pids) == (1 << 30, 256)


def test_the_cuda_image_may_be_chosen_on_a_host_without_a_card() -> None:
    verdict = judge("cpu-large", variant="cu128")

    assert (verdict.variant, verdict.device, verdict.gpu, verdict.blockers) == ("cu128", "cpu", None, ())


def test_the_image_without_cuda_contradicts_the_wish_for_a_card() -> None:
    assert [one.code for one in judge("gpu-ready", variant="cpu", device="cuda").blockers] == ["GPU-VARIANT"]
    assert judge("gpu-ready", variant="cpu").gpu is None


def test_plain_processes_need_no_way_into_a_container() -> None:
    verdict = judge("gpu-rented-container", target="local")

    assert (verdict.variant, verdict.device, verdict.gpu, verdict.blockers) == ("cu128", "cuda", None, ())


def test_memory_that_is_in_use_is_only_told_and_not_when_we_use_it_ourselves() -> None:
    ready = facts("gpu-ready")
    (device,) = ready.gpu.devices.value or ()
    full = replace(ready, gpu=replace(ready.gpu, devices=known((replace(device, free=10**9),), "NVML")))
    seen = compat.judge(full, WISH, port_is_ours=False)

    assert (seen.device, codes(seen)) == ("cuda", ["GPU-FULL"])
    assert codes(compat.judge(full, WISH, port_is_ours=True)) == []


def test_a_card_with_memory_shared_with_the_host_is_not_measured() -> None:
    ready = facts("gpu-ready")
    (device,) = ready.gpu.devices.value or ()
    shared = known((replace(device, capability="12.1", total=None, free=None),), "NVML")
    verdict = compat.judge(replace(ready, gpu=replace(ready.gpu, devices=shared)), WISH, port_is_ours=False)

    assert (verdict.variant, verdict.device, codes(verdict)) == ("cu128", "cuda", [])


@pytest.mark.parametrize("text", ["", "9", "ninety"])
def test_a_card_or_a_driver_that_says_no_version_is_judged_all_the_same(text: str) -> None:
    ready = facts("gpu-ready")
    (device,) = ready.gpu.devices.value or ()
    strange = known((replace(device, capability=text),), "NVML")
    card = replace(ready, gpu=replace(ready.gpu, devices=strange))
    driver = replace(ready, gpu=replace(ready.gpu, driver=known("" if text == "9" else text, "NVML")))

    assert codes(compat.judge(card, WISH, port_is_ours=False)) == ["GPU-CARD-UNSUPPORTED"]
    assert codes(compat.judge(driver, WISH, port_is_ours=False)) == []


def test_a_number_on_the_bus_that_is_none_hints_at_nothing() -> None:
    assert (cards.guessed("zz"), cards.guessed("")) == (None, None)


CARDS = [
    ("3.5", None), ("3.7", None), ("5.0", "cu126"), ("5.2", "cu126"), ("5.3", None), ("6.0", "cu126"),
    ("6.1", "cu126"), ("6.2", None), ("7.0", "cu128"), ("7.2", None), ("7.5", "cu128"), ("8.0", "cu128"),
    ("8.6", "cu128"), ("8.7", None), ("8.9", "cu128"), ("9.0", "cu128"), ("10.0", "cu128"), ("10.3", "cu128"),
    ("10.1", None), ("11.0", None), ("12.0", "cu128"), ("12.1", "cu128"), ("13.0", None),
]  # fmt: skip


@pytest.mark.parametrize(("capability", "variant"), CARDS)
def test_every_kind_of_card_gets_the_image_that_has_its_code(capability: str, variant: str | None) -> None:
    assert cards.variant_for(capability) == variant


@pytest.mark.parametrize(
    ("device", "capability"),
    [("1b06", "6.1"), ("102d", "3.7"), ("1db1", "7.0"), ("1eb8", "7.5"), ("20b0", "8.0"), ("2204", "8.6"),
     ("2335", "9.0"), ("2684", "8.9"), ("2901", "10.0"), ("2b85", "12.0"), ("ffff", None)],
)  # fmt: skip
def test_a_card_without_a_driver_is_known_by_its_number_on_the_bus(device: str, capability: str | None) -> None:
    assert cards.guessed(device) == capability


def test_every_family_by_number_is_one_that_a_card_can_be() -> None:
    assert {row["capability"] for row in table("gpu_families")["families"]} <= {capability for capability, _ in CARDS}


def test_the_cpu_needs_memory_and_a_limit_of_the_users_own_is_only_warned_about() -> None:
    small = judge("gpu-ready")
    host = facts("cpu-large")
    tight = replace(host, memory=replace(host.memory, total=known(8_000_000_000, "/proc/meminfo MemTotal")))

    assert small.memory_bytes == needs.memory_limit("indextts-2.5", "cuda", workers=2)
    assert "HOST-MEMORY" in [one.code for one in compat.judge(tight, WISH, port_is_ours=False).blockers]
    own = compat.judge(tight, replace(WISH, memory_bytes=4 << 30), port_is_ours=False)
    assert (own.blockers, "HOST-MEMORY-LIMIT" in codes(own)) == ((), True)


def test_room_is_asked_for_the_image_of_the_card_and_for_the_weights() -> None:
    host = facts("gpu-ready")
    disk = replace(host.disks[0], free=known(20_000_000_000, "statvfs"))
    full = replace(host, disks=(disk, *host.disks[1:]))

    assert [one.code for one in compat.judge(full, WISH, port_is_ours=False).blockers] == ["HOST-DISK"]
    assert compat.judge(full, replace(WISH, weights_bytes=0), port_is_ours=False).blockers == ()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", [name for name, *_ in HOSTS])
def test_every_finding_says_what_why_and_what_to_do(name: str, locale: str) -> None:
    catalogue = Catalogue(locale)
    for device in ("auto", "cuda"):
        for finding in judge(name, device=device).findings:
            for part in ("what", "why", "remedy"):
                text = catalogue.text(finding.sentence(part).key, finding.args)
                assert text.strip()
                assert "{" not in text
                assert "None" not in text, finding.code
            if finding.code.startswith("GPU-") and finding.code != "GPU-UNSEEN":
                assert finding.evidence, finding.code
                assert errors.exit_code(finding) == 4
