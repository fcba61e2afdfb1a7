"""How ``deploykit test`` reads what pytest left, and what it prints last."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.cli.parser import parse
from deploy_kit.cli.table import find
from deploy_kit.cli.testing import pytest_run
from deploy_kit.messages import Catalogue

REPORT = """\
<testsuites><testsuite>
  <testcase classname="tests.unit.test_a" file="tests/unit/test_a.py" name="x" time="1.25"/>
  <testcase classname="tests.unit.test_a" file="tests/unit/test_a.py" name="y" time="2.5"><failure/></testcase>
  <testcase classname="tests.golden.test_b" file="tests/golden/test_b.py" name="x"><skipped/></testcase>
  <testcase classname="tests.golden.test_b" file="tests/golden/test_b.py" name="y"/>
</testsuite></testsuites>
"""


class Provision:
    """The environments that a run asks for."""

    python = Path("/venv/python")
    server_python = Path("/server/python")
    speaking_python = Path("/engine/python")


def run(
    monkeypatch, tmp_path: Path, tiers: list[str], code: int, **options
) -> tuple[list[pytest_run.Result], list[str]]:
    commands: list[str] = []

    def stream(argv, on_line, **given):
        commands.extend(argv)
        commands.append(given["env"]["DEPLOYKIT_SERVER_PYTHON"])
        report = next(word for word in argv if word.startswith("--junitxml="))
        Path(report.partition("=")[2]).write_text(REPORT)
        for line in ("first", "==== 1 failed, 2 passed ===="):
            on_line(line)
        return proc.Completed(tuple(argv), code, "", "", 1.0)

    monkeypatch.setattr(proc, "stream", stream)
    for tier in ("unit", "golden"):
        (tmp_path / "tests" / tier).mkdir(parents=True)
    settings = {"keyword": None, "words": Catalogue("en"), "lint": []} | options
    return pytest_run.run(tmp_path, tiers, Provision(), **settings), commands  # type: ignore[arg-type]


def test_results_are_counted_by_tier(monkeypatch, tmp_path, capsys) -> None:
    (unit, golden), _ = run(monkeypatch, tmp_path, ["unit", "golden"], 1)
    assert (unit.seconds, golden.seconds) == (3.75, 0)
    assert (unit.counts, unit.passed) == ({"passed": 1, "failed": 1}, False)
    assert (golden.counts, golden.passed) == ({"passed": 1, "skipped": 1}, True)


def test_the_closing_line_is_that_of_pytest(monkeypatch, tmp_path, capsys) -> None:
    run(monkeypatch, tmp_path, ["unit", "golden"], 1)
    assert capsys.readouterr().out.splitlines() == [
        "first",
        "tier unit: failed 1, passed 1 (4 s)",
        "tier golden: passed 1, skipped 1",
        "==== 1 failed, 2 passed ====",
    ]


def test_a_tier_without_tests_has_not_passed(monkeypatch, tmp_path, capsys) -> None:
    (*_, browser), commands = run(monkeypatch, tmp_path, ["unit", "golden", "browser"], 1)
    assert (browser.counts, browser.passed) == ({}, False)
    assert "tests/browser" not in commands


def test_what_follows_two_dashes_goes_to_pytest(monkeypatch, tmp_path, capsys) -> None:
    command = find("test")
    assert command is not None
    options = parse(command, ["--tier", "golden", "--", "--update-golden", "-x"], Catalogue("en"))
    assert options is not None
    assert options.tier == ["golden"]
    _, commands = run(monkeypatch, tmp_path, ["golden"], 0, passed=options.passed)
    assert commands[commands.index("tests/golden") + 1 :][:2] == ["--update-golden", "-x"]


def test_a_pytest_that_could_not_run_is_a_failure(monkeypatch, tmp_path, capsys) -> None:
    (golden,), _ = run(monkeypatch, tmp_path, ["golden"], 4)
    assert not golden.passed


def test_the_servers_interpreter_is_handed_on_and_the_users_settings_are_not(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("DEPLOYKIT_LISTEN", "127.0.0.1:1")
    _, commands = run(monkeypatch, tmp_path, ["unit"], 0)
    assert "/server/python" in commands
    assert pytest_run._environment(Provision())["DEPLOYKIT_LISTEN"] is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("counts", "passed"), [({"passed": 1}, True), ({}, False), ({"skipped": 3}, False)])
def test_only_a_tier_in_which_something_passed_has_passed(counts: dict[str, int], passed: bool) -> None:
    assert pytest_run.Result("unit", counts).passed is passed
