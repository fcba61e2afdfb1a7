"""What detection makes of every replayed host; the answers are kept in `tests/facts`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from deploy_kit import codec, detect, proc
from deploy_kit.config.request import Listen
from deploy_kit.facts import EngineState, HostFacts, PortTrouble, State
from tests.support.hosts import FACTS, HOSTS
from tests.support.recorded import RECORDED

nvml_probe = Path(detect.__file__).parent / "machine/nvml.py"
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
    assert {path.stem for path in FACTS.glob("*.json")} == {*HOSTS, *RECORDED}


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


def test_a_record_from_before_there_were_cards_still_loads() -> None:
    plain = codec.to_plain(codec.loads(HostFacts, (FACTS / "ubuntu-2404-ready.json").read_bytes()))
    old = {name: value for name, value in plain.items() if name not in ("gpu", "route")}

    found = codec.read(HostFacts, old)

    assert (found.gpu.cards.state, found.route.toolkit.state) == (State.NOT_ASKED, State.NOT_ASKED)


def test_a_driver_that_never_answers_is_given_up(tmp_path: Path) -> None:
    gpu = look("gpu-hanging", tmp_path).gpu

    assert (gpu.nvml.state, gpu.nvml.reason) == (State.UNKNOWN, "no answer in 15 s")
    assert [card.driver for card in gpu.cards.value or ()] == ["nvidia"]


def test_without_a_sign_of_a_card_no_driver_is_asked(tmp_path: Path) -> None:
    assert look("cpu-large", tmp_path).gpu.nvml.state is State.NOT_ASKED


def test_devices_of_cdi_are_read_from_files_where_the_engine_does_not_tell(tmp_path: Path) -> None:
    told, read = (look(name, tmp_path / name).route.cdi_devices for name in ("gpu-cdi-only", "gpu-cdi-files"))

    assert "nvidia.com/gpu=all" in (told.value or ())
    assert read.value == ("nvidia.com/gpu=0", "nvidia.com/gpu=all")


def test_the_probe_of_the_driver_answers_where_there_is_no_library(tmp_path: Path) -> None:
    answer = proc.run((sys.executable, "-I", "-S", str(nvml_probe)), timeout=20, env={"LD_LIBRARY_PATH": str(tmp_path)})

    assert json.loads(answer.stdout)["code"] in (0, 9, 12)
