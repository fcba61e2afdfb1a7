"""A support bundle: everything about the fault, nothing that is secret, whatever is broken."""

from __future__ import annotations

import io
import json
import re
import stat
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from deploy_kit import codec, proc
from deploy_kit.config.request import Kubernetes, Request, Weights
from deploy_kit.errors import fail
from deploy_kit.facts import HostFacts, UpkeepFacts, known, unknown
from deploy_kit.lifecycle import cluster, doctor, privacy, report, site, status, up
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.redact import MASK
from deploy_kit.run import local
from deploy_kit.tools import docker
from tests.support import samples
from tests.support.broken_clusters import BROKEN
from tests.support.cluster_recorder import configuration

FACTS = Path(__file__).parents[2] / "facts"

SECRETS = {
    name: f"PLANTED-{name}-9f3a"
    for name in ("apikey", "keyfile", "tokenfile", "stored", "env", "proxy", "mirror", "log", "inspect", "compose",
                 "url", "site", "history", "kernel", "engine", "reason", "bearer", "settings")
}  # fmt: skip
PERSONAL = ("wolfgang", "wolfgangs-nas", "93.184.216.34")


def facts() -> HostFacts:
    found = codec.loads(HostFacts, (FACTS / "ubuntu-2404-ready.json").read_bytes())
    proxies = {"http_proxy": f"http://joe:{SECRETS['proxy']}@proxy.example:3128"}
    index = {"index-url": f"https://joe:{quote(SECRETS['site'])}@index.example/simple"}
    upkeep = UpkeepFacts(log=known((f"NVRM: Xid (PCI:0000:01:00): 79, token={SECRETS['kernel']}",), "dmesg"))
    customs = replace(found.site, proxies=known(proxies, "env"), package_index=known(index, "pip"))
    return replace(found, site=customs, upkeep=upkeep)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A host on which a stack has run, with secrets in every place that has room for one."""
    home = tmp_path / "home/wolfgang"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", "wolfgang")
    monkeypatch.setenv("MY_SERVICE_TOKEN", SECRETS["env"])
    monkeypatch.setenv("https_proxy", f"http://joe:{SECRETS['proxy']}@proxy.example:3128")
    monkeypatch.setattr(privacy.platform, "node", lambda: "wolfgangs-nas")
    monkeypatch.setattr(privacy, "_own_addresses", lambda _: iter(["93.184.216.34", "10.0.0.7"]))
    monkeypatch.setattr(site, "home", lambda *_: home / "state")
    key_file, token_file = home / "key", home / "token"
    key_file.write_text(SECRETS["keyfile"])
    token_file.write_text(SECRETS["tokenfile"])
    request = samples.request(api_key_file=str(key_file))
    build = replace(request.build, apt_mirror=f"http://joe:{SECRETS['mirror']}@mirror.example/debian")
    request = replace(request, build=build, weights=Weights(token_file=str(token_file)))
    state = site.state_of(request)
    state.save_key(SECRETS["apikey"], shared_with_group=False)
    state.save_token(SECRETS["stored"], shared_with_group=False)
    state.save_site(json.dumps({"http_proxy": f"http://x:{SECRETS['site']}@p"}), None, shared_with_group=False)
    state.save_stack(samples.stack())
    state.save_files({"compose.yaml": f"services:\n  x:\n    environment:\n      API_TOKEN: {SECRETS['compose']}\n"})
    state.record("start", reason=f"https://joe:{SECRETS['history']}@x.example/")
    state.outputs.mkdir(parents=True)
    (state.outputs / "a-users-text.wav").write_text("sound")
    inspected = [{"Config": {"Env": [f"HUB_TOKEN={SECRETS['inspect']}", "TTS_DEVICE=cpu"], "Labels": {"a": "b"}}}]
    lines = (
        f"info fetching https://hub.example/x?token={SECRETS['url']}&a=b",
        f"error {SECRETS['apikey']} and {SECRETS['tokenfile']} and {SECRETS['env']}",
        f'{{"message": "password: \\"{SECRETS["log"]}\\""}}',
        f"Authorization: Bearer {SECRETS['bearer']}",
        f"{home}/x at 93.184.216.34 on wolfgangs-nas for wolfgang from 10.0.0.7",
        "CUDA out of memory. Tried to allocate 2 GiB",
    )
    container = SimpleNamespace(id="c1", status="exited", exit_code=137, oom_killed=True, error="")
    monkeypatch.setattr(site, "running", lambda _: site.Running(container, None))  # type: ignore[arg-type]
    monkeypatch.setattr("deploy_kit.lifecycle.explain.running", lambda _: site.Running(container, None))  # type: ignore[arg-type]
    monkeypatch.setattr(docker, "logs_tail", lambda *_: lines)
    monkeypatch.setattr(docker, "call", lambda *args, **_: done(args, json.dumps(inspected)))
    monkeypatch.setattr(proc, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(proc, "run", lambda argv, **_: done(argv, f"proxy http://u:{SECRETS['engine']}@p:1\n"))
    monkeypatch.setattr(doctor, "observe", lambda _: facts())
    monkeypatch.setattr(up, "prepare", lambda _: SimpleNamespace(stack=samples.stack(), steps=()))
    monkeypatch.setattr(status, "status", lambda _: {"state": "exited", "api_key": SECRETS["settings"]})
    return SimpleNamespace(request=request, state=state, folder=tmp_path)


def done(argv: Any, out: str) -> proc.Completed:
    return proc.Completed(tuple(argv), 0, out, "", 0.0)


def unpacked(bundle: report.Bundle) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(bundle.packed("r"))) as archive:
        return {entry.name: archive.extractfile(entry).read().decode() for entry in archive}  # type: ignore[union-attr]


@pytest.mark.parametrize("locale", LOCALES)
def test_no_planted_secret_and_nothing_personal_is_in_it(host: SimpleNamespace, locale: str) -> None:
    bundle = report.collect(host.request, Catalogue(locale), origins={"build.apt_mirror": "deploykit.yaml:3"})

    for name, content in unpacked(bundle).items():
        assert [planted for planted, value in SECRETS.items() if value in content] == [], name
        assert [word for word in PERSONAL if word in content] == [], name
    everything = json.dumps(unpacked(bundle))
    assert "PLANTED" not in everything
    assert MASK in everything


def test_the_secrets_were_really_there_to_be_found(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bundle without a scrubber shows them: the test above can fail."""
    monkeypatch.setattr(privacy, "scrubber", lambda *_: str)
    monkeypatch.setattr(privacy, "is_secret_name", lambda _: False)
    everything = json.dumps(report.collect(host.request, Catalogue("en")).texts)

    missing = {name for name, value in SECRETS.items() if value not in everything}
    assert missing <= {"keyfile", "stored", "reason", "history"}  # files that are not read for it; one is not used here


def test_what_helps_is_still_there(host: SimpleNamespace) -> None:
    texts = report.collect(host.request, Catalogue("en")).texts

    assert "CUDA out of memory" in texts["logs/service.txt"]
    assert "10.0.0.7" in texts["logs/service.txt"]
    assert [cause["row"] for cause in json.loads(texts["logs/causes.json"])][:2] == ["L02", "D47"]
    assert json.loads(texts["engine/container.json"])[0]["Config"]["Env"] == [f"HUB_TOKEN={MASK}", "TTS_DEVICE=cpu"]
    assert "proxy.example:3128" in texts["facts.json"]
    assert "Xid" in texts["kernel.txt"]
    assert "compose.yaml" in texts["state/listing.txt"]


def test_every_document_is_still_json(host: SimpleNamespace) -> None:
    for name, text in report.collect(host.request, Catalogue("en")).texts.items():
        if name.endswith(".json"):
            json.loads(text)


def test_sounds_and_their_names_are_not_in_it(host: SimpleNamespace) -> None:
    (host.state.cache_hub / "voices").mkdir(parents=True)
    (host.state.cache_hub / "voices/my-voice.wav").write_text("RIFF")
    everything = json.dumps(unpacked(report.collect(host.request, Catalogue("en"))))

    assert "a-users-text" not in everything
    assert "my-voice" not in everything


def test_it_lists_what_is_in_it(host: SimpleNamespace) -> None:
    bundle = report.collect(host.request, Catalogue("en"))

    assert all(name in bundle.texts["README.txt"] for name in bundle.texts if name != "README.txt")


def test_whatever_breaks_is_named_and_the_rest_is_packed(
    host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise fail("ENGINE-UNREACHABLE-NOW", "docker", reason=f"https://x:{SECRETS['reason']}@h/ does not answer")

    def bug(*_: object, **__: object) -> Any:
        raise TypeError("nobody thought of this")

    for module, name in ((up, "prepare"), (status, "status"), (docker, "logs_tail"), (docker, "call")):
        monkeypatch.setattr(module, name, broken)
    monkeypatch.setattr(doctor, "observe", bug)
    bundle = report.collect(host.request, Catalogue("en"))

    assert {"facts.json", "plan.json", "status.json", "logs/service.txt", "findings.json"} <= set(bundle.missing)
    assert "nobody thought of this" in bundle.missing["facts.json"]
    assert {"README.txt", "settings.json", "versions.json", "state/stack.json"} <= set(bundle.texts)
    assert "PLANTED" not in json.dumps(unpacked(bundle)) + json.dumps(dict(bundle.missing))


def test_on_a_host_without_anything_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "home", lambda *_: tmp_path / "none")
    monkeypatch.setattr(proc, "which", lambda _: None)
    monkeypatch.setattr(doctor, "observe", lambda _: facts())
    bundle = report.collect(samples.request(), Catalogue("en"))

    assert "state/stack.json" in bundle.missing
    assert "logs/service.txt" in bundle.missing
    assert not (tmp_path / "none").exists()


def test_settings_that_cannot_be_read_are_told(host: SimpleNamespace) -> None:
    trouble = fail("CONFIG-TAB", "deploykit.yaml:3", text="\tx")
    bundle = report.collect(host.request, Catalogue("en"), trouble=trouble)

    assert json.loads(bundle.texts["settings.json"])["trouble"][0]["code"] == "CONFIG-TAB"


def test_a_huge_log_keeps_its_end(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "logs_tail", lambda *_: ("x" * 3_000_000, "the last line"))
    text = report.collect(host.request, Catalogue("en")).texts["logs/service.txt"]

    assert len(text) < 2_200_000
    assert text.endswith("the last line\n")


def test_the_file_is_for_its_owner_alone(host: SimpleNamespace) -> None:
    file = host.folder / "report.tar.gz"
    report.write(report.collect(host.request, Catalogue("en")), file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as archive:
        assert all(entry.mode == 0o600 and entry.name.startswith("report/") for entry in archive)


def test_the_name_says_which_stack_and_when(host: SimpleNamespace) -> None:
    assert re.fullmatch(r"deploykit-report-[\w-]+-\d{8}-\d{6}\.tar\.gz", report.file_name(host.request))


def test_target_local_gives_its_own_log(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "running", lambda _: site.Running(None, None))
    monkeypatch.setattr(local, "tail", lambda *_: ("from the file",))

    assert report.collect(host.request, Catalogue("en")).texts["logs/service.txt"] == "from the file\n"


def test_own_addresses_are_read_from_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "fib_trie").write_text(
        "Main:\n  |-- 10.0.0.7\n     /32 host LOCAL\n  |-- 10.0.0.0\n     /24 link UNICAST\n"
    )
    (tmp_path / "if_inet6").write_text("fe800000000000000000000000000001 02 40 20 80 eth0\n")

    assert list(privacy._own_addresses(tmp_path)) == ["10.0.0.7", "fe80::1"]


@pytest.fixture
def clustered(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Request:
    """The same host, whose settings name a cluster."""
    config = configuration("wolfgangs-cluster", f"https://joe:{SECRETS['proxy']}@api.wolfgangs-nas.example:6443")
    recording = replace(BROKEN["cards-busy"], config=config)
    seen = recording.facts()
    reason = f"forbidden: at api.wolfgangs-nas.example:6443 with token={SECRETS['bearer']}"
    monkeypatch.setattr(cluster, "observe", lambda _: replace(seen, quotas=unknown("quotas", reason)))
    request: Request = replace(host.request, kubernetes=Kubernetes(context="wolfgangs-cluster"))
    return request


def test_of_a_cluster_that_is_meant_it_tells_what_is_seen_and_what_that_means(clustered: Request) -> None:
    texts = report.collect(clustered, Catalogue("en")).texts
    facts = json.loads(texts["cluster/facts.json"])

    assert [node["name"] for node in facts["nodes"]["value"]] == ["worker-1", "a10-1"]
    assert "CLUSTER-UNSEEN" in [one["code"] for one in json.loads(texts["cluster/findings.json"])["findings"]]


def test_it_does_not_tell_where_the_cluster_is(clustered: Request) -> None:
    texts = report.collect(clustered, Catalogue("en")).texts
    about = texts["cluster/facts.json"] + texts["cluster/findings.json"]

    assert "wolfgang" not in about
    assert "PLANTED" not in about
    assert "at <server> with token=***" in about


def test_no_cluster_is_asked_where_none_is_meant(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: object) -> Any:
        raise AssertionError("a cluster was asked")

    monkeypatch.setattr(cluster, "observe", asked)

    assert "cluster/facts.json" in report.collect(host.request, Catalogue("en")).missing


def test_for_a_cluster_no_stack_of_this_host_is_planned(clustered: Request) -> None:
    bundle = report.collect(replace(clustered, target="kubernetes"), Catalogue("en"))

    assert "plan.json" in bundle.missing
    assert "cluster/facts.json" in bundle.texts
