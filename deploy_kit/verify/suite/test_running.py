"""The image at work, as locked down as deploykit starts it: read-only, no capabilities, no new privileges."""

from __future__ import annotations

import time
from typing import Any

import pytest
from testinfra.host import Host

from deploy_kit.client import wav
from deploy_kit.tools import docker
from deploy_kit.verify.suite import containers, engines

_LISTEN_STATE = "0A"
_PORT = 7860
_STOP_SECONDS = 25
_HEALTHY_SECONDS = 40.0
_IMPORT_ALL = """
import importlib, os, pathlib
import fastapi, gradio, numpy, prometheus_client, soxr, uvicorn
app = pathlib.Path(os.environ["PYTHONPATH"])
for path in sorted(app.rglob("*.py")):
    if path.name != "__main__.py":
        importlib.import_module(".".join(path.relative_to(app).with_suffix("").parts).removesuffix(".__init__"))
"""


def test_packages(host: Host) -> None:
    for name in ("python3.11", "espeak-ng-data", "libespeak-ng1", "tini", "ca-certificates"):
        assert host.package(name).is_installed, f"{name} is not installed"


def test_writable_folders(host: Host) -> None:
    for path in ("/cache_hub", "/outputs"):
        folder = host.file(path)
        assert folder.is_directory, f"{path} is missing"
        assert folder.gid == 0, f"{path} belongs to group {folder.gid}"
        assert host.run("touch %s", f"{path}/.verify").rc == 0, f"{path} cannot be written"
        host.run("rm -f %s", f"{path}/.verify")


def test_first_process_is_tini(host: Host) -> None:
    assert host.file("/proc/1/comm").content_string.strip() == "tini"


def test_no_capabilities(host: Host) -> None:
    status = dict(
        line.split(":\t", 1) for line in host.file("/proc/1/status").content_string.splitlines() if ":\t" in line
    )
    assert int(status["CapEff"], 16) == 0, f"effective capabilities {status['CapEff']}"
    assert status["NoNewPrivs"] == "1", "it may gain privileges"
    assert "0" not in status["Uid"].split(), "it runs as root"


def test_root_is_read_only(host: Host) -> None:
    assert host.run("touch /opt/deploykit/app/x").rc != 0, "its own code can be changed"
    assert host.run("touch /x").rc != 0, "/ can be written"


def test_listens(host: Host) -> None:
    rows = host.file("/proc/net/tcp").content_string + host.file("/proc/net/tcp6").content_string
    listening = {row.split()[1].rpartition(":")[2] for row in rows.splitlines() if row.split()[3:4] == [_LISTEN_STATE]}
    assert f"{_PORT:04X}" in listening, f"listening ports: {sorted(int(port, 16) for port in listening)}"


def test_health_check_passes(container: str) -> None:
    until = time.monotonic() + _HEALTHY_SECONDS
    health = None
    while time.monotonic() < until:
        info = docker.container(container)
        assert info is not None, "the container is gone"
        health = info.health
        if health == "healthy":
            return
        time.sleep(0.5)
    pytest.fail(f"its health is {health!r} after {_HEALTHY_SECONDS:g} s")


def test_python_environment_is_whole(host: Host) -> None:
    """Nothing that was slimmed away, or did not travel, is missed by an import."""
    result = host.run("%s -c %s", containers.PYTHON, _IMPORT_ALL)
    assert result.rc == 0, result.stderr.splitlines()[-1]


def test_engine_environment_is_whole(container: str, config: dict[str, Any], variant: str) -> None:
    """The build the variant promises, one version of everything, every library and both engines can be loaded."""
    engines.only(variant)
    labels = config.get("Labels") or {}
    report = engines.report(container, variant, torch=labels.get("io.deploykit.engine.lock") != "tests")
    assert not report["problems"], "; ".join(report["problems"][:3])


def test_engine_is_the_one_it_says(container: str, config: dict[str, Any], variant: str) -> None:
    engines.only(variant)
    labels, facts = config.get("Labels") or {}, engines.facts(container)
    assert facts["variant"] == variant, facts["variant"]
    assert facts["cuda"] == engines.cuda(variant), facts["cuda"]
    stand_in = labels.get("io.deploykit.engine.stand-in") == "true"
    assert facts["stand_in"] == stand_in, "it holds a stand-in and its label does not say so"
    source = facts["source"]
    for key, told in (("source", "locked" if source["locked"] else "unlocked"), ("digest", source["digest"])):
        label = labels.get(f"io.deploykit.engine.{key}")
        assert label in (None, told), f"its label says {label}, its files are {told}"


def test_licences_of_the_engine(host: Host, variant: str) -> None:
    engines.only(variant)
    licence = host.file(f"{engines.LICENCES}/indextts/LICENSE")
    assert licence.exists, "the engine's licence is missing"
    for package in engines.cuda_packages(host):
        found = host.run("find %s -iname 'licen*' -size +0 -type f", package).stdout
        assert found.strip(), f"{package} brings no licence"


def test_normaliser_rules_in_place(host: Host, variant: str) -> None:
    engines.only(variant)
    found = host.run("find %s -name '*.fst' -size +0", f"{engines.PACKAGES}/indextts/utils/tagger_cache").stdout
    assert len(found.split()) >= 2, "the engine would write into its own package at its first run, which it cannot"


def test_device_is_told(container: str, variant: str) -> None:
    """Where speech is made, and the reason when that is not where it was hoped for."""
    document = containers.readiness(container)
    assert document["variant"] == variant, document["variant"]
    device, fallback = str(document["device"]), document["fallback"]
    assert device == "cpu" or device.startswith("cuda"), device
    if fallback is not None:
        assert device == "cpu", f"it fell back to {device}"
        assert fallback["code"].startswith("GPU-"), fallback
        assert fallback["reason"], fallback


def test_speaks_english(container: str) -> None:
    _assert_sound(containers.speak(container, "The quick brown fox jumps over the lazy dog."))


def test_speaks_chinese(container: str) -> None:
    _assert_sound(containers.speak(container, "你好，这里是语音合成服务，现在开始工作。"))


def test_any_user(image: str) -> None:
    with containers.started(image, "--user=54321:0") as name:
        containers.await_ready(name)
        _assert_sound(containers.speak(name, "Any user will do."))


def test_needs_no_network(image: str) -> None:
    with containers.started(image, network="none") as name:
        containers.await_ready(name)
        _assert_sound(containers.speak(name, "No network is needed."))


def test_stops_cleanly(image: str) -> None:
    with containers.started(image) as name:
        containers.await_ready(name)
        docker.call("stop", f"--time={_STOP_SECONDS}", name, timeout=_STOP_SECONDS + 20)
        info = docker.container(name)
        assert info is not None, "the container is gone"
        assert info.exit_code == 0, f"exit code {info.exit_code}"


def _assert_sound(content: bytes) -> None:
    rate, samples = wav(content, "container")
    assert rate >= 16000, f"{rate} Hz"
    seconds, peak = len(samples) / rate, max(map(abs, samples)) / 32768
    assert seconds > 0.5, f"{seconds:.2f} s of sound"
    assert peak > 0.05, f"peak {peak:.3f}: silence"
