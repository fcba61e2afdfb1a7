"""The small commands, with the lifecycle behind them replaced."""

from __future__ import annotations

import io
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy_kit import verify
from deploy_kit.cli.main import main
from deploy_kit.findings import Finding, Severity
from deploy_kit.lifecycle import speak, status
from deploy_kit.lifecycle.status import Status
from tests.support import samples
from tests.support.hosts import FACTS

WAV = b"RIFF....WAVE"


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, dict[str, object]]]:
    """Calls of ``say`` that reached the service."""
    calls: list[tuple[str, dict[str, object]]] = []

    def say(request: object, text: str, **options: object) -> speak.Said:
        calls.append((text, options))
        return speak.Said(WAV, ("reference_cut",) if text == "noted" else ())

    monkeypatch.setattr(speak, "say", say)
    monkeypatch.chdir(tmp_path)
    return calls


class _Bytes(io.TextIOWrapper):
    def __init__(self, data: bytes = b"", tty: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def test_say_writes_a_file_and_tells_its_name(spoken, tmp_path: Path, capsys) -> None:
    assert main(["say", "hello", "-o", "a.wav", "--lang", "en", "--speed", "1.5"], {}) == 0
    assert (tmp_path / "a.wav").read_bytes() == WAV
    wish = {"lang": "en", "voice": None, "speed": 1.5, "manner": speak.Manner(), "explicit": frozenset()}
    assert spoken == [("hello", wish)]
    assert capsys.readouterr().out.startswith("a.wav: 12 B in ")


def test_say_passes_on_how_it_is_to_be_said(spoken) -> None:
    words = ["--model", "indextts-2.5", "--emotion", "happy=0.5, calm=0.2", "--duration", "1.2", "--seed", "7"]
    main(["say", "hello", *words, "--reference", "me.wav", "--emotion-text", "glad"], {})
    assert spoken[0][1]["manner"] == speak.Manner(
        "indextts-2.5", (("happy", 0.5), ("calm", 0.2)), "glad", Path("me.wav"), 1.2, 7
    )


@pytest.mark.parametrize("text", ["happy", "happy=", "happy=much", "=0.5x", "calm=nan"])
def test_an_emotion_without_a_weight_is_refused(spoken, text: str) -> None:
    assert main(["say", "hello", "--emotion", text], {}) == 2
    assert spoken == []


@pytest.mark.parametrize("text", ["happy=0.5,happy=0.2", "happy=0.1, HAPPY =0.1", "calm=1,happy=0,calm=1"])
def test_an_emotion_that_is_named_twice_is_refused(spoken, capsys, text: str) -> None:
    assert main(["say", "hello", "--emotion", text], {}) == 2
    assert "USAGE-EMOTION-TWICE" in capsys.readouterr().err
    assert spoken == []


def test_say_shows_what_the_engine_remarked(spoken, capsys) -> None:
    main(["say", "noted"], {})
    shown = capsys.readouterr()
    assert "15 seconds" in shown.err
    assert "speech.wav" in shown.out
    main(["say", "noted", "--output", "json"], {})
    out, err = capsys.readouterr()
    (note,) = json.loads(out)["notes"]
    assert (note["code"], "15 seconds" in note["message"], err) == ("reference_cut", True, "")


def test_say_tells_apart_what_was_given_for_this_call(spoken) -> None:
    main(["say", "hello", "--listen", "127.0.0.1:9", "--name", "radio"], {"DEPLOYKIT_API_KEY_FILE": "/key"})
    assert spoken[0][1]["explicit"] == {"listen", "name"}


def test_say_leaves_nothing_but_the_file(spoken, tmp_path: Path) -> None:
    main(["say", "hello"], {})
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


def test_say_to_standard_output_is_only_sound(spoken, monkeypatch) -> None:
    out = _Bytes()
    monkeypatch.setattr("sys.stdout", out)
    assert main(["say", "hello", "-o", "-"], {}) == 0
    assert out.buffer.getvalue() == WAV


def test_say_does_not_write_sound_to_a_terminal(spoken, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdout", _Bytes(tty=True))
    assert main(["say", "hello", "-o", "-"], {}) == 2
    assert spoken == []


def test_say_reads_the_text_from_standard_input(spoken, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", _Bytes("你好".encode()))
    assert main(["say", "-", "-o", "a.wav"], {}) == 0
    assert spoken[0][0] == "你好"


def test_say_refuses_text_that_is_no_utf_8(spoken, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", _Bytes(b"a\xff"))
    assert main(["say", "-"], {}) == 2
    assert "USAGE-TEXT" in capsys.readouterr().err


def test_say_into_a_folder_that_is_not_there_is_a_finding(spoken, capsys) -> None:
    assert main(["say", "hello", "-o", "no/where.wav"], {}) == 2
    assert "USAGE-WRITE" in capsys.readouterr().err


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Status:
    """What ``status`` sees."""
    value = Status(
        name="indextts", target="compose", state="running", ready=True, url="http://127.0.0.1:7860", variant="core",
        device="cpu", engine="espeak", image="deploykit/core:1", since="2026-01-01T00:00:00Z", detail={},
    )  # fmt: skip
    monkeypatch.setattr(status, "status", lambda request: value)
    monkeypatch.chdir(tmp_path)
    return value


def test_status_is_a_table(found, capsys) -> None:
    assert main(["status"], {}) == 0
    rows = dict(row.split(None, 1) for row in capsys.readouterr().out.splitlines())
    assert (rows["state"], rows["health"], rows["URL"]) == ("running", "ready", found.url)


def test_ending_the_watch_is_no_fault(found, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", enough)

    assert main(["status", "--watch"], {}) == 130
    assert capsys.readouterr().err == ""


def test_status_as_json_is_the_value(found, capsys) -> None:
    main(["status", "--output", "json"], {})
    assert json.loads(capsys.readouterr().out)["ready"] is True


def test_init_writes_a_file_once(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"], {}) == 0
    assert "#listen: 127.0.0.1:7860" in (tmp_path / "deploykit.yaml").read_text()
    (tmp_path / "deploykit.yaml").write_text("name: mine\n")
    assert main(["init"], {}) == 2
    assert "CONFIG-EXISTS" in capsys.readouterr().err
    assert (tmp_path / "deploykit.yaml").read_text() == "name: mine\n"
    assert main(["init", "--force", "--locale", "zh"], {}) == 0
    assert "部署的名称" in (tmp_path / "deploykit.yaml").read_text(encoding="utf-8")


def test_schema_prints_json(capsys) -> None:
    assert main(["schema"], {}) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "deploykit.yaml"


def test_the_config_file_of_the_folder_is_read_and_its_faults_are_told(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploykit.yaml").write_text("lisen: 1\n")
    assert main(["status"], {}) == 2
    assert "deploykit.yaml:1" in capsys.readouterr().err


def test_an_unknown_variable_is_a_warning_on_standard_error(found, capsys) -> None:
    assert main(["status"], {"DEPLOYKIT_NAM": "x"}) == 0
    out, err = capsys.readouterr()
    assert "CONFIG-VARIABLE" in err
    assert "CONFIG-VARIABLE" not in out


@pytest.mark.parametrize("command", ["status", "down", "logs", "say"])
def test_commands_that_find_the_target_out_by_themselves_do_not_take_one(command: str, capsys) -> None:
    text = ("hello",) if command == "say" else ()
    assert main([command, *text, "--target", "local"], {}) == 2
    assert "USAGE-OPTION" in capsys.readouterr().err


def test_render_for_target_local_says_that_there_is_nothing_to_render(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("deploy_kit.lifecycle.up.prepare", lambda request, facts: prepared("local"))
    assert main(["render", str(tmp_path / "out"), "--target", "local"], {}) == 0
    assert "nothing to render" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def prepared(target: str, **more: object) -> SimpleNamespace:
    return SimpleNamespace(stack=samples.stack(target=target), state=None, key=None, **more)


def test_render_write_writes_what_differs_from_the_committed_files(tmp_path: Path, monkeypatch, capsys) -> None:
    from deploy_kit.cli.commands import render

    monkeypatch.setattr(render, "_committed", lambda: {"a/one": "1\n", "two": "2\n"})
    monkeypatch.setattr(render, "_checkout", lambda: tmp_path)
    (tmp_path / "two").write_text("2\n")
    assert main(["render", "--write"], {}) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a/one'}\n"
    assert main(["render", "--check"], {}) == 0
    assert main(["render", "--write"], {}) == 0
    assert "2 files" in capsys.readouterr().out


@pytest.mark.parametrize("other", [["--check"], ["out"]])
def test_render_write_goes_with_nothing_else(other: list[str], tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["render", "--write", *other], {}) == 2
    assert "USAGE-RENDER-WRITE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unverified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A host for ``verify``: an engine that answers and an image, until a test takes them away."""
    from deploy_kit.tools import docker

    own = prepared("compose", verdict=SimpleNamespace(blockers=()), observed=SimpleNamespace(engine_up=True))
    monkeypatch.setattr("deploy_kit.lifecycle.up.prepare", lambda request: own)
    monkeypatch.setattr(docker, "image", lambda reference: None)
    monkeypatch.setattr(verify, "run", lambda *_, **__: pytest.fail("the checks were run"))
    monkeypatch.chdir(tmp_path)
    return own


def test_verify_without_an_image_says_to_build_it(unverified, capsys) -> None:
    assert main(["verify", "--name", "radio"], {}) == 2
    err = capsys.readouterr().err
    assert "USAGE-NOT-BUILT" in err
    assert "deploykit build --name radio" in err


def test_verify_without_an_engine_says_so(unverified, capsys) -> None:
    unverified.observed.engine_up = False
    assert main(["verify"], {}) == 5
    assert "ENGINE-NOT-READY" in capsys.readouterr().err


def test_verify_passes_on_what_is_wrong_with_the_engine_and_nothing_else(unverified, capsys) -> None:
    port = Finding.of("HOST-PORT-TAKEN-UNSEEN", Severity.BLOCKER, "127.0.0.1:1")
    stopped = Finding.of("ENGINE-STOPPED", Severity.BLOCKER, "/var/run/docker.sock")
    unverified.verdict.blockers = (port, stopped)
    assert main(["verify"], {}) == 5
    err = capsys.readouterr().err
    assert "ENGINE-STOPPED" in err
    assert "HOST-PORT" not in err


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 1000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


HOST = str(FACTS / "ubuntu-2404-bare.json")


@pytest.mark.parametrize(
    ("argv", "file"),
    [
        (["init", "--force", "old"], "old"),
        (["doctor", "--facts", HOST, "--save", "old"], "old"),
        (["render", "--facts", HOST, "."], "compose.yaml"),
        (["say", "hello", "-o", "old"], "old"),
    ],
)
def test_a_full_disk_leaves_the_old_file(spoken, tmp_path: Path, monkeypatch, capsys, small_disk, argv, file) -> None:
    monkeypatch.setattr(speak, "say", lambda *_, **__: speak.Said(WAV * 1000))
    (tmp_path / file).write_text("mine\n")

    assert main(argv, {}) == 2

    assert "USAGE-WRITE" in capsys.readouterr().err
    assert (tmp_path / file).read_text() == "mine\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file]


@pytest.mark.parametrize(
    "argv", [["init", "/"], ["init", "--force", "."], ["say", "hi", "-o", "/"], ["say", "hi", "-o", "."]]
)
def test_a_folder_is_no_file_to_write_to(spoken, capsys, argv: list[str]) -> None:
    assert main(argv, {}) == 2

    shown = capsys.readouterr().err
    assert "USAGE-WRITE" in shown
    assert "Is a directory" in shown
    assert spoken == []


def test_what_cannot_be_written_is_not_spoken_first(spoken, capsys) -> None:
    assert main(["say", "hello", "-o", "no/where.wav"], {}) == 2
    assert spoken == []
