"""What detection makes of every replayed host; the answers are kept in `tests/facts`."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit import codec, detect
from deploy_kit.config.request import Listen
from deploy_kit.facts import EngineState, HostFacts, PortTrouble
from tests.support.hosts import FACTS, HOSTS

SOCKET_OF_812 = "socket:[41001]"


def look(name: str, folder: Path) -> HostFacts:
    context = HOSTS[name].context(folder)
    if name == "port-taken":
        handles = folder / "proc/812/fd"
        handles.mkdir()
        (handles / "5").symlink_to(SOCKET_OF_812)
    return detect.observe(context, listen=Listen("127.0.0.1", 7860), places={"state": "/var/lib/deploykit/indextts"})


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_gives_the_facts_on_record(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    facts = look(name, tmp_path)
    file = FACTS / f"{name}.json"
    if request.config.getoption("--update-golden"):
        file.write_text(codec.dumps(facts, indent=1) + "\n", encoding="utf-8")

    assert facts == codec.loads(HostFacts, file.read_text(encoding="utf-8"))


def test_no_record_is_left_without_its_host() -> None:
    assert {path.stem for path in FACTS.glob("*.json")} == set(HOSTS)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("ubuntu-2404-ready", EngineState.READY),
        ("ubuntu-2404-bare", EngineState.NO_CLIENT),
        ("debian-12-client-only", EngineState.NO_ENGINE),
        ("stopped", EngineState.STOPPED),
        ("forbidden-socket", EngineState.FORBIDDEN),
        ("silent-engine", EngineState.SILENT),
        ("remote-ready", EngineState.READY),
        ("remote-unreachable", EngineState.STOPPED),
    ],
)
def test_the_engine_state_says_how_far_a_conversation_gets(name: str, state: EngineState, tmp_path: Path) -> None:
    fact = look(name, tmp_path).engine.state

    assert fact.value is state
    assert fact.source
    assert fact.reason or state is EngineState.READY


def test_a_taken_port_names_its_holder_and_the_next_free_port(tmp_path: Path) -> None:
    port = look("port-taken", tmp_path).port

    assert (port.trouble, port.holder.value, port.alternative.value) == (PortTrouble.TAKEN, "python3 (812)", 7862)


def test_a_port_published_without_a_listening_process_is_taken_too(tmp_path: Path) -> None:
    port = look("port-published", tmp_path).port

    assert (port.free.value, port.holder.value) == (False, "container webui")


def test_a_remote_engine_has_neither_a_disk_nor_a_port_of_ours(tmp_path: Path) -> None:
    facts = look("remote-ready", tmp_path)

    assert not facts.engine.root.known
    assert not facts.port.free.known
    assert facts.engine.version.value == "26.1.3"


def test_a_derivative_tells_the_release_it_builds_on(tmp_path: Path) -> None:
    platform = look("mint-22-bare", tmp_path).platform

    assert (platform.distribution.value, platform.codename.value) == ("linuxmint", "noble")


@pytest.mark.parametrize(
    ("name", "capable"), [("gvisor", False), ("unprivileged-container", False), ("debian-12-bare", True)]
)
def test_the_kernel_decides_whether_an_engine_can_run(name: str, capable: bool, tmp_path: Path) -> None:
    assert look(name, tmp_path).privileges.engine_capable.value is capable


@pytest.mark.parametrize(("name", "version"), [("wsl1", 1), ("wsl2-bare", 2), ("ubuntu-2404-bare", None)])
def test_both_kinds_of_wsl_are_told_apart(name: str, version: int | None, tmp_path: Path) -> None:
    assert look(name, tmp_path).platform.wsl.value == version
