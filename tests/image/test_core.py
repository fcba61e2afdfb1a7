"""The built image passes its own suite, keeps its size, and a spoilt one is found out."""

from __future__ import annotations

import json
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy_kit import verify
from deploy_kit.builder import sbom
from deploy_kit.facts import HostFacts
from deploy_kit.plan.stack import Image
from deploy_kit.tools import docker
from tests.image.conftest import SETTINGS, beside

GZIP_LIMIT = 130_000_000
LAYER_LIMIT = 10_000


def failed(reference: str, *only: str, markers: tuple[str, ...] = ()) -> set[str]:
    report = verify.run(reference, None, lambda _: None, only=only, markers=markers)
    return {check.name for check in report.checks if check.outcome is not verify.Outcome.PASSED}


def leftovers() -> str:
    return docker.call("ps", "--all", "--quiet", "--filter=name=deploykit-verify-").stdout


def layers(reference: str, folder: Path) -> dict[str, bytes]:
    """Digest to content of each layer."""
    docker.call("save", f"--output={folder / 'image.tar'}", reference, timeout=120)
    with tarfile.open(folder / "image.tar") as archive:
        config = json.load(archive.extractfile("manifest.json"))[0]
        return {name: archive.extractfile(name).read() for name in config["Layers"]}


def compressed(content: bytes) -> int:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    return len(squeeze.compress(content)) + len(squeeze.flush())


def test_the_image_passes_every_check(core: Image) -> None:
    report = verify.run(core.reference, None, lambda _: None)

    assert report.findings == ()
    assert len(report.checks) >= 30
    assert leftovers() == ""


def test_the_label_names_the_inputs(core: Image) -> None:
    info = docker.image(core.reference)

    assert info is not None
    assert info.labels[docker.LABEL_INPUTS] == core.inputs
    assert info.labels[docker.LABEL_VARIANT] == "core"


def test_the_bill_of_materials_lists_what_is_locked_and_installed(core: Image) -> None:
    made = json.loads(sbom.describe(core.reference))

    urls = {row["purl"].partition("?")[0].partition("@")[0] for row in made["components"]}
    assert {"pkg:deb/debian/espeak-ng", "pkg:deb/debian/python3.11", "pkg:pypi/gradio", "pkg:pypi/fastapi"} <= urls
    assert "pkg:pypi/hf-xet" not in urls  # slimmed away


def test_it_is_no_bigger_than_promised(core: Image, tmp_path: Path) -> None:
    sizes = [compressed(content) for content in layers(core.reference, tmp_path).values()]

    assert sum(sizes) <= GZIP_LIMIT


@pytest.mark.usefixtures("changed_line")
def test_one_changed_line_makes_one_small_layer_and_no_other(core: Image, facts: HostFacts, tmp_path: Path) -> None:
    with beside(core, SETTINGS, facts) as (changed, new):
        content = layers(changed, tmp_path)

    assert len(new) == 1
    assert compressed(content[f"blobs/{new.pop().replace(':', '/')}"]) <= LAYER_LIMIT


@pytest.mark.parametrize(
    ("instructions", "check"),
    [
        (["USER root"], "user"),
        (["USER deploykit"], "user"),
        (["HEALTHCHECK NONE"], "health_check_declared"),
        (["HEALTHCHECK CMD true"], "health_check_declared"),
        (['ENTRYPOINT ["/opt/deploykit/server/bin/python", "-m", "tts_server"]'], "entrypoint"),
        (["EXPOSE 22"], "port"),
        (["VOLUME /data"], "no_anonymous_volumes"),
        (["ENV NVIDIA_VISIBLE_DEVICES=all"], "gpu_is_opt_in"),
        (["LABEL io.deploykit.variant=nonsense"], "labels"),
        (["ENV PIP_INDEX_URL=https://me:hunter2@index.example/simple"], "no_credentials_in_history"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1][:40],
)
def test_a_spoilt_image_is_found_out(spoilt: Callable[..., str], instructions: list[str], check: str) -> None:
    assert failed(spoilt(*instructions), check) == {check}


def test_files_that_do_not_belong_in_an_image_are_found_even_when_a_later_layer_deletes_them(
    spoilt: Callable[..., str],
) -> None:
    faults = {
        "no_compiler": "touch /usr/bin/gcc-12",
        "no_installer": "touch /usr/local/bin/pip3.11",
        "no_caches": "echo x > /var/lib/apt/lists/mirror_dists_bookworm_InRelease",
        "no_site_files": "echo '[global]' > /etc/pip.conf",
        "no_byte_code_of_ours": "touch /opt/deploykit/app/x.pyc",
        "nothing_writable_by_all": "touch /opt/x && chmod 0666 /opt/x",
        "no_privileged_file_of_ours": "touch /opt/y && chmod 4755 /opt/y",
        "licences_in_place": "true",
    }
    name = spoilt(
        "USER root", "RUN " + " && ".join(faults.values()), "RUN rm /usr/bin/gcc-12 /etc/pip.conf /opt/x /opt/y"
    )

    assert failed(name, *faults) == set(faults) - {"licences_in_place"}


def test_a_deleted_secret_is_still_found(spoilt: Callable[..., str]) -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{'A' * 64}\n-----END PRIVATE KEY-----\n"
    name = spoilt(
        "USER root",
        "COPY key /opt/key",
        "COPY token /opt/token",
        "RUN rm /opt/key /opt/token",
        key=key,
        token="x hunter2 y",
    )

    assert failed(name, "no_private_key", "no_site_secret", markers=("hunter2",)) == {
        "no_private_key",
        "no_site_secret",
    }


def test_a_certificate_of_this_host_is_found_wherever_it_was_put(
    spoilt: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = tmp_path / "authority.pem"
    subprocess.run(
        (
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=Test",
            "-keyout",
            "/dev/null",
            "-out",
            str(authority),
        ),
        capture_output=True,
        check=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    name = spoilt("USER root", "COPY ca /usr/local/lib/somewhere", ca=authority.read_text(encoding="utf-8"))

    assert failed(name, "no_site_secret") == {"no_site_secret"}


def test_an_image_that_does_not_start_is_found_out_and_its_containers_are_removed(spoilt: Callable[..., str]) -> None:
    name = spoilt('ENTRYPOINT ["/bin/false"]')

    assert failed(name, "speaks_english", "any_user") == {"speaks_english", "any_user"}
    assert leftovers() == ""


def test_an_image_with_a_missing_module_is_found_out(spoilt: Callable[..., str]) -> None:
    name = spoilt("USER root", "RUN rm -r /opt/deploykit/server/lib/python3.11/site-packages/soxr", "USER 10001:0")

    assert "python_environment_is_whole" in failed(name, "python_environment_is_whole")
