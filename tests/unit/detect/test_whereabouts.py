"""Engines of every kind: what they say of themselves, whose files they see, and whose ports they publish."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit.config.request import Listen
from deploy_kit.detect.site import engine, port
from deploy_kit.facts import EngineFacts, PortFacts, RouteFacts, State
from tests.support.hosts import HOSTS, Host
from tests.unit.detect.test_plain_yaml import GENERATED

INFO: Mapping[str, object] = {
    "ServerVersion": "28.3.0",
    "DockerRootDir": "/var/lib/docker",
    "OperatingSystem": "Ubuntu 24.04.1 LTS",
    "KernelVersion": "6.8.0-45-generic",
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "DefaultRuntime": "runc",
    "Runtimes": {"runc": {}, "nvidia": {}},
    "CDISpecDirs": ["/etc/cdi", "/var/run/cdi"],
    "SecurityOptions": ["name=seccomp"],
}
OURS = "a" * 64
THEIRS = "b" * 64
FORWARD = "it forwards for a container of another engine"


def look(folder: Path, **changes: object) -> tuple[EngineFacts, RouteFacts]:
    info = {**INFO, **changes.pop("info", {})}  # type: ignore[dict-item]
    host = replace(HOSTS["gpu-ready"], **{"engine": info, **changes})  # type: ignore[arg-type]
    host = replace(host, files={**HOSTS["gpu-ready"].files, "/etc/cdi/nvidia.yaml": GENERATED, **dict(host.files)})
    with ThreadPoolExecutor(4) as pool:
        return engine.observe(host.context(folder), pool)


def test_an_engine_tells_how_it_keeps_its_control_groups(tmp_path: Path) -> None:
    facts, route = look(tmp_path)

    assert (facts.cgroup_driver.value, facts.cgroup_version.value) == ("systemd", "2")
    assert facts.default_runtime.value == "runc"
    assert [spec.path for spec in route.specs.value or ()] == ["/etc/cdi/nvidia.yaml"]
    assert "nvidia.com/gpu=0" in (route.cdi_devices.value or ())


def test_a_silent_engine_tells_nothing_and_the_files_are_read_all_the_same(tmp_path: Path) -> None:
    host = replace(HOSTS["silent-engine"], files={**HOSTS["silent-engine"].files, "/etc/cdi/nvidia.yaml": GENERATED})
    with ThreadPoolExecutor(4) as pool:
        facts, route = engine.observe(host.context(tmp_path), pool)

    assert {facts.cgroup_driver.state, facts.cgroup_version.state, facts.default_runtime.state} == {State.UNKNOWN}
    assert len(route.specs.value or ()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"info": {"OperatingSystem": "Docker Desktop"}},
        {"info": {"OperatingSystem": "OrbStack"}},
        {"info": {"KernelVersion": "6.6.41-lima"}},
        {"env": {"DOCKER_HOST": "unix:///home/ada/.colima/default/docker.sock"}},
        {"env": {"DOCKER_HOST": "unix:///home/ada/.lima/docker/sock/docker.sock"}},
        {"env": {"DOCKER_HOST": "unix:///home/ada/.docker/desktop/docker.sock"}, "engine": None},
        {"files": {"/.dockerenv": ""}},
        {"env": {"DOCKER_HOST": "ssh://ada@box"}},
    ],
)
def test_an_engine_elsewhere_has_neither_our_disk_nor_our_toolkit(tmp_path: Path, changes: dict[str, object]) -> None:
    facts, route = look(tmp_path, **changes)

    assert facts.root.state is State.UNKNOWN
    rest = (route.toolkit, route.toolkit_version, route.mode, route.no_cgroups, route.specs, route.refresh)
    assert {fact.state for fact in rest} == {State.NOT_ASKED}
    assert all(fact.reason.startswith("the engine") for fact in rest)


def test_an_engine_elsewhere_may_still_tell_its_devices(tmp_path: Path) -> None:
    devices = [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]
    _, route = look(tmp_path, info={"OperatingSystem": "OrbStack", "DiscoveredDevices": devices})

    assert route.cdi_devices.value == ("nvidia.com/gpu=all",)
    assert route.runtimes.value == ("nvidia", "runc")


def test_an_engine_inside_our_own_container_is_ours(tmp_path: Path) -> None:
    facts, route = look(tmp_path, files={"/.dockerenv": "", "/var/lib/docker/.keep": ""})

    assert facts.root.value == "/var/lib/docker"
    assert route.toolkit.known


def test_a_rootless_engine_is_asked_about_in_the_users_folders(tmp_path: Path) -> None:
    files = {"/home/ada/.config/cdi/own.yaml": GENERATED}
    _, route = look(tmp_path, files=files, info={"SecurityOptions": ["name=rootless"]})

    assert "/home/ada/.config/cdi/own.yaml" in [spec.path for spec in route.specs.value or ()]


def test_a_rootless_engine_that_does_not_answer_has_its_users_files(tmp_path: Path) -> None:
    files = {
        "/home/ada/.config/docker/daemon.json": json.dumps({"registry-mirrors": ["https://m.example"]}),
        "/etc/docker/daemon.json": json.dumps({"data-root": "/srv/docker"}),
        "/home/ada/.config/cdi/own.yaml": GENERATED,
    }
    facts, route = look(tmp_path, files=files, engine=None, env={"DOCKER_HOST": "unix:///run/user/1000/docker.sock"})

    assert (facts.root.value, facts.mirrors.value) == ("/home/ada/.local/share/docker", ("https://m.example",))
    assert "/home/ada/.config/cdi/own.yaml" in [spec.path for spec in route.specs.value or ()]


def test_an_engine_elsewhere_that_does_not_answer_has_no_mirrors_of_ours(tmp_path: Path) -> None:
    files = {"/etc/docker/daemon.json": json.dumps({"registry-mirrors": ["https://m.example"]})}
    facts, _ = look(tmp_path, files=files, engine=None, env={"DOCKER_HOST": "ssh://ada@box"})

    assert facts.mirrors.state is State.UNKNOWN


def test_a_mirror_in_a_strange_place_is_no_mirror(tmp_path: Path) -> None:
    host = Host({"/etc/docker/daemon.json": json.dumps({"registry-mirrors": "https://m.example"})})

    assert engine.mirrors(host.context(tmp_path)) == ()


TCP = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1EB4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  {uid}        0 41001 1\n"
)
STATUS = "Name:\tpython3\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
WHOLE = "         0          0 4294967295\n"


def held(
    folder: Path,
    files: Mapping[str, str],
    *,
    uid: int = 1000,
    seen: bool = True,
    containers: tuple[Mapping[str, object], ...] = (),
    info: Mapping[str, object] = INFO,
) -> PortFacts:
    """The port of a host on which user ``uid`` listens; ``seen``: process 812's handles may be looked at."""
    table = {"/proc/net/tcp": TCP.format(uid=uid), "/proc/812/comm": "nginx\n", "/proc/self/uid_map": WHOLE}
    host = Host(
        files={**table, **files}, taken={7860: errno.EADDRINUSE}, engine=info, containers=containers
    )
    context = host.context(folder)
    if seen:
        (folder / "proc/812/fd").mkdir()
        (folder / "proc/812/fd/5").symlink_to("socket:[41001]")
    return port.observe(context, Listen("127.0.0.1", 7860))


@pytest.mark.parametrize("path", [f"/system.slice/docker-{OURS}.scope", f"/docker/{OURS}"])
def test_a_container_on_the_hosts_own_network_holds_the_port_by_its_name(tmp_path: Path, path: str) -> None:
    row = {"Id": OURS, "Names": ["/web"], "Ports": []}
    holder = held(tmp_path, {"/proc/812/cgroup": f"0::{path}\n"}, containers=(row,)).holder

    assert (holder.value, holder.reason) == ("container web", "nginx (812)")


@pytest.mark.parametrize(
    "path", [f"/user.slice/user-1000.slice/libpod-{THEIRS}.scope/container", f"/kubepods/pod1/{THEIRS}"]
)
def test_a_container_of_another_engine_is_said_to_be_that(tmp_path: Path, path: str) -> None:
    row = {"Id": OURS, "Names": ["/web"], "Ports": []}
    holder = held(tmp_path, {"/proc/812/cgroup": f"0::{path}\n"}, containers=(row,)).holder

    assert holder.value == "nginx (812)"
    assert THEIRS[:12] in holder.reason


def test_a_process_of_our_own_container_is_a_plain_process(tmp_path: Path) -> None:
    group = f"0::/docker/{OURS}\n"
    holder = held(tmp_path, {"/proc/812/cgroup": group, "/proc/self/cgroup": group}).holder

    assert (holder.value, holder.reason) == ("nginx (812)", "")


@pytest.mark.parametrize(("name", "reason"), [("rootlesskit", FORWARD), ("pasta", FORWARD), ("nginx", "")])
def test_a_forwarder_of_a_rootless_engine_is_known_as_one(tmp_path: Path, name: str, reason: str) -> None:
    holder = held(tmp_path, {"/proc/812/comm": f"{name}\n"}).holder

    assert (holder.value, holder.reason) == (f"{name} (812)", reason)


@pytest.mark.parametrize(
    ("own", "uid", "mapping", "reason"),
    [
        (0, 1000, WHOLE, "a process of user 1000 that is not seen from here"),
        (1000, 1000, WHOLE, "a process of user 1000 that is not seen from here"),
        (1000, 0, WHOLE, "a process of user 0, which this user may not look into"),
        (0, 65534, "0 1000 1\n", "a process of a user outside of this namespace"),
        (1000, 65534, WHOLE, "a process of user 65534, which this user may not look into"),
    ],
)
def test_who_cannot_be_seen_is_not_made_up(tmp_path: Path, own: int, uid: int, mapping: str, reason: str) -> None:
    files = {"/proc/self/status": STATUS.format(uid=own), "/proc/self/uid_map": mapping}
    holder = held(tmp_path, files, uid=uid, seen=False).holder

    assert (holder.state, holder.value) == (State.UNKNOWN, None)
    assert holder.reason.startswith(reason)


def test_a_port_is_not_tried_in_a_container_whose_engine_is_outside(tmp_path: Path) -> None:
    facts = held(tmp_path, {"/.dockerenv": ""})

    assert (facts.free.state, facts.free.reason) == (
        State.NOT_ASKED,
        "the engine publishes ports outside of this container",
    )


def test_a_port_is_tried_in_a_container_with_an_engine_of_its_own(tmp_path: Path) -> None:
    assert held(tmp_path, {"/.dockerenv": "", "/var/lib/docker/.keep": ""}).free.value is False
