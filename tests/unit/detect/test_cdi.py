"""CDI specifications of every kind: good, stale, broken, somebody else's."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy_kit.detect.site import cdi
from deploy_kit.facts import CdiSpec, State
from tests.support.hosts import Host
from tests.unit.detect.test_plain_yaml import GENERATED

HOST_FILES = {
    "/dev/nvidia0": "",
    "/dev/nvidia-modeset": "",
    "/dev/nvidia-uvm": "",
    "/dev/nvidiactl": "",
    "/usr/bin/nvidia-cdi-hook": "",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.570.133.20": "",
}
NAMES = ("nvidia.com/gpu=0", "nvidia.com/gpu=GPU-5d2f2a5c-9f0b-a3d1-6c3e-8a1d6f6a7a11")
AS_JSON = json.dumps(
    {
        "cdiVersion": "0.7.0",
        "kind": "nvidia.com/gpu",
        "devices": [{"name": "all", "containerEdits": {"deviceNodes": [{"path": "/x", "hostPath": "/dev/nvidia0"}]}}],
        "containerEdits": {"mounts": [{"hostPath": "/lib/firmware/nvidia/580.95.05/gsp_ga10x.bin"}]},
    }
)


def specs(
    folder: Path, files: Mapping[str, str], *, named: tuple[str, ...] = ("/etc/cdi", "/var/run/cdi"), **changes: object
) -> tuple[CdiSpec, ...]:
    rootless = bool(changes.pop("rootless", False))
    context = Host(**{"files": files, **changes}).context(folder)  # type: ignore[arg-type]
    return cdi.observe(context, named, rootless=rootless).value or ()


def test_a_specification_that_fits_this_host_has_nothing_to_say(tmp_path: Path) -> None:
    found = specs(tmp_path, {**HOST_FILES, "/etc/cdi/nvidia.yaml": GENERATED})

    assert found == (CdiSpec("/etc/cdi/nvidia.yaml", "0.5.0", NAMES, ("570.133.20",), (), ""),)


def test_paths_that_are_gone_and_the_driver_that_they_were_made_for_are_told(tmp_path: Path) -> None:
    files = {name: "" for name in HOST_FILES if "libcuda" not in name and name != "/dev/nvidia0"}
    found = specs(tmp_path, {**files, "/etc/cdi/nvidia.yaml": GENERATED})[0]

    assert found.missing == ("/usr/lib/x86_64-linux-gnu/libcuda.so.570.133.20", "/dev/nvidia0")
    assert found.drivers == ("570.133.20",)


def test_json_is_read_too_and_the_hosts_own_path_counts(tmp_path: Path) -> None:
    found = specs(tmp_path, {"/dev/nvidia0": "", "/var/run/cdi/nvidia.json": AS_JSON})[0]

    assert (found.version, found.devices, found.drivers) == ("0.7.0", ("nvidia.com/gpu=all",), ("580.95.05",))
    assert found.missing == ("/lib/firmware/nvidia/580.95.05/gsp_ga10x.bin",)


def test_what_a_simple_reader_does_not_know_the_full_one_reads(tmp_path: Path) -> None:
    anchored = GENERATED.replace("- containerEdits:\n", "- containerEdits: &edits\n", 1)
    assert anchored != GENERATED
    found = specs(tmp_path, {**HOST_FILES, "/etc/cdi/nvidia.yaml": anchored})[0]

    assert (found.devices, found.trouble) == (NAMES, "")


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("nvidia.yaml", "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\n  devices:\n", "line 3"),
        ("nvidia.yaml", GENERATED[:700] + '\n  - path: "', "line"),
        ("nvidia.json", '{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu"', "line"),
        ("nvidia.yaml", "", "no kind"),
        ("nvidia.yaml", "- just\n- a list\n", "no kind"),
        ("gpu.yaml", "kind: nvidia.com/gpu\ndevices: [{name: a}]\n", "no cdiVersion"),
        ("gpu.yaml", "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices: []\n", "no devices"),
        ("gpu.yaml", "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices: [{name: a}, {name: a}]\n", "twice"),
        ("gpu.yml", GENERATED, ".yaml or .json"),
        ("gpu.yaml", "kind: nvidia.com/gpu\na: " + "[" * 20_000, "nested without end"),
        ("gpu.yaml", "kind: nvidia.com/gpu\na:\n" + "- " * 20_000, "nested without end"),
    ],
)
def test_a_broken_file_is_told_with_its_trouble(tmp_path: Path, name: str, text: str, word: str) -> None:
    found = specs(tmp_path, {f"/etc/cdi/{name}": text})

    assert [spec.path for spec in found] == [f"/etc/cdi/{name}"]
    assert word in found[0].trouble
    assert "\n" not in found[0].trouble
    assert cdi.devices(found, ("/etc/cdi",)) == ()


@pytest.mark.parametrize(
    "text",
    ["cdiVersion: 0.6.0\nkind: amd.com/gpu\ndevices: [{name: a}]\n", "kind: [", "", "kind: nvidia.com.x/a\n"],
)
def test_what_is_somebody_elses_is_none_of_ours(tmp_path: Path, text: str) -> None:
    assert specs(tmp_path, {"/etc/cdi/other.yaml": text, "/etc/cdi/readme.txt": "nvidia.com/gpu"}) == ()


def test_a_folder_with_two_names_is_looked_into_once(tmp_path: Path) -> None:
    files = {**HOST_FILES, "/run/cdi/nvidia.yaml": GENERATED}
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("../run")
    found = specs(tmp_path, files)

    assert [spec.path for spec in found] == ["/var/run/cdi/nvidia.yaml"]
    assert cdi.devices(found, ("/run/cdi",)) == NAMES


def test_folders_that_only_a_rootless_engine_knows(tmp_path: Path) -> None:
    files = {**HOST_FILES, "/home/ada/.config/cdi/nvidia.yaml": GENERATED, "/run/user/7/cdi/gpu.json": AS_JSON}
    env = {"XDG_RUNTIME_DIR": "/run/user/7"}

    assert specs(tmp_path / "a", files, env=env) == ()
    found = specs(tmp_path / "b", files, env=env, rootless=True)
    assert [spec.path for spec in found] == ["/home/ada/.config/cdi/nvidia.yaml", "/run/user/7/cdi/gpu.json"]


def test_the_engines_own_folder_is_looked_into(tmp_path: Path) -> None:
    found = specs(tmp_path, {**HOST_FILES, "/srv/cdi/nvidia.yaml": GENERATED}, named=("/srv/cdi/",))

    assert cdi.devices(found, ("/srv/cdi/",)) == NAMES
    assert cdi.devices(found, ("/etc/cdi",)) == ()


def test_the_same_device_twice_in_a_folder_is_in_neither_file(tmp_path: Path) -> None:
    files = {**HOST_FILES, "/etc/cdi/nvidia.yaml": GENERATED, "/etc/cdi/copy.yaml": GENERATED}
    found = specs(tmp_path / "a", files)
    apart = specs(
        tmp_path / "b", {**HOST_FILES, "/etc/cdi/nvidia.yaml": GENERATED, "/var/run/cdi/nvidia.yaml": GENERATED}
    )

    assert ["copy.yaml" in spec.trouble or "nvidia.yaml" in spec.trouble for spec in found] == [True, True]
    assert [spec.trouble for spec in apart] == ["", ""]


def test_without_a_yaml_library_nothing_is_called_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    context = Host({"/etc/cdi/nvidia.yaml": "kind: !!str nvidia.com/gpu\n"}).context(tmp_path)
    fact = cdi.observe(context, ())

    assert (fact.state, fact.value) == (State.KNOWN, ())
    assert "/etc/cdi/nvidia.yaml" in fact.reason


def test_a_file_that_may_not_be_read_is_not_called_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = Host({"/etc/cdi/nvidia.yaml": GENERATED}).context(tmp_path)

    def barred(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", barred)
    fact = cdi.observe(context, ())

    assert fact.value == ()
    assert fact.reason == "/etc/cdi/nvidia.yaml: Permission denied"
