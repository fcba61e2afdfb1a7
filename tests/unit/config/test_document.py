"""``deploykit.yaml`` is read as the user wrote it, and every fault is named with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy_kit.config.load import Loaded, load
from deploy_kit.errors import ExitCode, Failure
from deploy_kit.findings import Finding


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deploykit.yaml"


def loaded(file: Path, text: str) -> Loaded:
    file.write_text(text, encoding="utf-8")
    return load({}, {}, file, timezone="")


def faults(file: Path, text: str) -> list[Finding]:
    with pytest.raises(Failure) as caught:
        loaded(file, text)
    assert caught.value.exit_code is ExitCode.USAGE
    return [caught.value.finding, *caught.value.more]


def args(finding: Finding) -> dict[str, str]:
    return dict(finding.args)


def test_nested_keys_and_origins_with_lines(file: Path) -> None:
    found = loaded(file, "name: radio\nlimits:\n  memory: 2GiB\n  pids: 100\n")
    assert (found.request.name, found.request.memory, found.request.pids) == ("radio", 2 * 1024**3, 100)
    assert found.origins["limits.memory"] == f"{file}:3"
    assert found.origins["listen"] == "default"


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n"])
def test_an_empty_file_means_the_defaults(file: Path, text: str) -> None:
    assert loaded(file, text).request == load({}, {}, None, timezone="").request


@pytest.mark.parametrize("word", ["no", "on", "off", "yes", "0123", "1_0"])
def test_words_that_yaml_would_turn_into_something_else_stay_words(file: Path, word: str) -> None:
    assert loaded(file, f"name: {word}\n").request.name == word


def test_a_sexagesimal_number_is_no_address(file: Path) -> None:
    (finding,) = faults(file, "listen: 22:22\n")
    assert (finding.code, finding.subject, args(finding)["value"]) == ("CONFIG-ADDRESS", f"{file}:1", "22:22")


def test_a_bare_port_is_no_address(file: Path) -> None:
    assert faults(file, "listen: 7860\n")[0].code == "CONFIG-ADDRESS"


def test_an_octal_number_is_refused_not_reinterpreted(file: Path) -> None:
    (finding,) = faults(file, "limits:\n  pids: 0400\n")
    assert (finding.code, finding.subject) == ("CONFIG-INTEGER", f"{file}:2")


def test_a_wrong_key_names_its_line_and_the_nearest_right_word(file: Path) -> None:
    (finding,) = faults(file, "name: radio\nlisen: 127.0.0.1:1\n")
    assert (finding.code, finding.subject, args(finding)["nearest"]) == ("CONFIG-KEY", f"{file}:2", "listen")


def test_a_wrong_nested_key_is_compared_with_whole_keys(file: Path) -> None:
    assert args(faults(file, "limits:\n  memroy: 1GiB\n")[0])["nearest"] == "limits.memory"


def test_a_wrong_choice_says_what_is_allowed(file: Path) -> None:
    (finding,) = faults(file, "target: compse\n")
    assert finding.code == "CONFIG-CHOICE"
    assert args(finding)["nearest"] == "compose"
    assert "local" in args(finding)["allowed"]


def test_a_planned_choice_is_answered_honestly(file: Path) -> None:
    (finding,) = faults(file, "target: quadlet\n")
    assert (finding.code, args(finding)["allowed"]) == ("CONFIG-PLANNED", "compose, local, kubernetes")


def test_all_faults_are_told_at_once(file: Path) -> None:
    codes = [finding.code for finding in faults(file, "nam: a\ntarget: x\nlisten: x\n")]
    assert codes == ["CONFIG-KEY", "CONFIG-CHOICE", "CONFIG-ADDRESS"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("name: a\nname: b\n", "CONFIG-TWICE", 2),
        ("limits:\n\tmemory: 1GiB\n", "CONFIG-TAB", 2),
        ("name: [a\nlisten: b\n", "CONFIG-SYNTAX", 2),
        ("- name\n", "CONFIG-SHAPE", 1),
        ("limits: 3\n", "CONFIG-SHAPE", 1),
        ("name: {a: b}\n", "CONFIG-SHAPE-VALUE", 1),
        ("name: [a, b]\n", "CONFIG-SHAPE-LIST", 1),
        ("name:\n", "CONFIG-EMPTY", 1),
        ("<<: {name: a}\n", "CONFIG-KEY", 1),
        ("? [a, b]\n: c\n", "CONFIG-KEY", 1),
        ("name: a\n---\nname: b\n", "CONFIG-SYNTAX", 2),
        ("name: *missing\n", "CONFIG-SYNTAX", 1),
        ("build:\n  base_mirrors: [a b]\n", "CONFIG-LIST", 2),
    ],
)
def test_a_wrong_shape_is_named_with_its_line(file: Path, text: str, code: str, line: int) -> None:
    finding = faults(file, text)[0]
    assert (finding.code, finding.subject) == (code, f"{file}:{line}")


def test_null_means_the_default(file: Path) -> None:
    assert loaded(file, "name: null\ncache:\n  path: ~\n").request.name == "indextts"


def test_a_missing_file_is_a_finding(file: Path) -> None:
    with pytest.raises(Failure) as caught:
        load({}, {}, file)
    assert caught.value.finding.code == "CONFIG-MISSING"


def test_a_file_that_is_no_text_is_a_finding(file: Path) -> None:
    file.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(Failure) as caught:
        load({}, {}, file)
    assert caught.value.finding.code == "CONFIG-NOT-UTF-8"
    assert dict(caught.value.finding.args)["position"] == "6"


def test_a_file_that_is_too_large_is_not_read(file: Path) -> None:
    file.write_text("#" * (1024 * 1024 + 1))
    with pytest.raises(Failure) as caught:
        load({}, {}, file)
    assert (caught.value.finding.code, dict(caught.value.finding.args)["limit"]) == ("CONFIG-TOO-LARGE", "1MiB")


def test_a_byte_order_mark_is_no_fault(file: Path) -> None:
    assert loaded(file, "\ufeffname: radio\n").request.name == "radio"


def test_deep_nesting_ends_in_a_finding(file: Path) -> None:
    assert faults(file, "[" * 5000)[0].code == "CONFIG-SYNTAX"


def test_nesting_that_the_reader_cannot_follow_has_words_of_its_own(file: Path, monkeypatch) -> None:
    import yaml

    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert faults(file, "[" * 5000 + "]" * 5000)[0].code == "CONFIG-TOO-DEEP"


@pytest.mark.parametrize("text", ["limits:\n", "limits: ~\n", "limits: null\nname: radio\n", "limits:\n  # pids: 64\n"])
def test_a_group_with_nothing_below_it_is_not_given(file: Path, text: str) -> None:
    assert loaded(file, text).request.pids is None


@pytest.mark.parametrize("text", ["limits: ''\n", "limits: 3\n", "limits: [a]\n"])
def test_a_group_that_holds_something_else_is_refused(file: Path, text: str) -> None:
    assert faults(file, text)[0].code == "CONFIG-SHAPE"


def test_a_setting_given_in_both_spellings_stands_twice(file: Path) -> None:
    (finding,) = faults(file, "limits.pids: 100\nlimits: {pids: 200}\n")
    assert (finding.code, finding.subject, args(finding)["first"]) == ("CONFIG-TWICE", f"{file}:2", "1")


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "."])
def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure) as caught:
        load({}, {}, tmp_path / path)
    assert caught.value.finding.code == "CONFIG-UNREADABLE"
