"""The cu128 image around the stand-in: it passes its suite, spoilt copies are found out, wrong parts stop the build."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import verify
from deploy_kit.builder import base, image, sbom
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.plan.stack import Image
from deploy_kit.tools import docker
from tests.image.conftest import BASE, SETTINGS, STAND_IN, beside
from tests.image.test_core import failed, leftovers

PACKAGES = "/opt/deploykit/engine/lib/python3.11/site-packages"
PYTHON = "/opt/deploykit/engine/bin/python"
TESTS_LOCK = Path(__file__).parents[1] / "engine/cpu.txt"


def inside(reference: str, script: str) -> str:
    """What a script of the engine's Python prints, as any user, on a root that cannot be written, without a network."""
    options = ("--rm", "--read-only", "--cap-drop=ALL", "--network=none", "--user=54321:0", "--tmpfs=/tmp:mode=1777")
    done = docker.call("run", *options, f"--entrypoint={PYTHON}", reference, "-c", script, timeout=300)
    return done.stdout.strip()


def test_the_image_passes_every_check(engine: Image) -> None:
    report = verify.run(engine.reference, None, lambda _: None)

    assert report.findings == ()
    assert all(check.outcome is verify.Outcome.PASSED for check in report.checks)
    assert leftovers() == ""


def test_labels_and_bill_of_materials_say_that_it_holds_a_stand_in(engine: Image) -> None:
    info = docker.image(engine.reference)
    assert info is not None
    assert info.labels["io.deploykit.engine.stand-in"] == "true"
    assert info.labels["io.deploykit.engine.source"] == "unlocked"

    made = json.loads(sbom.describe(engine.reference))
    found = {row["name"]: row["version"] for row in made["components"]}
    assert found["torch"] == "2.8.0"
    assert "indextts-stand-in" in found
    assert "index-tts" not in found
    assert "nvidia-nccl-cu12" not in found  # its place is taken by what declines


def test_torch_works_on_a_cpu_though_a_third_of_its_libraries_are_declined(engine: Image) -> None:
    said = inside(
        engine.reference,
        "import torch, torchaudio, json; x = torch.randn(1, 1, 4000);"
        "y = torch.stft(x[0], 512, return_complex=True).abs();"
        "z = torch.nn.Conv1d(1, 4, 3)(x); w = torchaudio.transforms.Resample(24000, 16000)(x);"
        "print(json.dumps([torch.version.cuda, torch.cuda.is_available(), list(w.shape), y.isfinite().all().item()]))",
    )

    assert json.loads(said) == ["12.8", False, [1, 1, 2667], True]


def test_a_declined_library_says_so_instead_of_crashing(engine: Image) -> None:
    said = inside(
        engine.reference,
        "import ctypes, glob;"
        f"c = ctypes.CDLL(glob.glob('{PACKAGES}/nvidia/cusparse/lib/libcusparse.so.*')[0]);"
        "c.cusparseGetErrorString.restype = ctypes.c_char_p;"
        "print(c.cusparseCreate(), c.cusparseGetErrorString(10).decode())",
    )

    assert said == "10 deploykit: this image carries no libcusparse.so.12, since no engine uses it"


SECOND_TORCH = (
    f"RUN mkdir {PACKAGES}/torch-2.9.1.dist-info"
    f" && printf 'Name: torch\\nVersion: 2.9.1\\n' > {PACKAGES}/torch-2.9.1.dist-info/METADATA"
)


@pytest.mark.parametrize(
    ("instruction", "check"),
    [
        (f"RUN cp -r {PACKAGES}/nvidia/cuda_runtime/lib {PACKAGES}/second", "one_copy_of_each_cuda_library"),
        (f"RUN rm -r {PACKAGES}/indextts/utils/tagger_cache", "normaliser_rules_in_place"),
        ("RUN rm -r /opt/deploykit/licenses", "licences_of_the_engine"),
        (f"RUN rm -r {PACKAGES}/nvidia/cufft/lib", "engine_environment_is_whole"),
        (f"RUN rm -r {PACKAGES}/transformers {PACKAGES}/torch/nn", "engine_environment_is_whole"),
        (SECOND_TORCH, "engine_environment_is_whole"),
        ("RUN sed -i s/cu128/cu126/ /opt/deploykit/engine/deploykit.json", "engine_is_the_one_it_says"),
        ("LABEL io.deploykit.engine.stand-in=false", "engine_is_the_one_it_says"),
        ("LABEL io.deploykit.engine.source=locked", "engine_is_the_one_it_says"),
        ("RUN touch /usr/bin/nvcc /usr/local/bin/gcc-12", "no_compiler"),
    ],
)
def test_a_spoilt_image_is_found_out(spoilt_engine: Callable[..., str], instruction: str, check: str) -> None:
    assert failed(spoilt_engine("USER root", instruction, "USER 10001:0"), check) == {check}


@pytest.mark.usefixtures("changed_line")
def test_a_changed_line_of_ours_reships_none_of_the_engine(engine: Image, facts: HostFacts) -> None:
    with beside(engine, replace(SETTINGS, engine_source=str(STAND_IN)), facts) as (_, new):
        assert len(new) == 1


def test_another_engine_reships_its_own_layer_only(engine: Image, facts: HostFacts, tmp_path: Path) -> None:
    subprocess.run(("cp", "-r", f"{STAND_IN}/.", str(tmp_path)), check=True)
    (tmp_path / "indextts/more.py").write_text("x = 1\n")

    with beside(engine, replace(SETTINGS, engine_source=str(tmp_path)), facts) as (_, new):
        assert len(new) == 1


def test_a_cuda_build_of_torch_never_passes_for_a_cpu_image(facts: HostFacts) -> None:
    """The cpu variant's whole build, with what the ordinary index has in place of PyTorch's own CPU build."""
    settings = replace(SETTINGS, engine_source=str(STAND_IN), torch_index="https://127.0.0.1:9/{variant}")
    found = base.acquire(settings, facts, lambda _: None, consent=lambda *_: True)
    made = Image("cpu", f"deploykit/standin-cpu:test-{uuid.uuid4().hex[:8]}", "0" * 64, BASE)

    with pytest.raises(Failure) as caught:
        image.build(made, found, settings, facts.site, lambda _: None, lock=TESTS_LOCK)

    assert caught.value.finding.code == "BUILD-ENGINE-CHECK"
    assert "libcudart.so.12" in str(dict(caught.value.finding.args)["reason"])
    assert docker.image(made.reference) is None


def test_a_variant_that_nobody_could_lock_stops_before_anything_is_built(facts: HostFacts) -> None:
    with pytest.raises(Failure) as caught:
        image.build(
            Image("cu126", "deploykit/cu126:test", "0" * 64, BASE),
            base.acquire(SETTINGS, facts, lambda _: None, consent=lambda *_: True),
            replace(SETTINGS, engine_source=str(STAND_IN)),
            facts.site,
            lambda _: None,
        )

    assert caught.value.finding.code == "BUILD-TORCH-UNLOCKED"
