"""The engine's environment under target local: when it is made, with what, and what counts as made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy_kit import data, proc
from deploy_kit.builder import engine_source, payload
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import Failure
from deploy_kit.facts import SiteFacts, known
from deploy_kit.progress import Event
from deploy_kit.run import local_engine
from deploy_kit.run.job import Job
from deploy_kit.run.state import State
from deploy_kit.tools import environment
from tests.support import samples

BUILD = BuildSettings("base")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> engine_source.EngineSource:
    found = engine_source.EngineSource(tmp_path / "source", "d" * 64, locked=True, stand_in=False)
    monkeypatch.setattr(engine_source, "acquire", lambda *_: found)
    return found


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The scripts that were run."""
    calls: list[tuple[str, ...]] = []

    def stream(argv: tuple[str, ...], on_line: Any, **_: Any) -> proc.Completed:
        calls.append(argv)
        return proc.Completed(argv, 0, "", "", 0.1)

    monkeypatch.setattr(proc, "stream", stream)
    return calls


@pytest.fixture
def ensured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How the environment was asked for; it is there then, as pip would leave it."""
    calls: list[dict[str, Any]] = []

    def ensure(folder: Path, lock: Path, python: str, **options: Any) -> bool:
        calls.append({"lock": lock.read_text(encoding="utf-8"), "python": python, **options})
        folder.mkdir(parents=True, exist_ok=True)
        (folder / environment.LOCK).write_text(calls[-1]["lock"], encoding="utf-8")
        return True

    monkeypatch.setattr(environment, "ensure", ensure)
    return calls


def job(folder: Path, variant: str) -> Job:
    stack = samples.stack(target="local")
    stack = replace(stack, image=replace(stack.image, variant=variant))
    nothing: Any = SimpleNamespace(site=SiteFacts(known({}, "t"), known(None, "t"), known({}, "t")))
    events: list[Event] = []
    state = State("indextts", folder / "state")
    return Job(samples.request(target="local"), nothing, nothing, stack, state, events.append, lambda *_: True)


def test_the_built_in_voice_needs_none(tmp_path: Path, ensured: list[Any]) -> None:
    one = job(tmp_path, "core")

    local_engine.make(one, "/usr/bin/python3.11", BUILD, {})
    local_engine.install(one, BUILD)

    assert ensured == []
    assert local_engine.python(one.state, "core") is None
    assert local_engine.digest("core") == local_engine.made_from(one.state, "core") == ""


def test_it_is_made_from_the_images_own_locks_by_hash_and_slimmed(
    tmp_path: Path, ensured: list[dict[str, Any]], ran: list[tuple[str, ...]], source: engine_source.EngineSource
) -> None:
    one = job(tmp_path, "cu128")

    local_engine.make(one, "/usr/bin/python3.11", BUILD, {"PIP_CERT": "/ca.pem"})

    (asked,) = ensured
    assert "torch==2.8.0" in asked["lock"]
    assert "transformers==4.52.1" in asked["lock"]
    assert "--only-binary :all:" in asked["lock"]
    assert asked["first"].name == "engine-build.txt"
    assert asked["settings"] == {"PIP_CERT": "/ca.pem"}
    asked["finish"](tmp_path / "fresh")
    assert ran[-1][-1] == str(tmp_path / "fresh")
    assert ran[-1][-2].endswith("slim_engine.py")


def test_the_source_is_put_in_and_checked_by_the_script_of_the_build(
    tmp_path: Path, ensured: list[Any], ran: list[tuple[str, ...]], source: engine_source.EngineSource
) -> None:
    one = job(tmp_path, "cu128")

    local_engine.make(one, "/usr/bin/python3.11", BUILD, {})

    (command,) = ran
    assert command[0] == local_engine.python(one.state, "cu128")
    assert command[-2].endswith("install_engine.py")
    wish = json.loads(command[-1])
    assert (wish["variant"], wish["source"]) == ("cu128", str(source.folder))


def test_it_counts_once_its_check_has_written_down_what_is_there(
    tmp_path: Path, ensured: list[Any], ran: list[tuple[str, ...]], source: engine_source.EngineSource
) -> None:
    one = job(tmp_path, "cu128")
    local_engine.make(one, "/usr/bin/python3.11", BUILD, {})
    before = local_engine.made_from(one.state, "cu128")
    facts = {"source": {"digest": source.digest}}
    (local_engine.folder(one.state) / local_engine.FACTS).write_text(json.dumps(facts))

    assert before == ""
    assert local_engine.made_from(one.state, "cu128") == local_engine.digest("cu128")


def test_a_source_that_is_there_is_not_put_in_again_and_another_one_is(
    tmp_path: Path, ensured: list[Any], ran: list[tuple[str, ...]], source: engine_source.EngineSource
) -> None:
    one = job(tmp_path, "cu128")
    local_engine.make(one, "/usr/bin/python3.11", BUILD, {})
    facts = local_engine.folder(one.state) / local_engine.FACTS
    facts.write_text(json.dumps({"source": {"digest": source.digest}}))
    ran.clear()

    local_engine.install(one, BUILD)
    assert ran == []

    facts.write_text(json.dumps({"source": {"digest": "another"}}))
    local_engine.install(one, BUILD)
    assert len(ran) == 1
    assert not facts.exists()  # the script writes it anew, at its end


def test_a_variant_that_nobody_locked_is_refused_with_the_command_that_locks_it(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        local_engine.make(job(tmp_path, "cpu"), "/usr/bin/python3.11", BUILD, {})

    assert caught.value.finding.code == "BUILD-TORCH-UNLOCKED"
    assert caught.value.finding.commands == (payload.lock_command("cpu"),)


def test_what_the_check_says_is_the_finding(
    tmp_path: Path, ensured: list[Any], monkeypatch: pytest.MonkeyPatch, source: engine_source.EngineSource
) -> None:
    said = "the engine's environment is not what it should be: torch is 2.9.1, not 2.8.0"

    def fails(argv: tuple[str, ...], *_: Any, **__: Any) -> Any:
        raise proc.CommandFailed(proc.Completed(argv, 1, f"noise\n{said}\n", "", 0.1))

    monkeypatch.setattr(proc, "stream", fails)

    with pytest.raises(Failure) as caught:
        local_engine.make(job(tmp_path, "cu128"), "/usr/bin/python3.11", BUILD, {})

    assert caught.value.finding.code == "BUILD-ENGINE-CHECK"
    assert dict(caught.value.finding.args)["reason"] == said


def test_pytorchs_own_index_is_asked_beside_the_ordinary_one(
    tmp_path: Path,
    ensured: list[dict[str, Any]],
    ran: list[tuple[str, ...]],
    source: engine_source.EngineSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payload, "own_lock", lambda _: payload.assets.root() / payload.torch_lock("cu128"))
    build = replace(BUILD, torch_index="https://mirror.example/{variant}")

    local_engine.make(job(tmp_path, "cpu"), "/usr/bin/python3.11", build, {})

    assert ensured[0]["settings"]["PIP_EXTRA_INDEX_URL"] == "https://mirror.example/cpu"
    assert data.table("matrix")["variants"]["cpu"]["index"] == "pytorch"
