"""The user's own rows over the table of cards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy_kit import codec
from deploy_kit.compat import cards
from deploy_kit.config.load import load
from deploy_kit.config.request import Request
from deploy_kit.data import table
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import doctor
from deploy_kit.lifecycle.site import wish_of
from tests.support.hosts import FACTS

YAML = """
# a card that the table does not know yet
newest: 13.0
cards:
  3f00: 13.0
variants:
  cu128:
    sass: [7.5, 8.0, 8.6, 9.0, 10.0, 12.0, 13.0]
    driver_floor: 600.10
"""


def request(tmp_path: Path, text: str, **more: str) -> Request:
    file = tmp_path / "matrix.yaml"
    file.write_text(text, encoding="utf-8")
    return load({"matrix": str(file), "engine": "indextts-2.5", **more}, {}, None).request


def test_numbers_are_names_of_architectures_however_they_are_written(tmp_path: Path) -> None:
    quoted = request(tmp_path, '{"variants": {"cu128": {"sass": ["8.0", "10.0"]}}}')
    bare = request(tmp_path, "variants: {cu128: {sass: [8.0, 10.0]}}")

    assert quoted.matrix == bare.matrix == '{"variants":{"cu128":{"sass":["8.0","10.0"]}}}'


def test_a_row_of_the_users_decides_which_image_serves_a_card(tmp_path: Path) -> None:
    matrix = doctor.wish(request(tmp_path, YAML)).matrix

    assert matrix is not None
    assert (matrix.variant_for("13.0"), cards.usual().variant_for("13.0")) == ("cu128", None)
    assert matrix.guessed("3f00") == "13.0"
    assert matrix.row("cu128").driver_floor == "600.10"


def test_a_recorded_host_is_judged_by_the_users_rows(tmp_path: Path) -> None:
    facts = codec.loads(HostFacts, (FACTS / "gpu-ready.json").read_text(encoding="utf-8"))
    own = request(tmp_path, "variants: {cu128: {driver_floor: 999.1}}")

    _, usual = doctor.examine(load({"engine": "indextts-2.5"}, {}, None).request, facts)
    _, changed = doctor.examine(own, facts)

    assert usual.device == "cuda"
    assert (changed.device, "GPU-DRIVER-OLD" in [one.code for one in changed.findings]) == ("cpu", True)


def test_the_products_own_table_can_be_copied_and_edited(tmp_path: Path) -> None:
    assert doctor.wish(request(tmp_path, json.dumps(table("matrix")))).matrix == cards.usual()


def test_the_container_judges_by_the_same_rows(tmp_path: Path) -> None:
    own = request(tmp_path, YAML)
    assert cards.matrix(json.loads(dict(own.service)["TTS_MATRIX"])) == doctor.wish(own).matrix
    assert "TTS_MATRIX" not in dict(request(tmp_path, YAML, engine="espeak").service)


def test_other_rows_are_another_wish(tmp_path: Path) -> None:
    digests = {wish_of(request(tmp_path, text)) for text in ("newest: 13.0", "newest: 13.1")}
    assert len(digests) == 2


@pytest.mark.parametrize("text", ["variants: {cu128: {sass: [new]}}", "cards: [1]", "- a list", "newest: soon"])
def test_what_cannot_be_a_row_is_a_finding(tmp_path: Path, text: str) -> None:
    with pytest.raises(Failure) as caught:
        doctor.wish(request(tmp_path, text))
    assert caught.value.finding.code == "CONFIG-MATRIX"


@pytest.mark.parametrize("text", ["a: [", "{", "a: b: c", "[" * 5000])
def test_what_is_neither_json_nor_yaml_is_a_finding(tmp_path: Path, text: str) -> None:
    with pytest.raises(Failure) as caught:
        request(tmp_path, text)
    assert caught.value.finding.code == "CONFIG-MATRIX-FILE"


def test_a_file_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        load({"matrix": str(tmp_path / "none")}, {}, None)
    assert caught.value.finding.code == "CONFIG-MATRIX-FILE"


@pytest.mark.parametrize("page", ["doctor.md", "doctor.zh-CN.md"])
def test_the_example_of_the_docs_is_one(tmp_path: Path, page: str) -> None:
    text = (FACTS.parents[1] / "docs" / page).read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]

    matrix = doctor.wish(request(tmp_path, example)).matrix

    assert matrix is not None
    assert (matrix.guessed("3f00"), matrix.row("cu128").driver_floor) == ("13.0", "525.60.13")
