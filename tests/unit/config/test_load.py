"""Flags go before environment, environment before file, file before defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit.config.load import find, load
from deploy_kit.config.request import Kubernetes, Listen
from deploy_kit.config.table import settings
from deploy_kit.errors import Failure


def test_the_defaults_speak_on_this_machine_only() -> None:
    request = load({}, {}, None, timezone="").request
    assert request.listen == Listen("127.0.0.1", 7860)
    assert (request.engine, request.target, request.memory) == ("espeak", "compose", None)
    assert ("TTS_MAX_CHARS", "10000") in request.service
    assert ("TTS_DRAIN_SECONDS", "20") in request.service


@pytest.mark.parametrize("setting", settings().values(), ids=lambda setting: setting.key)
def test_every_setting_can_be_given_by_flag_and_variable(setting, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    path = str(tmp_path / "x")
    text = {"list": "a.example,b.example", "path": path, "url": "https://mirror.example/", "gpus": "all"}
    value = text.get(setting.kind) or setting.default or {"size": "2GiB", "integer": "100"}.get(setting.kind, "2")
    assert load({setting.key: value}, {}, None, timezone="").origins[setting.key] == setting.flag
    assert load({}, {setting.variable: value}, None, timezone="").origins[setting.key] == setting.variable


def test_a_flag_beats_a_variable_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text("name: from-file\n")
    variable = {"DEPLOYKIT_NAME": "from-variable"}
    assert load({}, {}, file).request.name == "from-file"
    assert load({}, variable, file).request.name == "from-variable"
    assert load({"name": "from-flag"}, variable, file).request.name == "from-flag"


def test_a_wrong_value_is_a_fault_even_when_a_flag_overrides_it(tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text("name: Wrong Name\n")
    with pytest.raises(Failure):
        load({"name": "right"}, {}, file)


def test_an_empty_variable_counts_as_unset() -> None:
    assert load({}, {"DEPLOYKIT_NAME": ""}, None).request.name == "indextts"


def test_an_unknown_variable_is_warned_about() -> None:
    (finding,) = load({}, {"DEPLOYKIT_LISTN": "x", "OTHER": "y"}, None).findings
    assert (finding.code, dict(finding.args)["nearest"]) == ("CONFIG-VARIABLE", "DEPLOYKIT_LISTEN")


def test_relative_paths_start_from_the_file_or_from_the_working_folder(tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text("cache:\n  path: models\n")
    assert load({}, {}, file).request.cache_path == str(tmp_path / "models")
    flags = {"cache.path": "models"}
    assert load(flags, {}, None, folder=Path("/srv")).request.cache_path == "/srv/models"


def test_volume_and_folder_exclude_each_other_in_one_place_only(tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text("cache: {volume: models, path: /b}\n")
    with pytest.raises(Failure) as caught:
        load({}, {}, file)
    assert caught.value.finding.code == "CONFIG-CONFLICT"
    file.write_text("cache: {volume: models}\n")
    assert load({"cache.path": "/b"}, {}, file).request.cache_path == "/b"


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(Failure) as caught:
        load({"build.package_index": "https://me:secret@index.example/simple"}, {}, None)
    assert caught.value.finding.code == "CONFIG-SECRET-FLAG"
    assert "secret" not in str(caught.value.finding)
    variable = {"DEPLOYKIT_BUILD_PACKAGE_INDEX": "https://me:secret@index.example/simple"}
    assert load({}, variable, None).request.build.package_index == variable["DEPLOYKIT_BUILD_PACKAGE_INDEX"]


@pytest.mark.parametrize(("zone", "region"), [("Asia/Shanghai", "cn"), ("Europe/Berlin", "global"), ("", "global")])
def test_region_auto_follows_the_time_zone(zone: str, region: str) -> None:
    assert load({}, {}, None, timezone=zone).request.region == region


def test_the_locale_follows_the_system_unless_chosen() -> None:
    assert load({}, {"LANG": "zh_CN.UTF-8"}, None).locale == "zh"
    assert load({"locale": "en"}, {"LANG": "zh_CN.UTF-8"}, None).locale == "en"


def test_the_file_is_asked_for_or_lies_in_the_folder(tmp_path: Path) -> None:
    assert find(None, {}, tmp_path) is None
    usual = tmp_path / "deploykit.yaml"
    usual.touch()
    assert find(None, {}, tmp_path) == usual
    assert find(None, {"DEPLOYKIT_CONFIG": "a.yaml"}, tmp_path) == Path("a.yaml")
    assert find("b.yaml", {"DEPLOYKIT_CONFIG": "a.yaml"}, tmp_path) == Path("b.yaml")


def test_target_local_refuses_what_only_a_container_can_follow_in_one_finding(tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text("target: local\nlimits: {memory: 2GiB}\nbuild: {apt_mirror: https://mirror.example/debian}\n")
    with pytest.raises(Failure) as caught:
        load({"cache.volume": "models"}, {"DEPLOYKIT_LIMITS_CPUS": "2"}, file)
    found = dict(caught.value.finding.args)
    assert (caught.value.finding.code, caught.value.more) == ("CONFIG-LOCAL", ())
    assert found["keys"] == "cache.volume, limits.memory, limits.cpus, build.apt_mirror"
    assert found["subject"] == f"--cache-volume, {file}:2, DEPLOYKIT_LIMITS_CPUS, {file}:3"


def test_target_local_takes_what_acts_on_it() -> None:
    flags = {"target": "local", "cache.path": "/models", "build.package_index": "https://index.example/simple"}
    assert load(flags, {}, None).request.cache_path == "/models"


def test_the_defaults_stand_in_nobodys_way() -> None:
    assert load({"target": "local"}, {}, None).request.target == "local"


def test_the_name_of_the_model_cache_is_no_name_for_a_stack() -> None:
    with pytest.raises(Failure) as caught:
        load({"name": "cache_hub"}, {}, None)
    assert caught.value.finding.code == "CONFIG-NAME-RESERVED"
    assert load({"cache.volume": "cache_hub"}, {}, None).request.cache_volume == "cache_hub"


def test_an_endless_value_is_not_shown_to_its_end() -> None:
    with pytest.raises(Failure) as caught:
        load({"limits.pids": "9" * 5000}, {}, None)
    assert dict(caught.value.finding.args)["value"] == "9" * 200 + "…"


def test_a_cluster_is_what_kubectl_would_take_unless_named() -> None:
    assert load({}, {}, None).request.kubernetes == Kubernetes()


def test_a_cluster_is_named_in_three_ways(tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text("target: kubernetes\nkubernetes: {context: 'arn:aws:eks:eu:1:cluster/x', kubeconfig: admin.conf}\n")
    request = load({"kubernetes.namespace": "voices"}, {}, file).request
    assert request.target == "kubernetes"
    assert request.kubernetes == Kubernetes("arn:aws:eks:eu:1:cluster/x", "voices", str(tmp_path / "admin.conf"))


@pytest.mark.parametrize(("name", "nearest"), [("my_voice", "my-voice"), ("v" * 60, "v" * 53), ("voice-", "voice")])
def test_what_helm_takes_for_no_release_is_refused_for_a_cluster_only(name: str, nearest: str) -> None:
    assert load({"name": name}, {}, None).request.name == name
    with pytest.raises(Failure) as caught:
        load({"name": name, "target": "kubernetes"}, {}, None)
    finding = caught.value.finding
    assert (finding.code, finding.subject, dict(finding.args)["nearest"]) == ("CONFIG-RELEASE", "--name", nearest)
