"""The mmdebstrap command: what stands in it, what must not, and how it is run."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from deploy_kit import proc
from deploy_kit.tools import bootstrap

RECIPE = bootstrap.Recipe(
    "bookworm", ("usr-is-merged",), ("path-exclude=/usr/share/man/*",), "/nowhere/hooks", 1704067200
)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(proc, "stream", lambda argv, _, **rest: calls.append({"argv": argv, **rest}))
    return calls


def test_without_a_mirror_the_programs_own_default_is_used() -> None:
    argv = bootstrap.command(RECIPE, Path("/t/base.tar"), None, ca_bundle=None)

    assert argv[-2:] == ("bookworm", "/t/base.tar")
    assert not any("://" in one for one in argv)


def test_hooks_that_this_host_lacks_are_left_out(tmp_path: Path) -> None:
    here = bootstrap.Recipe("bookworm", (), (), str(tmp_path), 0)

    assert f"--hook-dir={tmp_path}" in bootstrap.command(here, Path("/t"), None, ca_bundle=None)
    assert not any("--hook-dir" in one for one in bootstrap.command(RECIPE, Path("/t"), None, ca_bundle=None))


def test_a_mirror_and_its_password_stand_in_a_private_file_and_not_in_the_command(
    tmp_path: Path, ran: list[dict[str, Any]]
) -> None:
    bootstrap.make(RECIPE, tmp_path, print, sources="deb http://me:pw@mirror.example/debian bookworm main\n")

    (call,) = ran
    assert "pw" not in " ".join(call["argv"])
    assert Path(call["argv"][-1]).read_text().startswith("deb http://me:pw@")
    assert stat.S_IMODE(Path(call["argv"][-1]).stat().st_mode) == 0o600


def test_neither_mirror_nor_certificates_are_left_in_the_base() -> None:
    argv = bootstrap.command(RECIPE, Path("/t"), Path("/l"), ca_bundle="/etc/ca.pem")
    (hook,) = (one for one in argv if one.startswith("--customize-hook="))

    assert '--aptopt=Acquire::https::CAInfo "/etc/ca.pem"' in argv
    assert "apt.conf.d/99mmdebstrap" in hook
    assert "sources.list.d/*" in hook


def test_proxies_travel_in_the_environment(tmp_path: Path, ran: list[dict[str, Any]]) -> None:
    bootstrap.make(RECIPE, tmp_path, print, proxies={"http_proxy": "http://me:pw@proxy.example"}, sudo=True)

    (call,) = ran
    assert call["argv"][0] == "sudo"
    assert "http_proxy" in call["argv"][1]
    assert "pw" not in " ".join(call["argv"])
    assert call["env"]["http_proxy"] == "http://me:pw@proxy.example"
    assert call["env"]["SOURCE_DATE_EPOCH"] == "1704067200"
    assert call["terminal"] is True
