"""NVIDIA's toolkit: its version without running it, two settings of its configuration, the service that renews CDI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.detect import Context
from deploy_kit.detect.site import toolkit
from deploy_kit.facts import State
from tests.support.hosts import Host

CONFIG = """#accept-nvidia-visible-devices-as-volume-mounts = false
disable-require = false
supported-driver-capabilities = "compat32,compute,display,graphics,ngx,utility,video"

[nvidia-container-cli]
#debug = "/var/log/nvidia-container-toolkit.log"
environment = []
load-kmods = true
#no-cgroups = true
user = "root:video"

[nvidia-container-runtime]
log-level = "info"
mode = "auto"
runtimes = ["docker-runc", "runc", "crun"]

[nvidia-container-runtime.modes.cdi]
annotation-prefixes = ["cdi.k8s.io/"]
mode = "not this one"

[nvidia-ctk]
path = "nvidia-ctk"
"""
PLACE = "/etc/nvidia-container-runtime/config.toml"
STATUS = """Package: other
Status: install ok installed
Version: 9.9

Package: nvidia-container-toolkit
Status: install ok installed
Version: 1.17.8-1

Package: nvidia-container-toolkit-base
Version: 1.17.7-1
"""
CTK = "/usr/bin/nvidia-ctk"


def host(folder: Path, says: str | proc.CommandError = "", **changes: object) -> tuple[Context, list[tuple[str, ...]]]:
    """A host whose programs all say the same, and the list of what was run."""
    ran: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        ran.append(argv)
        if isinstance(says, proc.CommandError):
            raise says
        return proc.Completed(argv, 0, says, "", 0)

    context = Host(**{"files": {}, **changes}).context(folder)  # type: ignore[arg-type]
    return replace(context, run=run), ran


def test_the_package_database_tells_the_version_without_a_program(tmp_path: Path) -> None:
    files = {"/var/lib/dpkg/info/nvidia-container-toolkit.list": "", "/var/lib/dpkg/status": STATUS}
    context, ran = host(tmp_path, files=files, programs=(CTK,))

    assert (toolkit.version(context).value, ran) == ("1.17.8", [])


@pytest.mark.parametrize(
    "said",
    [
        "NVIDIA Container Toolkit CLI version 1.18.0\ncommit: f8daa5e26de9fd7eb79259040b6dd5a52060048c\n",
        "nvidia-ctk version v1.18.0\n",
    ],
)
def test_without_a_package_the_program_is_asked(tmp_path: Path, said: str) -> None:
    context, ran = host(tmp_path, said, programs=(CTK,))

    assert toolkit.version(context).value == "1.18.0"
    assert ran == [(CTK, "--version")]


def test_a_program_that_hangs_leaves_the_version_unknown(tmp_path: Path) -> None:
    context, _ = host(tmp_path, proc.CommandTimeout((CTK,), "no end after 2 s"), programs=(CTK,))

    assert toolkit.version(context).state is State.UNKNOWN


def test_without_the_toolkit_there_is_no_version(tmp_path: Path) -> None:
    context, ran = host(tmp_path)

    assert (toolkit.version(context).value, toolkit.version(context).known, ran) == (None, True, [])


def _edited(*changes: tuple[str, str]) -> str:
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("text", "mode", "no_cgroups"),
    [
        (CONFIG, "auto", False),
        (_edited(("#no-cgroups = true", "no-cgroups = true  # x"), ('mode = "auto"', "mode='cdi'")), "cdi", True),
        (_edited(("#no-cgroups = true", "no-cgroups=false"), ('mode = "auto"', '"mode" =  "csv" # x')), "csv", False),
        (_edited(("[nvidia-container-cli]", "[ nvidia-container-cli ] # x"), ("#no-cgr", "  no-cgr")), "auto", True),
        ("", "auto", False),
        ("\x00[[[not toml\n= =\n", "auto", False),
        ('[other]\nmode = "csv"\nno-cgroups = true\n', "auto", False),
    ],
)  # fmt: skip
def test_two_settings_are_read_from_their_sections(tmp_path: Path, text: str, mode: str, no_cgroups: bool) -> None:
    found = toolkit.configuration(host(tmp_path, files={PLACE: text})[0], installed=True, rootless=False)

    assert [fact.value for fact in found] == [mode, no_cgroups]


def test_an_installed_toolkit_without_a_file_has_its_defaults(tmp_path: Path) -> None:
    found = toolkit.configuration(host(tmp_path)[0], installed=True, rootless=False)

    assert [(fact.value, "default" in fact.reason) for fact in found] == [("auto", True), (False, True)]


def test_without_a_toolkit_there_is_nothing_to_configure(tmp_path: Path) -> None:
    mode, no_cgroups = toolkit.configuration(host(tmp_path)[0], installed=False, rootless=False)

    assert (mode.value, mode.known, no_cgroups.state) == (None, True, State.NOT_ASKED)


@pytest.mark.parametrize(("rootless", "expected"), [(True, True), (False, False)])
def test_the_users_own_file_counts_for_a_rootless_engine_only(tmp_path: Path, rootless: bool, expected: bool) -> None:
    files = {
        PLACE: CONFIG,
        "/home/ada/conf/nvidia-container-runtime/config.toml": "[nvidia-container-cli]\nno-cgroups = true\n",
    }
    context, _ = host(tmp_path, files=files, env={"XDG_CONFIG_HOME": "/home/ada/conf"})

    assert toolkit.configuration(context, installed=True, rootless=rootless)[1].value is expected


def _units(*rows: tuple[str, str, str]) -> str:
    return "\n".join(f"Result={result}\nLoadState={load}\nActiveState={active}\n" for load, active, result in rows)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (_units(("loaded", "active", "success"), ("loaded", "active", "success")), "active"),
        (_units(("loaded", "failed", "exit-code"), ("loaded", "active", "success")), "failed"),
        (_units(("loaded", "inactive", "success"), ("loaded", "active", "success")), "active"),
        (_units(("loaded", "inactive", "success"), ("loaded", "inactive", "success")), "inactive"),
        (_units(("not-found", "inactive", "success"), ("not-found", "inactive", "success")), None),
        (_units(("masked", "inactive", "success"), ("masked", "inactive", "success")), "masked"),
    ],
)
def test_one_call_tells_the_state_of_the_refresh_service(tmp_path: Path, said: str, state: str | None) -> None:
    files = {"/run/systemd/system/.keep": "", "/usr/lib/systemd/system/nvidia-cdi-refresh.service": ""}
    context, ran = host(tmp_path, said, files=files)

    assert toolkit.refresh(context).value == state
    assert len(ran) == 1


@pytest.mark.parametrize("trouble", [proc.CommandTimeout(("x",), "late"), proc.CommandMissing(("x",), "none")])
def test_a_systemd_that_does_not_answer_leaves_it_unknown(tmp_path: Path, trouble: proc.CommandError) -> None:
    files = {"/run/systemd/system/.keep": "", "/etc/systemd/system/nvidia-cdi-refresh.path": ""}

    assert toolkit.refresh(host(tmp_path, trouble, files=files)[0]).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("files", "check"),
    [
        ({}, lambda fact: fact.state is State.NOT_ASKED),
        ({"/run/systemd/system/.keep": ""}, lambda fact: fact.known and fact.value is None),
    ],
)
def test_systemd_is_not_asked_for_what_is_not_there(
    tmp_path: Path, files: dict[str, str], check: Callable[[object], bool]
) -> None:
    context, ran = host(tmp_path, files=files)

    assert check(toolkit.refresh(context))
    assert ran == []
