"""Whatever is observed, a judgement comes out of it, always the same, and no card keeps anybody from the CPU."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_kit import compat, errors
from deploy_kit.compat import Wish
from deploy_kit.compat import inside as within
from deploy_kit.facts import Fact, GpuDevice, GpuUser, HostFacts, PackageChange, known, not_asked, unknown
from deploy_kit.findings import Severity
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.recorded import RECORDED, device, on_bus, slice_of

TEXTS = st.sampled_from(
    ["", "0", "9", "580.95.05", "1.2.3.4.5", "none", "lxc", "ubuntu", "cu", "\x00", "é", "12.8 (x)"]
)
NUMBERS = st.sampled_from([-1, 0, 1, 3, 9, 12, 15, 18, 100, 802, 999, 10**9, 10**12])
REASONS = st.sampled_from(
    ["", "no answer in 15 s", "the library ended the probe (exit -11)", "libcuda.so.1: cannot open"]
)
CAPABILITIES = st.sampled_from([None, "", "9", "x.y", "3.0", "6.1", "8.7", "8.9", "10.1", "12.1", "13.0", "99.9"])
SLICES = st.lists(st.builds(slice_of, st.just(1), st.integers(0, 6), st.just("1g.5gb"), st.floats(0, 80)), max_size=3)
CARDS: st.SearchStrategy[GpuDevice] = st.builds(
    device,
    st.integers(1, 9),
    st.sampled_from(["NVIDIA H200", "Orin (nvgpu)", ""]),
    CAPABILITIES,
    st.sampled_from([None, 0, 2, 8, 24, 141]),
    mig=st.sampled_from([None, True, False]),
    mig_pending=st.sampled_from([None, True, False]),
    slices=SLICES.map(tuple),
    address=st.sampled_from([None, "", "00000000:01:00.0", "odd"]),
    virtual=st.sampled_from([None, "vgpu", "passthrough"]),
    fabric=st.sampled_from([None, "completed", "in progress", "not_supported"]),
    compute_mode=st.sampled_from([None, "default", "exclusive", "prohibited", "odd"]),
    persistent=st.sampled_from([None, True, False]),
    uncorrected=st.sampled_from([None, 0, 7]),
    remap=st.sampled_from([None, "pending", "failed"]),
    users=st.lists(st.builds(GpuUser, st.integers(1, 99), TEXTS, st.sampled_from([None, 0, 10**10]))).map(tuple),
)
BUS = st.lists(
    st.builds(
        on_bus,
        st.integers(1, 9),
        st.sampled_from(["2684", "1b80", "2b85", "0fc6", "zzzz", ""]),
        st.sampled_from([None, "nvidia", "nouveau", "nova", "vfio-pci", "odd"]),
    ),
    max_size=4,
)
LINES = st.lists(
    st.sampled_from(
        [
            "",
            "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.",
            "NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed",
            "NVRM: Xid (PCI:0000:01:00): 9999, what",
            "NVRM: Xid (PCI:): x",
            "supported through the NVIDIA 390.xx Legacy drivers",
            "requires use of the NVIDIA open kernel modules",
            "nvidia: Key was rejected by service",
            "nvidia: version magic '6.8.0'",
        ]
    ),
    max_size=4,
)
CHANGES = st.lists(st.builds(PackageChange, TEXTS, st.lists(TEXTS).map(tuple), st.booleans()), max_size=2)
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "devices": st.lists(CARDS, max_size=4).map(tuple),
    "cards": BUS.map(tuple),
    "log": LINES.map(tuple),
    "changes": CHANGES.map(tuple),
}


@st.composite
def hosts(draw: st.DrawFn) -> HostFacts:
    """A recorded machine of which some facts were made up, lost or never asked for."""
    host = RECORDED[draw(st.sampled_from(sorted(RECORDED)))]
    rooms = draw(st.sets(st.sampled_from(["platform", "engine", "gpu", "route", "upkeep", "cpu", "memory", "local"])))
    for room in sorted(rooms):
        values = getattr(host, room)
        names = sorted(draw(st.sets(st.sampled_from([one.name for one in fields(values)]), max_size=4)))
        changed = {name: draw(_fact(name, getattr(values, name))) for name in names}
        host = replace(host, **{room: replace(values, **changed)})
    return host


def _fact(name: str, fact: Fact[Any]) -> st.SearchStrategy[Fact[Any]]:
    lost = st.one_of(st.builds(unknown, st.just("t"), REASONS), st.just(not_asked("t")))
    values = SPECIAL[name] if name in SPECIAL else _like(fact.value)
    return st.one_of(lost, values.map(lambda value: known(value, "t")))


def _like(value: object) -> st.SearchStrategy[Any]:
    """Other values of the same kind."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, (int, float)):
        return NUMBERS
    if isinstance(value, tuple) and (not value or isinstance(value[0], str)):
        return st.lists(st.sampled_from(["nvidia", "runc", "nvidia.com/gpu=all", "nvidia-container-runtime-hook"])).map(
            tuple
        )
    if isinstance(value, str) and type(value) is str:
        return TEXTS
    return st.just(value)


WISHES = st.builds(
    Wish,
    engine=st.sampled_from(["espeak", "indextts-2.5", "indextts-2"]),
    device=st.sampled_from(["auto", "cuda", "cpu"]),
    variant=st.sampled_from(["auto", "cpu", "cu126", "cu128"]),
    target=st.sampled_from(["compose", "local"]),
    listen_host=st.just("127.0.0.1"),
    listen_port=st.just(7860),
    memory_bytes=st.sampled_from([0, 4 << 30]),
    build_bytes=st.sampled_from([0, 1]),
    gpus=st.lists(
        st.sampled_from([RECORDED["gpu-mig"].gpu.devices.value[0].uuid, "GPU-none", "MIG-x"]), max_size=2
    ).map(tuple),  # type: ignore[index]
    workers=st.integers(0, 3),
    weights_bytes=st.sampled_from([0, 8_300_000_000]),
    unlocked=st.sampled_from([(), (("cu126", ("lock",)), ("cpu", ("lock",)))]),
)


@settings(max_examples=400, deadline=None)
@given(hosts(), WISHES)
def test_a_judgement_holds_whatever_was_observed(host: HostFacts, wish: Wish) -> None:
    verdict = compat.judge(host, wish, port_is_ours=False)

    assert verdict == compat.judge(host, wish, port_is_ours=False)
    assert verdict.device in ("cuda", "cpu")
    assert (verdict.gpu is None) or (verdict.device == "cuda" and wish.target == "compose")
    assert (verdict.gpu is not None and verdict.gpu.required) <= (wish.device == "cuda")
    if wish.device != "cuda":
        assert [one.code for one in verdict.blockers if one.code.startswith("GPU-")] == []
    if verdict.device == "cuda":
        assert wish.device != "cpu"
        assert [one.code for one in verdict.blockers if one.code.startswith("GPU-")] == []
    elif wish.device == "cuda" and wish.engine != "espeak":
        assert verdict.blockers, "a card that was demanded is either used or refused"
    for finding in verdict.findings:
        errors.exit_code(finding)
        for locale in LOCALES:
            catalogue = Catalogue(locale)
            assert all(catalogue.text(finding.sentence(part).key, finding.args) for part in ("what", "why", "remedy"))


@settings(max_examples=100, deadline=None)
@given(hosts(), st.sampled_from(["core", "cpu", "cu126", "cu128"]), st.sampled_from(["auto", "cuda", "cpu"]))
def test_inside_a_container_nothing_raises_and_nothing_is_said_of_cards_that_nobody_asked_for(
    host: HostFacts, variant: str, device: str
) -> None:
    found = within.judge(host, engine="indextts-2.5", variant=variant, device=device)

    assert found == within.judge(host, engine="indextts-2.5", variant=variant, device=device)
    if device == "cpu" or variant in ("core", "cpu"):
        assert [one.code for one in found if one.code.startswith("GPU-")] == []
    if device == "auto":
        assert [one.code for one in found if one.code.startswith("GPU-") and one.severity is Severity.BLOCKER] == []
