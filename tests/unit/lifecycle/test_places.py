"""Folders that the user named are looked at before anything is done."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import codec
from deploy_kit.config.request import BuildSettings, Weights
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import doctor, places, up
from deploy_kit.run.state import State
from tests.support import samples
from tests.support.hosts import FACTS


@pytest.mark.parametrize("path", ["folder", "folder/new/one", "new"])
def test_a_folder_that_is_there_or_can_be_made_is_fine(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()

    assert places.obstacle(tmp_path / path) is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("file", "Not a directory"),
        ("file/below", "Not a directory"),
        ("dangling", "No such file or directory"),
        ("dangling/below", "No such file or directory"),
        ("/proc/nope", "Operation not permitted"),
        ("/etc/passwd", "Not a directory"),
    ],
)
def test_what_cannot_be_a_folder_is_told(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")

    assert places.obstacle(tmp_path / path) == reason


def test_a_parent_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    assert places.obstacle(tmp_path / "new") == "Permission denied"


@pytest.mark.parametrize("target", ["compose", "local"])
def test_the_cache_is_judged_with_the_host_under_both_targets(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_text("")
    facts = codec.loads(HostFacts, (FACTS / "ubuntu-2404-ready.json").read_bytes())
    request = samples.request(target=target, cache_path=str(tmp_path / "file"))

    verdict = doctor.judge(request, facts, built=False, port_is_ours=False)

    assert "HOST-FOLDER-UNWRITABLE" in [finding.code for finding in verdict.blockers]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file", {}),
        ("folder", {"CACHE-LOCK": "Is a directory"}),
        ("pipe", {"CACHE-SOURCE": "not a regular file", "CACHE-LOCK": "not a regular file"}),
        ("nowhere", {"CACHE-SOURCE": "No such file or directory", "CACHE-LOCK": "No such file or directory"}),
    ],
)
def test_what_the_user_brings_for_the_weights_must_be_readable(tmp_path: Path, name: str, said: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    weights = Weights(source=str(tmp_path / name), lock=str(tmp_path / name))

    found = places.findings(samples.request(engine="indextts-2.5", weights=weights))

    assert {one.code: dict(one.args)["reason"] for one in found} == said


def test_the_engines_own_source_must_be_there(tmp_path: Path) -> None:
    def said(source: str) -> list[str]:
        build = BuildSettings(base="debian", engine_source=source)
        return [one.code for one in places.findings(samples.request(engine="indextts-2.5", build=build))]

    assert said(str(tmp_path / "nowhere")) == ["BUILD-ENGINE-SOURCE"]
    assert said(str(tmp_path)) == said("auto") == said("https://host/owner/name.git#abc") == []


def test_a_source_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def barred(setting: str) -> str:
        raise PermissionError(13, "Permission denied", setting)

    monkeypatch.setattr("deploy_kit.builder.engine_source.identity", barred)
    build = BuildSettings(base="debian", engine_source=str(tmp_path))
    facts = codec.loads(HostFacts, (FACTS / "gpu-ready.json").read_bytes())

    with pytest.raises(Failure) as caught:
        up.prepare(samples.request(engine="indextts-2.5", variant="cu128", build=build), facts=facts)

    assert caught.value.finding.code == "BUILD-ENGINE-SOURCE"


def test_a_volume_is_no_folder() -> None:
    assert places.findings(samples.request()) == ()


def test_a_refused_plan_leaves_no_trace(tmp_path: Path) -> None:
    facts = codec.loads(HostFacts, (FACTS / "disk-small.json").read_bytes())
    request = samples.request()
    prepared = replace(up.prepare(request, facts=facts), state=State("indextts", tmp_path))

    with pytest.raises(Failure) as caught:
        up.carry_out(prepared, request, lambda _: None, lambda *_: False)

    assert caught.value.finding.code == "HOST-DISK"
    assert list(tmp_path.iterdir()) == []
