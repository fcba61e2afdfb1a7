"""The way in and out: every ending is an exit code and, where it went wrong, a finding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy_kit import __version__
from deploy_kit.cli.main import early_locale, main, split
from deploy_kit.errors import fail

ROOT = Path(__file__).parents[3]


def run(capsys: pytest.CaptureFixture[str], *argv: str, **environment: str) -> tuple[int, str, str]:
    code = main(list(argv), environment)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_help_lists_every_command_in_both_languages(capsys) -> None:
    for locale, word in (("en", "Commands:"), ("zh", "命令：")):
        code, out, _ = run(capsys, "--locale", locale, "--help")
        assert code == 0
        assert word in out
        assert "  completion " in out


def test_no_command_is_answered_with_help(capsys) -> None:
    assert run(capsys)[:2] == run(capsys, "--help")[:2]


def test_help_of_a_command_has_two_spellings(capsys) -> None:
    assert run(capsys, "help", "say") == run(capsys, "say", "--help")


def test_version(capsys) -> None:
    assert run(capsys, "--version") == (0, f"deploykit {__version__}\n", "")


def test_an_unknown_command_is_answered_with_the_nearest(capsys) -> None:
    code, out, err = run(capsys, "statsu")
    assert (code, out) == (2, "")
    assert "USAGE-COMMAND" in err
    assert "deploykit status" in err


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (["up", "--lisen", "x"], "USAGE-OPTION", "--listen"),
        (["doctor", "--json"], "USAGE-OPTION", "--output"),
        (["--lcale", "zh"], "USAGE-OPTION", "--locale"),
        (["say"], "USAGE-ARGUMENTS", "TEXT"),
        (["say", "a", "b"], "USAGE-EXTRA", "b"),
        (["logs", "--tail", "many"], "USAGE-ARGUMENTS", "many"),
        (["say", "hi", "--speed", "nan"], "USAGE-ARGUMENTS", "nan"),
        (["say", "hi", "--speed", "1e999"], "USAGE-ARGUMENTS", "1e999"),
        (["logs", "--tail", "1" * 5000], "USAGE-ARGUMENTS", "--tail"),
        (["completion", "tcsh"], "USAGE-ARGUMENTS", "tcsh"),
        (["up", "--progress"], "USAGE-ARGUMENTS", "--progress"),
        (["render"], "USAGE-FOLDER", "render"),
        (["status", "--config", "/nowhere.yaml"], "CONFIG-MISSING", "/nowhere.yaml"),
        (["plan", "--facts", "/nowhere.json"], "USAGE-FACTS", "/nowhere.json"),
        (["plan", "--listen", "7860"], "CONFIG-ADDRESS", "--listen"),
        (["test", "--tier", "moon"], "USAGE-ARGUMENTS", "moon"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(capsys, argv: list[str], code: str, word: str) -> None:
    found, out, err = run(capsys, *argv)
    assert (found, out) == (2, "")
    assert code in err
    assert word in err


def test_wrong_usage_speaks_chinese_too(capsys) -> None:
    assert "缺少必需的参数" in run(capsys, "say", LANG="zh_CN.UTF-8")[2]


def test_a_failure_as_json_is_one_object_with_the_whole_finding(capsys) -> None:
    code, out, err = run(capsys, "--output", "json", "plan", "--target", "moon")
    document = json.loads(out)
    assert (code, err, document["exit_code"], document["event"]) == (2, "", 2, "failure")
    (finding,) = document["findings"]
    assert finding["code"] == "CONFIG-CHOICE"
    assert set(finding) == {"code", "severity", "subject", "what", "why", "remedy", "commands", "evidence"}


def test_options_of_all_commands_may_stand_before_the_command() -> None:
    assert split(["--output", "json", "--debug", "up", "--yes"]) == (["--output", "json", "--debug"], "up", ["--yes"])
    assert split(["--output=json", "up"]) == (["--output=json"], "up", [])
    assert split(["--name", "radio", "status"]) == (["--name", "radio"], "status", [])
    assert split([]) == ([], None, [])


@pytest.mark.parametrize(
    ("argv", "environment", "locale"),
    [
        (["--locale", "zh"], {}, "zh"),
        (["--locale=zh"], {"LANG": "en_US"}, "zh"),
        (["say", "--", "--locale=zh"], {}, "en"),
        ([], {"DEPLOYKIT_LOCALE": "zh"}, "zh"),
        (["--locale", "fr"], {"LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_language_is_known_before_the_arguments_are(argv, environment, locale) -> None:
    assert early_locale(argv, environment) == locale


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch):
    """Make a command (``schema``) end with an exception."""

    def make(error: BaseException, command: str = "schema") -> None:
        def run(session: object) -> int:
            raise error

        monkeypatch.setattr(f"deploy_kit.cli.commands.{command}.run", run)

    return make


def test_an_unforeseen_exception_is_a_finding_without_a_traceback(capsys, breaking) -> None:
    breaking(ZeroDivisionError("by zero"))
    code, _, err = run(capsys, "schema")
    assert code == 1
    assert "INTERNAL-BUG" in err
    assert "ZeroDivisionError: by zero" in err
    assert "Traceback" not in err


def test_with_debug_the_traceback_is_shown(capsys, breaking) -> None:
    breaking(ZeroDivisionError("by zero"))
    assert "Traceback" in run(capsys, "schema", "--debug")[2]


def test_ctrl_c_exits_with_130_and_says_that_the_next_run_goes_on(capsys, breaking) -> None:
    breaking(KeyboardInterrupt())
    code, _, err = run(capsys, "schema")
    assert code == 130
    assert "goes on" in err


def test_ctrl_c_shows_the_whole_command_again(capsys, breaking, monkeypatch) -> None:
    breaking(KeyboardInterrupt(), "plan")
    argv = ("--name", "radio", "plan", "--target", "local", "--listen", "127.0.0.1:9")
    _, _, err = run(capsys, *argv)
    assert f"deploykit {' '.join(argv)}\n" in err


def test_a_remedy_keeps_the_settings_that_were_typed(capsys, breaking) -> None:
    """Copied as it stands, it is about the same stack."""
    commands = (
        ("deploykit", "up", "--listen", "127.0.0.1:7861"),
        ("deploykit", "logs"),
        ("deploykit", "up", "--target", "local"),
        ("deploykit", "completion", "bash"),
        ("docker", "system", "df"),
    )
    breaking(fail("HOST-PORT-TAKEN", "x", commands=commands, holder="y"), "plan")
    typed = ("--name", "radio", "plan", "--listen=127.0.0.1:1", "--target", "compose", "--limits-memory", "2GiB")
    _, _, err = run(capsys, *typed)
    assert [row.strip() for row in err.splitlines()[-5:]] == [
        "deploykit up --listen 127.0.0.1:7861 --name radio --target compose --limits-memory 2GiB",
        "deploykit logs --name radio",
        "deploykit up --target local --name radio --listen=127.0.0.1:1",
        "deploykit completion bash",
        "docker system df",
    ]
    _, out, _ = run(capsys, "--output", "json", *typed)
    shown = json.loads(out)["findings"][0]["commands"]
    assert shown[1] == ["deploykit", "logs", "--name", "radio"]


def test_a_password_that_was_typed_is_not_shown_again(capsys, breaking) -> None:
    breaking(KeyboardInterrupt(), "plan")
    _, _, err = run(capsys, "plan", "--build-package-index", "https://joe:s3cret@index.example/simple")
    assert "s3cret" not in err


@pytest.mark.parametrize(
    ("code", "number"),
    [("HOST-DISK", 4), ("ENGINE-MISSING", 5), ("BUILD-FAILED", 6), ("SPEECH-REFUSED", 8), ("DRIFT-X", 3)],
)
def test_the_family_of_a_finding_decides_the_exit_code(capsys, breaking, code: str, number: int) -> None:
    breaking(fail(code, "x"))
    found, _, err = run(capsys, "schema")
    assert found == number
    assert code in err


def python(*argv: str, **options) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        (sys.executable, *argv), capture_output=True, text=True, env=environment, timeout=60, **options
    )


HEAVY = ("yaml", "rich", "jinja2", "pydantic", "docker", "pytest", "http.client", "asyncio", "ssl", "email")


def test_help_loads_next_to_nothing() -> None:
    script = (
        "import sys; from deploy_kit.cli.main import main; main(['--help'], {}); print(*sys.modules, file=sys.stderr)"
    )
    loaded = python("-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}").stderr.split()
    assert [name for name in (*HEAVY, "argparse", "dataclasses") if name in loaded] == []


def test_status_is_parsed_and_configured_without_heavy_libraries(tmp_path: Path) -> None:
    script = (
        "import sys; from deploy_kit.cli import session, table;"
        "found = session.Session.open(table.find('status'), ['--name', 'radio'], {});"
        "assert found.request.name == 'radio'; import deploy_kit.cli.commands.status, deploy_kit.cli.commands.up;"
        "print(*sys.modules)"
    )
    done = python("-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [
        name for name in ("yaml", "rich", "jinja2", "pydantic", "docker", "pytest") if name in done.stdout.split()
    ] == []


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    done = subprocess.run(
        f"{sys.executable} -m deploy_kit schema | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("{\n", "")
    assert done.returncode in (0, 141)
