"""What the service's downloads need of the site: written where only the service reads it, never into the stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy_kit.config.load import load
from deploy_kit.facts import SiteFacts, known
from deploy_kit.plan.resolve import resolve
from deploy_kit.run import network
from deploy_kit.run.state import State

PEM = b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
PROXY = "http://me:secret@proxy.example:3128"


def saved(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> tuple[State, str]:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    bundle = tmp_path / "host.pem"
    bundle.write_bytes(PEM)
    state = State("one", tmp_path / "state")
    request = load({"engine": engine}, {}, None).request
    folders = ("", "", "", str(state.site))
    stack = resolve(
        request, variant="cu128", device="cpu", inputs="0" * 64, uid=0, folders=folders, secret_version=None
    )
    site = SiteFacts(known({"https_proxy": PROXY}, "env"), known(str(bundle), "file"), known({}, "pip"))
    network.save(request, site, stack, state, shared_with_group=True)
    return state, repr(stack)


def test_proxies_and_authorities_reach_the_service_and_no_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, stack = saved(tmp_path, "indextts-2.5", monkeypatch)
    assert json.loads((state.site / "variables.json").read_text()) == {"https_proxy": PROXY}
    assert (state.site / "variables.json").stat().st_mode & 0o777 == 0o640
    assert (state.site / "ca.pem").read_bytes() == PEM
    assert "me:secret" not in stack
    assert str(state.site) in stack


def test_the_built_in_voice_needs_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, stack = saved(tmp_path, "espeak", monkeypatch)
    assert not state.site.exists()
    assert str(state.site) not in stack


def test_a_changed_proxy_changes_no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, before = saved(tmp_path, "indextts-2.5", monkeypatch)
    monkeypatch.setattr(f"{__name__}.PROXY", PROXY + "0")
    assert saved(tmp_path, "indextts-2.5", monkeypatch)[1] == before
