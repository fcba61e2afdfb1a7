"""Why a service failed: its exit code, its log and what the tools said, through the book of failures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy_kit import codec, proc
from deploy_kit.compat.verdict import DeviceRequest, RequestKind
from deploy_kit.diagnose import Cause
from deploy_kit.errors import Failure, fail
from deploy_kit.facts import HostFacts, UpkeepFacts, known
from deploy_kit.lifecycle import explain, site
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.run.state import State
from deploy_kit.tools import docker
from tests.support import samples

FACTS = Path(__file__).parents[2] / "facts"


def facts(name: str = "ubuntu-2404-ready", log: tuple[str, ...] = ()) -> HostFacts:
    found = codec.loads(HostFacts, (FACTS / f"{name}.json").read_bytes())
    return replace(found, upkeep=UpkeepFacts(log=known(log, "dmesg")))


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State("indextts", tmp_path)


def runs(
    monkeypatch: pytest.MonkeyPatch,
    *lines: str,
    status: str = "exited",
    code: int = 1,
    oom: bool = False,
    error: str = "",
) -> None:
    container = SimpleNamespace(id="c1", status=status, exit_code=code, oom_killed=oom, error=error)
    monkeypatch.setattr(explain, "running", lambda _: site.Running(container, None))  # type: ignore[arg-type]
    monkeypatch.setattr(docker, "logs_tail", lambda *_: lines)


def codes(failure: Failure) -> list[str]:
    return [finding.code for finding in failure.more]


def test_the_log_of_a_service_that_ended_names_the_cause(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "info listening", "HOST-LISTEN: x", "OSError: [Errno 98] x: address already in use", code=4)

    explained = explain.explained(fail("HEALTH-EXITED", "indextts", exit=4, oom=""), state, facts())

    assert explained.finding.code == "HEALTH-EXITED"
    assert codes(explained)[0] == "G02"


def test_want_of_memory_goes_before_what_the_log_says(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "worker lost: engine=x pid=7 exit -9 in phase ready after 1.0 s", code=137, oom=True)

    assert codes(explain.explained(fail("HEALTH-EXITED", "x", exit=137, oom=" (OOM)"), state, facts())) == ["D47"]


@pytest.mark.parametrize(("status", "rows"), [("created", ["D28", "D27"]), ("running", [])])
def test_why_the_engine_could_not_start_it_is_known_as_long_as_it_stands(
    state: State, monkeypatch: pytest.MonkeyPatch, status: str, rows: list[str]
) -> None:
    error = (
        "driver failed programming external connectivity on endpoint x: Error starting userland proxy: "
        "listen tcp4 127.0.0.1:7860: bind: address already in use"
    )
    runs(monkeypatch, status=status, code=128, error=error)

    assert [match.row for match in explain.service(state)] == rows


def test_a_line_that_the_failure_has_shown_is_not_shown_again(state: State) -> None:
    said = "Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?"

    (cause,) = explain.explained(fail("ENGINE-COMPOSE-FAILED", "x", reason=said), state, facts()).more

    assert cause.sentence("why").key == "book.seen.above"


def test_a_running_service_has_no_exit_code(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "nothing of note", status="running", code=137)

    assert explain.service(state) == ()


def test_no_more_than_three_causes_are_given(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "CUDA out of memory",
        "invalid device ordinal",
        "libGL.so.1: cannot open shared object",
        "Format not recognised",
    )
    runs(monkeypatch, *lines)

    assert len(codes(explain.explained(fail("HEALTH-STUCK", "x", seconds=60, step="api"), state, facts()))) == 3


def test_what_the_failure_says_itself_is_not_said_twice(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, status="running")
    failure = fail("BUILD-DISK-FULL", "x", lines="no space left on device", said="no space left on device", reason="")

    assert explain.explained(failure, state, facts()) is failure


def test_what_compose_said_is_explained(state: State) -> None:
    said = 'Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]'
    explained = explain.explained(fail("ENGINE-COMPOSE-FAILED", "x", reason=said, said=said), state, facts())

    assert codes(explained) == ["D01"]
    assert explained.more[0].commands[0] == ("sudo", "apt-get", "install", "-y", "nvidia-container-toolkit")


def test_a_build_that_nobody_foresaw_is_explained_by_general_rows(state: State) -> None:
    said = "ERROR: Failed building wheel for pynini"

    assert codes(explain.explained(fail("BUILD-FAILED", "x", lines=said, said=said), state, facts())) == ["S09"]


def test_the_kernel_is_asked_when_the_stack_has_a_card(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "worker lost: engine=x pid=7 exit 1", status="running")
    host = facts(log=("NVRM: Xid (PCI:0000:01:00): 79, pid=1",))
    failure = fail("HEALTH-STUCK", "x", seconds=60, step="engine")
    state.save_stack(samples.stack())

    assert codes(explain.explained(failure, state, host)) == ["O01"]
    state.save_stack(replace(samples.stack(), gpu=DeviceRequest(RequestKind.RESERVATION)))
    assert codes(explain.explained(failure, state, host)) == ["L02"]


def test_whoever_explains_never_fails_in_its_place(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> object:
        raise proc.CommandTimeout(("docker",), "no end")

    monkeypatch.setattr(explain, "running", silent)
    failure = fail("HEALTH-STUCK", "x", seconds=60, step="api")

    assert explain.explained(failure, state, facts()) is failure


def test_a_failure_passes_with_its_causes(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "CUDA out of memory")

    with pytest.raises(Failure) as caught, explain.failures(state, facts()):
        raise fail("HEALTH-EXITED", "x", exit=1, oom="")
    assert codes(caught.value)[0] == "P18"


def test_shown_lines_hold_no_secret(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "Max retries exceeded with url: /x?token=hunter2hunter2 via http://joe:s3cret@proxy:1")
    (match, *_) = explain.service(state)

    assert "hunter2" not in match.line
    assert "s3cret" not in match.line


@pytest.mark.parametrize("locale", LOCALES)
def test_a_cause_can_be_said(locale: str, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "CUDA out of memory {braces}", code=139)

    for match in explain.service(state):
        cause = Cause.of_match(match)
        for part in ("what", "why", "remedy"):
            sentence = cause.sentence(part)
            assert Catalogue(locale).text(sentence.key, sentence.args)


@pytest.mark.parametrize(
    ("name", "family"), [("ubuntu-2404-ready", "debian"), ("fedora-bare", "fedora"), ("alpine-bare", "")]
)
def test_a_host_belongs_to_a_family(name: str, family: str) -> None:
    assert explain.family_of(facts(name)) == family
