"""``diagnose``, ``logs --diagnose`` and ``report``: what they read, print and answer."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy_kit import codec
from deploy_kit.cli.commands import up as up_command
from deploy_kit.cli.main import main
from deploy_kit.diagnose import read
from deploy_kit.errors import fail
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Message
from deploy_kit.lifecycle import explain, logs, report, up
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.run.state import State
from tests.support.hosts import FACTS

OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB"
HARMLESS = "groups: cannot find name for group ID 109"


class _Input(io.TextIOWrapper):
    def __init__(self, content: bytes, tty: bool = False) -> None:
        super().__init__(io.BufferedReader(io.BytesIO(content)))
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def pipe(monkeypatch: pytest.MonkeyPatch, content: str | bytes, *, tty: bool = False) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr("sys.stdin", _Input(data, tty))


def test_a_cause_is_shown_with_its_remedy_and_exits_with_4(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pipe(monkeypatch, f"info\n{OOM}\nCUDA error: CUBLAS_STATUS_ALLOC_FAILED\n{HARMLESS}\n")

    assert main(["diagnose"], {}) == 4
    said = capsys.readouterr().out
    assert "P18" in said
    assert "nvidia-smi" in said
    assert said.index("P18") < said.index("P19 ← P18") < said.index("D24")


def test_nothing_found_is_said_and_exits_with_0(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pipe(monkeypatch, "all is well\n")

    assert main(["diagnose"], {}) == 0
    assert "Nothing in this text is known" in capsys.readouterr().out


def test_what_is_harmless_exits_with_0(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pipe(monkeypatch, HARMLESS)

    assert main(["diagnose"], {}) == 0
    assert "D24" in capsys.readouterr().out


def test_a_file_and_a_dash_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "x.log").write_bytes(b"\xff\n" + OOM.encode())
    pipe(monkeypatch, OOM)

    assert main(["diagnose", str(tmp_path / "x.log")], {}) == 4
    assert main(["diagnose", "-"], {}) == 4
    assert capsys.readouterr().out.count("P18") == 2


def test_an_old_log_is_read_as_it_lies_there_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    packed = gzip.compress(OOM.encode())
    (tmp_path / "x.log.2.gz").write_bytes(packed)
    (tmp_path / "cut.gz").write_bytes(packed[:-12])
    (tmp_path / "no.gz").write_bytes(b"\x1f\x8bno")

    assert main(["diagnose", str(tmp_path / "x.log.2.gz")], {}) == 4
    for broken in ("cut.gz", "no.gz"):
        assert main(["diagnose", str(tmp_path / broken)], {}) == 2
        assert "USAGE-READ" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["missing.log", "."])
def test_what_cannot_be_read_is_said(place: str, tmp_path: Path, capsys) -> None:
    assert main(["diagnose", str(tmp_path / place)], {}) == 2
    assert "USAGE-READ" in capsys.readouterr().err


def test_a_terminal_without_a_pipe_gets_told_how(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pipe(monkeypatch, "", tty=True)

    assert main(["diagnose"], {}) == 2
    assert "docker logs" in capsys.readouterr().err


def test_a_source_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, OOM)

    assert main(["diagnose", "--source", "kernel"], {}) == 0


def test_programs_get_a_document(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pipe(monkeypatch, f"{OOM} at https://joe:s3cret@proxy.example/\n")

    assert main(["diagnose", "--output", "json", "--locale", "zh"], {}) == 4
    document = json.loads(capsys.readouterr().out)
    (match,) = document["matches"]
    assert (match["row"], match["code"], match["line_number"], match["count"]) == ("P18", "GPU-OOM", 1, 1)
    assert match["means"] == "显存不足。"
    assert match["commands"] == [["nvidia-smi"]]
    assert "s3cret" not in json.dumps(document)
    assert document["causes"] == 1


def test_a_log_is_diagnosed_in_the_place_of_being_shown(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    asked: list[int] = []

    def diagnosed(_: object, *, lines: int) -> object:
        asked.append(lines)
        return read([OOM])

    monkeypatch.setattr(logs, "diagnosed", diagnosed)

    assert main(["logs", "--diagnose"], {}) == 4
    assert main(["logs", "--diagnose", "--tail", "7"], {}) == 4
    assert "P18" in capsys.readouterr().out
    assert asked == [2000, 7]


def test_a_log_that_is_followed_is_not_diagnosed(capsys) -> None:
    assert main(["logs", "--diagnose", "--follow"], {}) == 2
    assert "USAGE-LOGS-FOLLOW" in capsys.readouterr().err


def test_a_log_is_shown_from_its_last_hundred_lines_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, int]] = []
    monkeypatch.setattr(logs, "follow", lambda _, *, follow, tail: asked.append((follow, tail)))

    main(["logs"], {})
    main(["logs", "-f", "--tail", "0"], {})

    assert asked == [(False, 100), (True, 0)]


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[SimpleNamespace]:
    calls: list[SimpleNamespace] = []

    def collect(request: object, words: object, **more: object) -> report.Bundle:
        calls.append(SimpleNamespace(request=request, **more))
        return report.Bundle({"README.txt": "x", "facts.json": "{}"}, {"plan.json": "no engine"})

    monkeypatch.setattr(report, "collect", collect)
    monkeypatch.chdir(tmp_path)
    return calls


def test_a_report_lists_its_contents_then_writes(collected: list[SimpleNamespace], tmp_path: Path, capsys) -> None:
    assert main(["report", "--output-file", "r.tar.gz"], {}) == 0

    said = capsys.readouterr().out
    assert said.index("facts.json") < said.index("r.tar.gz")
    assert "no engine" in said
    with tarfile.open(tmp_path / "r.tar.gz") as archive:
        assert archive.getnames() == ["r/README.txt", "r/facts.json"]


def test_a_dry_report_writes_nothing(collected: list[SimpleNamespace], tmp_path: Path, capsys) -> None:
    assert main(["report", "--dry-run"], {}) == 0
    assert list(tmp_path.iterdir()) == []
    assert "facts.json" in capsys.readouterr().out


def test_a_report_has_a_name_of_its_own(collected: list[SimpleNamespace], tmp_path: Path, capsys) -> None:
    assert main(["report", "--output", "json"], {}) == 0
    document = json.loads(capsys.readouterr().out)

    assert [path.name for path in tmp_path.iterdir()] == [document["file"]]
    assert document["contents"] == {"README.txt": 1, "facts.json": 2}


def test_a_report_is_made_of_broken_settings_too(collected: list[SimpleNamespace], tmp_path: Path) -> None:
    (tmp_path / "deploykit.yaml").write_text("listen:\n\tbroken\n")

    assert main(["report"], {}) == 0
    assert collected[0].trouble.finding.code.startswith("CONFIG-")


def test_what_can_be_read_of_broken_settings_is_kept_and_the_rest_is_told(
    collected: list[SimpleNamespace], tmp_path: Path, capsys
) -> None:
    (tmp_path / "deploykit.yaml").write_text("listen: [\n")

    assert main(["report", "--name", "mine"], {"DEPLOYKIT_DEVICE": "cpu"}) == 0
    assert (collected[0].request.name, collected[0].request.device) == ("mine", "cpu")
    assert main(["report", "--name", "mine"], {"DEPLOYKIT_LISTEN": "?"}) == 0
    assert collected[1].request.name == "mine"
    assert main(["report", "--name", "mine", "--listen", "?"], {}) == 0
    assert collected[2].request.name == "mine"
    assert main(["report", "--name", "Not A Name"], {}) == 0
    assert collected[3].request.name == "indextts"
    said = capsys.readouterr().out
    assert "this report is about the stack mine" in said
    assert "CONFIG-" in said


def test_a_report_goes_into_a_pipe_with_its_list_beside_it(
    collected: list[SimpleNamespace], tmp_path: Path, capfdbinary
) -> None:
    assert main(["report", "-o", "-"], {}) == 0

    out, err = capfdbinary.readouterr()
    with tarfile.open(fileobj=io.BytesIO(out)) as archive:
        assert archive.getnames() == ["report/README.txt", "report/facts.json"]
    assert b"facts.json" in err
    assert list(tmp_path.iterdir()) == []


def test_a_report_and_json_do_not_share_an_output(collected: list[SimpleNamespace], capsys) -> None:
    assert main(["report", "-o", "-", "--output", "json"], {}) == 2
    assert "USAGE-TWO-OUTPUTS" in capsys.readouterr().out


def test_a_report_that_cannot_be_written_is_said(collected: list[SimpleNamespace], capsys) -> None:
    assert main(["report", "-o", "/proc/nowhere/x.tar.gz"], {}) == 2
    assert "USAGE-WRITE" in capsys.readouterr().err


def test_up_shows_the_causes_under_its_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the failing step to the terminal: everything between is real."""
    from tests.support import samples

    found = read(["NVRM: Xid (PCI:0000:01:00): 79, pid=1", "Torch not compiled with CUDA enabled"])
    host = codec.loads(HostFacts, (FACTS / "gpu-h200.json").read_bytes())
    prepared = SimpleNamespace(
        state=State("indextts", tmp_path), facts=host, stack=samples.stack(), verdict=SimpleNamespace(blockers=()),
        steps=(Step(Operation.WAIT_READY, "indextts", Message("x")),), key=None, token=None,
    )  # fmt: skip

    def fails(*_: object) -> None:
        raise fail("HEALTH-EXITED", "indextts", exit=139, oom="")

    monkeypatch.setattr(up, "prepare", lambda *_, **__: prepared)
    monkeypatch.setattr(up, "ready_host", lambda *_, **__: prepared)
    monkeypatch.setattr(up, "perform", fails)
    monkeypatch.setattr(up_command, "settled", lambda _: None)
    monkeypatch.setattr(explain, "service", lambda *_, **__: found)

    assert main(["up", "--yes", "--progress", "quiet"], {}) == 7
    said = capsys.readouterr().err
    assert said.index("HEALTH-EXITED") < said.index("Xid 79") < said.index("P07")
    assert main(["up", "--yes", "--output", "json"], {}) == 7
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [finding["code"] for finding in document["findings"]] == ["HEALTH-EXITED", "L02", "P07"]
