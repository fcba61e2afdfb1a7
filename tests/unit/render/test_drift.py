"""Drift: a unified diff, and nothing when nothing differs."""

from __future__ import annotations

from pathlib import Path

from deploy_kit.render.drift import drift


def test_equal_files_have_no_drift(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\n")

    assert drift({"a": "one\n"}, tmp_path) == ""


def test_a_changed_and_a_missing_file_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\n")

    shown = drift({"a": "one\nthree\n", "b/c": "new\n"}, tmp_path)

    assert "-two\n+three\n" in shown
    assert "--- /dev/null\n+++ b/b/c\n" in shown


def test_a_missing_last_line_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")

    assert "\\ No newline at end of file" in drift({"a": "one\n"}, tmp_path)


def test_a_file_that_is_no_text_is_shown_as_different(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x7fELF\xff\xfe\0\n")

    shown = drift({"a": "one\n"}, tmp_path)

    assert "\\xff\\xfe" in shown
    assert "+one\n" in shown


def test_other_line_ends_are_a_difference(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\r\n")

    assert drift({"a": "one\n"}, tmp_path) != ""


def test_a_folder_in_the_place_of_a_file_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    assert "--- /dev/null" in drift({"a": "one\n"}, tmp_path)
