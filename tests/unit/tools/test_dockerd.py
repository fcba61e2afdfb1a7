"""How the engine is started here, and what a start that fails has to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.errors import Failure
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.progress import Event
from deploy_kit.tools import dockerd


def write(root: Path, path: str, text: str = "") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def quiet(event: Event) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"proc/1/comm": "systemd\n"}, ("systemctl", "enable", "--now", "docker")),
        ({"proc/1/comm": "init\n", "sbin/openrc-run": "", "etc/init.d/docker": ""}, ("rc-service", "docker", "start")),
        ({"proc/1/comm": "init\n", "etc/init.d/docker": ""}, ("service", "docker", "start")),
    ],
)
def test_the_init_system_starts_the_engine(files: dict[str, str], words: tuple[str, ...], tmp_path: Path) -> None:
    for path, text in files.items():
        write(tmp_path, path, text)

    assert dockerd.commands(False, root=tmp_path) == (words,)
    assert dockerd.commands(True, root=tmp_path) == (("sudo", *words),)


@pytest.mark.parametrize("comm", ["bash\n", "init\n", ""])
def test_without_an_init_system_the_daemon_is_started_directly(comm: str, tmp_path: Path) -> None:
    write(tmp_path, "proc/1/comm", comm)
    (command,) = dockerd.commands(False, root=tmp_path)

    assert "dockerd" in command[-1]
    assert str(dockerd.LOG) in command[-1]


@pytest.mark.parametrize(
    ("comm", "stays"), [("dockerd\n", True), ("sshd\n", False), (None, False)], ids=["alive", "number reused", "dead"]
)
def test_only_a_living_daemon_keeps_its_process_id_file(comm: str | None, stays: bool, tmp_path: Path) -> None:
    file = write(tmp_path, "run/docker.pid", "4711\n")
    if comm is not None:
        write(tmp_path, "proc/4711/comm", comm)
    dockerd.clear_stale(tmp_path)

    assert file.exists() is stays


def test_a_running_engine_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(dockerd, "answers", lambda **options: True)
    monkeypatch.setattr(proc, "stream", lambda *args, **options: started.append(args))
    dockerd.start(quiet, sudo=False)

    assert started == []


def test_a_daemon_that_dies_is_reported_with_its_last_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = write(tmp_path, "log", "failed to start daemon: iptables not found\n")
    monkeypatch.setattr(dockerd, "LOG", log)
    monkeypatch.setattr(dockerd, "answers", lambda **options: False)
    monkeypatch.setattr(dockerd, "_init", lambda root: "bash")
    monkeypatch.setattr(dockerd, "clear_stale", lambda root: None)
    monkeypatch.setattr(dockerd, "_alive", lambda pid: False)
    monkeypatch.setattr(proc, "stream", lambda argv, *rest, **options: proc.Completed(argv, 0, "4711\n", "", 0))
    with pytest.raises(Failure) as caught:
        dockerd.start(quiet, sudo=False)
    finding = caught.value.finding

    assert finding.code == "ENGINE-START-FAILED"
    for locale in LOCALES:
        assert "iptables not found" in Catalogue(locale).text(finding.sentence("why").key, finding.args)


def test_an_engine_that_never_answers_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dockerd, "LOG", tmp_path / "none")
    monkeypatch.setattr(dockerd, "answers", lambda **options: False)
    monkeypatch.setattr(dockerd, "_launch", lambda *args: None)
    with pytest.raises(Failure) as caught:
        dockerd.start(quiet, sudo=False, seconds=0)

    assert caught.value.finding.code == "ENGINE-START-LATE"
    for locale in LOCALES:
        for part in ("what", "why", "remedy"):
            assert Catalogue(locale).text(caught.value.finding.sentence(part).key, caught.value.finding.args)
