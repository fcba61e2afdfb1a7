"""Facts files that somebody damaged or made up."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from deploy_kit.cli import saved
from deploy_kit.errors import Failure
from tests.support.hosts import FACTS

CLUSTERS = Path(__file__).parents[2] / "clusters"


@pytest.fixture
def plain() -> dict[str, Any]:
    return json.loads((FACTS / "ubuntu-2404-ready.json").read_text(encoding="utf-8"))


def refused(tmp_path: Path, text: str | bytes) -> tuple[str, dict[str, str]]:
    file = tmp_path / "facts.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Failure) as caught:
        saved.facts(file)
    return caught.value.finding.code, dict(caught.value.finding.args)


def test_saved_facts_come_back() -> None:
    assert saved.facts(FACTS / "ubuntu-2404-ready.json").schema == 1


@pytest.mark.parametrize("schema", [0, 99])
def test_facts_of_another_version_are_refused_with_both_numbers(tmp_path: Path, plain, schema: int) -> None:
    code, args = refused(tmp_path, json.dumps(plain | {"schema": schema, "brand_new": {}}))

    assert (code, args["found"], args["known"]) == ("USAGE-FACTS-VERSION", str(schema), "1")


@pytest.mark.parametrize("number", ["-1", "1" + "0" * 400, "1e999", "NaN", "1" * 5000])
def test_numbers_that_no_host_can_have_are_refused(tmp_path: Path, plain, number: str) -> None:
    plain["memory"]["total"]["value"] = "HERE"

    assert refused(tmp_path, json.dumps(plain).replace('"HERE"', number))[0] == "USAGE-FACTS"


@pytest.mark.parametrize("text", ["[" * 200_000, b"\xff", "[]", '{"schema": "1"}', '{"schema": true}', "1", ""])
def test_what_holds_no_facts_is_refused(tmp_path: Path, text: str | bytes) -> None:
    assert refused(tmp_path, text)[0] == "USAGE-FACTS"


def test_texts_of_a_stranger_cannot_steer_the_terminal(tmp_path: Path, plain) -> None:
    plain["platform"]["pretty_name"]["value"] = "Debian \x1b[31m\x9b12\r"
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(plain))

    assert saved.facts(file).platform.pretty_name.value == "Debian \ufffd[31m\ufffd12\ufffd"


def test_half_a_character_is_refused(tmp_path: Path, plain) -> None:
    plain["port"]["host"] = "\ud800"

    assert refused(tmp_path, json.dumps(plain))[0] == "USAGE-FACTS"


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "."])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(Failure) as caught:
        saved.facts(tmp_path / path)

    assert caught.value.finding.code == "USAGE-FACTS"


def test_a_cluster_of_another_version_is_refused_too(tmp_path: Path) -> None:
    plain = json.loads((CLUSTERS / "gke.json").read_text(encoding="utf-8"))

    code, args = refused(tmp_path, json.dumps(plain | {"schema": 99}))

    assert (code, args["found"], args["known"]) == ("USAGE-FACTS-VERSION", "99", "1")


def test_a_file_about_something_else_is_refused(tmp_path: Path, plain) -> None:
    assert refused(tmp_path, json.dumps(plain | {"kind": "moon"}))[0] == "USAGE-FACTS"


def test_the_facts_of_a_cluster_are_not_those_of_a_host() -> None:
    with pytest.raises(Failure) as caught:
        saved.facts(CLUSTERS / "gke.json")

    assert caught.value.finding.code == "USAGE-FACTS-CLUSTER"


def test_hosts_and_clusters_are_told_apart(tmp_path: Path) -> None:
    for file in (FACTS / "ubuntu-2404-ready.json", CLUSTERS / "gke.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    found = saved.everything([str(tmp_path)])

    assert [name for name, _ in found.hosts] == ["ubuntu-2404-ready"]
    assert [name for name, _ in found.clusters] == ["gke"]
