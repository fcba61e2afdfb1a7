"""The cpu image, whole: built from an index that is shaped like PyTorch's own, checked, started, heard.

Its torch is made of the ordinary index's (see `tests.support.cpu_torch`), its engine is the stand-in; labels say both.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import verify
from deploy_kit.builder import base, image
from deploy_kit.client import wav
from deploy_kit.facts import HostFacts
from deploy_kit.plan.stack import Image
from deploy_kit.tools import docker
from tests.image.conftest import BASE, SETTINGS, STAND_IN
from tests.image.test_engine import inside
from tests.support import cpu_torch, standin_weights
from tests.support.hub import write_lock

ENGINE = "indextts-2.5"
PACKAGES = Path(os.environ["DEPLOYKIT_ENGINE_PYTHON"]).parents[1] / "lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def cpu(facts: HostFacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("wheels")
    made = cpu_torch.wheels(PACKAGES, folder)
    lock = tmp_path_factory.mktemp("lock") / "cpu.txt"
    lock.write_text(cpu_torch.lock(made), encoding="utf-8")
    built = Image("cpu", f"deploykit/standin-cpu:test-{uuid.uuid4().hex[:8]}", "0" * 64, BASE)
    found = base.acquire(SETTINGS, facts, lambda _: None, consent=lambda *_: True)
    with cpu_torch.index(made) as url:
        settings = replace(SETTINGS, engine_source=str(STAND_IN), torch_index=url)
        image.build(built, found, settings, facts.site, lambda _: None, lock=lock)
    yield built
    docker.call("image", "rm", "--force", built.reference, check=False)


def test_the_image_passes_every_check(cpu: Image) -> None:
    report = verify.run(cpu.reference, None, lambda _: None)

    assert report.findings == ()
    assert all(check.outcome is verify.Outcome.PASSED for check in report.checks)


def test_labels_say_what_it_is_made_of(cpu: Image) -> None:
    info = docker.image(cpu.reference)

    assert info is not None
    assert info.labels["io.deploykit.engine.lock"] == "tests"
    assert info.labels["io.deploykit.engine.stand-in"] == "true"


def test_it_carries_no_cuda_and_less_than_half_of_the_cuda_image(cpu: Image) -> None:
    said = json.loads(
        inside(
            cpu.reference,
            "import torch, json; print(json.dumps([torch.__version__, torch.version.cuda, torch.cuda.is_available()]))",
        )
    )
    info = docker.image(cpu.reference)

    assert said == ["2.8.0+cpu", None, False]
    assert info is not None
    assert info.size < 2.2e9


_ASK = """
import json, sys, time, urllib.request
def get(path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request("http://127.0.0.1:7860" + path, data, {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=120).read()
for _ in range(600):
    try:
        get("/readyz?model=indextts-2.5")
        break
    except OSError:
        time.sleep(0.2)
print(get("/readyz").decode())
sound = get("/v1/audio/speech", {"model": "indextts-2.5", "input": "On a processor alone.", "response_format": "wav"})
print(sound.hex())
"""


def test_it_speaks_with_the_model(cpu: Image, tmp_path: Path) -> None:
    """As any user, on a root that cannot be written, without rights and without a network: weights from a folder."""
    standin_weights.write(tmp_path / "model", ENGINE)
    (tmp_path / "model/reference_voice.wav").unlink()
    write_lock(tmp_path / "model", tmp_path / "lock.json", engine=ENGINE, licence="bilibili")
    settings = {"ENGINE": ENGINE, "VARIANT": "cpu", "DEVICE": "auto", "ACCEPT_LICENSE": "true",
                "WEIGHTS_SOURCE": "/weights", "WEIGHTS_LOCK": "/lock.json"}  # fmt: skip
    name = f"dk-cpu-{uuid.uuid4().hex[:8]}"
    try:
        docker.call(
            *("run", "--detach", f"--name={name}", "--user=54321:0", "--read-only", "--cap-drop=ALL", "--network=none"),
            *("--tmpfs=/tmp:mode=1777", "--tmpfs=/cache_hub:mode=1777", "--tmpfs=/outputs:mode=1777"),
            *(f"--volume={tmp_path}/model:/weights:ro", f"--volume={tmp_path}/lock.json:/lock.json:ro"),
            *(f"--env=TTS_{key}={value}" for key, value in settings.items()),
            cpu.reference,
        )
        said = docker.call("exec", name, "/opt/deploykit/server/bin/python", "-c", _ASK, timeout=300, check=False)
        assert said.returncode == 0, said.stderr + docker.call("logs", name).stderr
    finally:
        docker.call("rm", "--force", "--volumes", name, check=False)

    ready, sound = said.stdout.splitlines()
    rate, samples = wav(bytes.fromhex(sound), ENGINE)
    assert json.loads(ready)["device"] == "cpu"
    assert rate == 22050
    assert max(map(abs, samples)) > 1000
