"""Every family of cards against every build of PyTorch, and the tables with a user's own rows over them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_kit import compat
from deploy_kit.compat import Wish, cards
from deploy_kit.data import table
from deploy_kit.errors import ExitCode, Failure
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.recorded import HEALTHY, but, device, one

WISH = Wish("indextts-2.5", "auto", "auto", "compose", "127.0.0.1", 7860, 0, 1)

FAMILIES = (
    "3.0", "3.5", "3.7", "5.0", "5.2", "5.3", "6.0", "6.1", "6.2", "7.0", "7.2", "7.5", "8.0", "8.6", "8.7", "8.9",
    "9.0", "10.0", "10.1", "10.3", "11.0", "12.0", "12.1",
)  # fmt: skip
RUNS: dict[tuple[str, str, str], str] = {
    ("cu118", "2.5 - 2.7", "x86_64"): "3.7 5.0 5.2 6.0 6.1 7.0 7.5 8.0 8.6 8.9 9.0",
    ("cu124", "2.5 - 2.6", "x86_64"): "5.0 5.2 6.0 6.1 7.0 7.5 8.0 8.6 8.9 9.0",
    ("cu126", "2.6 - 2.14", "x86_64"): "5.0 5.2 6.0 6.1 7.0 7.5 8.0 8.6 8.9 9.0",
    ("cu128", "2.7", "x86_64"): "7.5 8.0 8.6 8.9 9.0 10.0 10.3 12.0 12.1",
    ("cu128", "2.8 - 2.10", "x86_64"): "7.0 7.5 8.0 8.6 8.9 9.0 10.0 10.3 12.0 12.1",
    ("cu128", "2.11", "x86_64"): "7.5 8.0 8.6 8.9 9.0 10.0 10.3 12.0 12.1",
    ("cu129", "2.8", "x86_64"): "7.0 7.5 8.0 8.6 8.9 9.0 10.0 10.3 12.0 12.1",
    ("cu130", "2.9 - 2.15", "x86_64"): "7.5 8.0 8.6 8.9 9.0 10.0 10.3 12.0 12.1",
    ("cu126", "2.8 - 2.14", "aarch64"): "8.0 8.6 8.9 9.0",
    ("cu130", "2.9 - 2.15", "aarch64"): "8.0 8.6 8.9 9.0 10.0 10.1 10.3 11.0 12.0 12.1",
}
WHEELS = {(row["wheel"], row["torch"], row["machine"]): row for row in table("matrix")["wheels"]}
VARIANTS = {"cu128": ("cu128", "2.8 - 2.10", "x86_64"), "cu126": ("cu126", "2.6 - 2.14", "x86_64")}


def test_every_build_on_record_has_its_row_here() -> None:
    assert set(RUNS) == set(WHEELS)


@pytest.mark.parametrize("build", RUNS, ids="-".join)
@pytest.mark.parametrize("capability", FAMILIES)
def test_a_card_runs_exactly_the_builds_that_have_its_code(capability: str, build: tuple[str, str, str]) -> None:
    row = WHEELS[build]

    assert cards.runs(capability, row["sass"], row["ptx"]) is (capability in RUNS[build].split())


@pytest.mark.parametrize("variant", cards.CUDA_VARIANTS)
def test_an_image_has_the_code_of_the_build_that_it_is_made_of(variant: str) -> None:
    row, build = table("matrix")["variants"][variant], WHEELS[VARIANTS[variant]]

    assert (row["sass"], row["ptx"]) == (build["sass"], build["ptx"])
    for capability in FAMILIES:
        assert cards.serves(variant, capability) is (capability in RUNS[VARIANTS[variant]].split())


@pytest.mark.parametrize(
    ("card", "code", "runs"),
    [
        ("8.7", "8.6", False),  # Orin is served by its own code only
        ("8.7", "8.7", True),
        ("8.9", "8.7", False),
        ("5.3", "5.2", False),
        ("6.2", "6.1", False),
        ("7.2", "7.0", False),
        ("7.5", "7.2", False),
        ("11.0", "10.1", True),  # Thor under its old name
        ("10.1", "11.0", True),
        ("10.1", "10.0", False),
        ("10.3", "10.1", False),
        ("8.0", "8.6", False),
        ("9.0", "8.9", False),
    ],
)
def test_binary_compatibility_has_its_exceptions(card: str, code: str, runs: bool) -> None:
    assert cards.runs(card, [code]) is runs


def test_intermediate_code_runs_on_every_card_that_is_not_older() -> None:
    assert cards.runs("13.0", [], ["12.0"])
    assert cards.runs("8.7", [], ["8.0"])
    assert not cards.runs("11.0", [], ["12.0"])


def test_every_row_says_where_it_is_from_and_when() -> None:
    rows = (*table("matrix")["wheels"], *table("matrix")["variants"].values())

    assert all(row["evidence"] and row["as_of"] for row in rows)


@pytest.mark.parametrize(
    ("driver", "windows", "said"),
    [
        ("450.80.02", False, ["GPU-DRIVER-OLD"]),
        ("470.256.02", False, ["GPU-DRIVER-OLD"]),
        ("525.60.12", False, ["GPU-DRIVER-OLD"]),
        ("525.60.13", False, ["GPU-MINOR-VERSION", "GPU-DRIVER-EOL"]),
        ("535.274.02", False, ["GPU-MINOR-VERSION", "GPU-DRIVER-EOL"]),
        ("570.25", False, ["GPU-MINOR-VERSION"]),
        ("570.26", False, []),
        ("580.95.05", False, []),
        ("590.48.01", False, ["GPU-DRIVER-EOL"]),
        ("595.91.07", False, []),
        ("620.10", False, []),
        ("528.32", True, ["GPU-DRIVER-OLD"]),
        ("528.33", True, ["GPU-MINOR-VERSION"]),
        ("570.64", True, ["GPU-MINOR-VERSION"]),
        ("572.61", True, []),
        ("999.99", True, []),
        ("", False, []),
        ("unheard of", False, []),
    ],
)
def test_a_driver_is_held_against_the_floor_of_its_platform(driver: str, windows: bool, said: list[str]) -> None:
    host = but(HEALTHY, gpu={"driver": driver, "wsl": windows})
    verdict = compat.judge(host, WISH, port_is_ours=False)

    assert [one.code for one in verdict.findings if one.code.startswith("GPU-")] == said


def test_intermediate_code_needs_a_driver_as_new_as_its_cuda() -> None:
    matrix = cards.matrix({"variants": {"cu128": {"sass": ["7.0"], "ptx": ["7.0"]}}, "newest": "14.0"})
    wish = replace(WISH, variant="cu128", matrix=matrix)
    host = one("3680", "NVIDIA R200", "13.0", 288, driver="560.35.05")

    assert next(found.code for found in compat.judge(host, wish, port_is_ours=False).findings) == "GPU-DRIVER-OLD"
    newer = but(host, gpu={"driver": "570.26"})
    assert compat.judge(newer, wish, port_is_ours=False).device == "cuda"


def test_a_card_that_nobody_knows_can_be_described_by_the_user() -> None:
    host = one("3680", "NVIDIA R200", "13.0", 288)
    known = cards.matrix({"variants": {"cu128": {"sass": ["12.0", "13.0"]}}, "newest": "13.0"})
    refused = cards.matrix({"newest": "13.0"})

    assert "GPU-UNKNOWN-CARD" in [one.code for one in compat.judge(host, WISH, port_is_ours=False).findings]
    assert [one.code for one in compat.judge(host, replace(WISH, matrix=known), port_is_ours=False).findings] == [
        "HOST-EXPECT-GPU"
    ]
    assert compat.judge(host, replace(WISH, matrix=refused), port_is_ours=False).variant == "cpu"


def test_a_card_without_a_driver_is_known_by_the_number_that_the_user_gave() -> None:
    matrix = cards.matrix({"cards": {"2684": "3.5", "FFFE": "8.6"}})

    assert (matrix.guessed("2684"), matrix.guessed("fffe"), matrix.guessed("2b85")) == ("3.5", "8.6", "12.0")


def test_a_copy_of_the_products_own_table_says_the_same() -> None:
    assert cards.matrix(table("matrix")) == cards.usual()
    assert cards.matrix({}) == cards.usual()


@pytest.mark.parametrize(
    ("plain", "place"),
    [
        ([], "matrix"),
        ({"variant": {}}, "variant"),
        ({"variants": []}, "variants"),
        ({"variants": {"cu999": {}}}, "variants.cu999"),
        ({"variants": {"cu128": []}}, "variants.cu128"),
        ({"variants": {"cu128": {"sas": []}}}, "variants.cu128.sas"),
        ({"variants": {"cu128": {"sass": "8.6"}}}, "variants.cu128.sass"),
        ({"variants": {"cu128": {"sass": ["sm_86"]}}}, "variants.cu128.sass"),
        ({"variants": {"cu128": {"sass": [8.6]}}}, "variants.cu128.sass"),
        ({"variants": {"cu126": {"driver_floor": None}}}, "variants.cu126.driver_floor"),
        ({"cards": {"26845": "8.9"}}, "cards.26845"),
        ({"cards": {"2684": "ada"}}, "cards.2684"),
        ({"cards": 1}, "cards"),
        ({"newest": 13}, "newest"),
    ],
)
def test_a_matrix_that_cannot_be_is_refused_at_the_place(plain: object, place: str) -> None:
    with pytest.raises(Failure) as caught:
        cards.matrix(plain)  # type: ignore[arg-type]

    finding = caught.value.finding
    assert (finding.code, finding.subject, caught.value.exit_code) == ("CONFIG-MATRIX", place, ExitCode.USAGE)
    for locale in LOCALES:
        assert place in Catalogue(locale).text(finding.sentence("what").key, finding.args)


def test_every_wrong_place_is_told_at_once() -> None:
    with pytest.raises(Failure) as caught:
        cards.matrix({"newest": 1, "cards": {"x": "y"}, "variants": {"cu128": {"ptx": 1}}})

    assert len(caught.value.more) == 2


def test_of_mixed_cards_the_image_that_can_be_made_and_serves_most_memory_wins() -> None:
    ada, pascal, blackwell = (
        device(1, "RTX 4060", "8.9", 8),
        device(2, "Tesla P40", "6.1", 24),
        device(3, "RTX 5090", "12.0", 32),
    )

    def variant(*found: object, **changes: object) -> str:
        host = but(HEALTHY, gpu={"devices": found})
        return compat.judge(host, replace(WISH, **changes), port_is_ours=False).variant  # type: ignore[arg-type]

    locked_out = (("cu126", ("make", "the lock")),)
    assert variant(ada, pascal) == "cu126"
    assert variant(pascal, blackwell) == "cu128"
    assert variant(ada, pascal, unlocked=locked_out) == "cu128"
    assert variant(pascal, pascal, blackwell) == "cu126"
