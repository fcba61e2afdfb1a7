"""Target local: how it comes to its interpreter, and what the service takes over from the shell."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy_kit import proc
from deploy_kit.errors import ExitCode, Failure
from deploy_kit.facts import SiteFacts, known
from deploy_kit.findings import Message
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.run import local
from deploy_kit.run.job import Job
from deploy_kit.run.state import State
from deploy_kit.tools import environment, python
from tests.support import samples

MAKE = Step(Operation.MAKE_ENVIRONMENT, "server", Message.of("plan.environment-missing"))

UV = """\
#!/bin/sh
echo "uv $* mirror=$UV_PYTHON_INSTALL_MIRROR" >>"$LOG"
[ -z "$BROKEN" ] || { echo "error: https://joe:s3cret@mirror.example/ cannot be reached"; exit 2; }
while [ "$1" != --install-dir ]; do shift; done
mkdir -p "$2/cpython-3.11/bin"
printf '#!/bin/sh\\necho "(3, 11)"; echo "$0"\\n' >"$2/cpython-3.11/bin/python3.11"
chmod +x "$2/cpython-3.11/bin/python3.11"
"""
PIP = """\
#!/bin/sh
echo "pip $*" >>"$LOG"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin"
cp "$UV" "$2/bin/uv"
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without any Python, with stand-ins of uv and of our own interpreter's pip. Nothing is fetched."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "mkdir", "chmod", "cp"):
        (tools / name).symlink_to(shutil.which(name) or "")
    for name, text in (("uv", UV), ("own-python", PIP)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "log").touch()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("UV", str(tmp_path / "uv"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "own-python"))
    inner = python._candidates

    def fewer(*args: Any) -> Any:
        return (path for path in inner(*args) if path.startswith(str(tmp_path)))

    monkeypatch.setattr(python, "_candidates", fewer)
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The interpreters that environments were made with."""
    calls: list[str] = []
    monkeypatch.setattr(environment, "ensure", lambda folder, lock, python, **_: calls.append(python))
    return calls


def job(folder: Path, consent: Callable[..., bool], **changes: Any) -> Job:
    wish = samples.request(target="local", **changes)
    stack = samples.stack(target="local", **changes)
    site = SiteFacts(known({}, "test"), known(None, "test"), known({}, "test"))
    nothing: Any = SimpleNamespace(site=site)
    return Job(wish, nothing, nothing, stack, State("indextts", folder / "state"), lambda event: None, consent)


def test_without_python_uv_is_fetched_for_the_moment_and_brings_one(bare: Path, made: list[str]) -> None:
    asked: list[tuple[Message, tuple[tuple[str, ...], ...]]] = []

    def consent(message: Message, commands: tuple[tuple[str, ...], ...]) -> bool:
        asked.append((message, commands))
        return True

    local.apply(MAKE, job(bare, consent))

    (fetched,) = made
    assert fetched == str(bare / "home/.local/share/deploykit/python/cpython-3.11/bin/python3.11")
    ((message, (pip, uv)),) = asked
    assert message.key == "up.ask-python"
    assert pip[1:6] == ("-m", "pip", "install", "--no-deps", "--require-hashes")
    assert pip[-1].endswith("requirements/uv.txt")
    assert uv[1:3] == ("python", "install")
    assert [row.split()[0] for row in (bare / "log").read_text().splitlines()] == ["pip", "uv"]
    assert list((bare / "state/indextts/local").iterdir()) == []


def test_the_second_time_it_is_found(bare: Path, made: list[str]) -> None:
    local.apply(MAKE, job(bare, lambda *_: True))
    local.apply(MAKE, job(bare, lambda *_: pytest.fail("asked again")))
    assert made[0] == made[1]


def test_a_uv_on_the_path_is_used_as_it_is_and_the_mirror_counts(
    bare: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "tools/uv").symlink_to(bare / "uv")
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "https://mirror.example/python")
    local.apply(MAKE, job(bare, lambda *_: True))
    (row,) = (bare / "log").read_text().splitlines()
    assert row.startswith("uv python install")
    assert row.endswith("mirror=https://mirror.example/python")
    assert len(made) == 1


def test_nothing_is_fetched_without_consent(bare: Path, made: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        local.apply(MAKE, job(bare, lambda *_: False))
    assert (caught.value.finding.code, caught.value.exit_code) == ("HOST-PYTHON-NOT-CONSENTED", ExitCode.HOST)
    assert len(caught.value.finding.commands) == 2
    assert (bare / "log").read_text() == ""
    assert made == []


def test_a_download_that_fails_is_told_without_passwords_and_leaves_nothing(
    bare: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "yes")
    with pytest.raises(Failure) as caught:
        local.apply(MAKE, job(bare, lambda *_: True))
    assert caught.value.finding.code == "HOST-PYTHON-FETCH"
    reason = dict(caught.value.finding.args)["reason"]
    assert "cannot be reached" in reason
    assert "s3cret" not in reason
    assert list((bare / "state/indextts/local").iterdir()) == []
    assert made == []


def test_a_service_takes_over_neither_passwords_nor_settings_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dict[str, str]] = []

    def spawn(argv: object, *, log: Path, env: dict[str, str | None], cwd: Path) -> int:
        started.append(proc.environment(env))
        return os.getpid()

    monkeypatch.setattr(proc, "spawn", spawn)
    foreign = {
        "DEPLOYKIT_BUILD_PACKAGE_INDEX": "https://joe:s3cret@index.example/simple",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PYTHONSTARTUP": "/x.py",
        "TTS_MAX_CHARS": "5",
        "VIRTUAL_ENV": "/venv",
    }
    for name, value in {**foreign, "LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"}.items():
        monkeypatch.setenv(name, value)
    work = job(tmp_path, lambda *_: True)
    work.state.local.mkdir(parents=True)
    local.apply(Step(Operation.START_SERVICE, "indextts", Message.of("plan.service-missing")), work)

    (inside,) = started
    assert not set(foreign) & set(inside)
    assert (inside["LC_ALL"], inside["TZ"], inside["PATH"]) == ("C.UTF-8", "Asia/Shanghai", os.environ["PATH"])
    assert inside["TTS_LOG_FILE"] == str(work.state.local / "service.log")
    assert dict(work.stack.settings).items() <= inside.items()
