"""BuildKit's plain output as events, its command line, and what a failed build is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy_kit.builder import image, site
from deploy_kit.messages import Catalogue
from deploy_kit.plan.stack import Image

IMAGE = Image("core", "deploykit/core:abc", "ab" * 32, "docker.io/library/debian:bookworm-slim")


def fractions(lines: list[str], total: int) -> list[float]:
    progress = image.Progress(total)
    return [
        event.fraction for text in lines if (event := progress.read(text)) is not None and event.fraction is not None
    ]


def test_progress_rises_to_one_and_counts_commands_for_more_than_copies() -> None:
    lines = [
        "#1 [internal] load build definition from Dockerfile",
        "#1 DONE 0.0s",
        "#5 [system 1/2] FROM docker.io/deploykit/base:1",
        "#5 DONE 0.1s",
        "#6 [system 2/2] RUN --mount=type=secret,id=ca   <<'SHELL' (set -eu...)",
        "#6 1.234 Get:1 something",
        "#6 DONE 9.5s",
        "#7 [core 1/1] COPY --link a b",
        "#7 CACHED",
    ]

    assert fractions(lines, total=32) == [0, 1 / 32, 1 / 32, 31 / 32, 31 / 32, 1]


def test_the_weight_of_a_dockerfile_is_what_its_output_adds_up_to(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("ARG BASE=x\nFROM ${BASE} AS a\nRUN <<'SHELL'\necho\nSHELL\nFROM a\nCOPY x y\nWORKDIR /\nENV A=1\n")

    assert image._total(file) == 1 + 30 + 1 + 1


def test_a_vertex_names_its_stage_in_the_users_language() -> None:
    event = image.Progress(10).read("#6 [server-environment 1/2] RUN pip")

    assert event is not None
    assert event.message is not None
    assert Catalogue("en").text(event.message.key) == "Installing the server's Python packages"


def test_the_inputs_are_a_label_and_no_secret_is_an_argument(tmp_path: Path) -> None:
    secrets = (site.Secret("pip_conf", tmp_path / "pip_conf"),)
    options = tuple(f"--secret=id={secret.id},src={secret.path}" for secret in secrets)

    argv = image.command(IMAGE, "deploykit/base:1", tmp_path, options)

    assert f"--label=io.deploykit.inputs={IMAGE.inputs}" in argv
    assert "--build-arg=BASE=deploykit/base:1" in argv
    assert f"--secret=id=pip_conf,src={tmp_path}/pip_conf" in argv
    assert argv[-1] == str(tmp_path)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            "#9 8.1 SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed",
            "BUILD-CERTIFICATE",
        ),
        ("#6 1.2 Certificate verification failed: The certificate is NOT trusted.", "BUILD-CERTIFICATE"),
        ("#6 1.0 W: Failed to fetch http://x/InRelease  Temporary failure resolving 'x'", "BUILD-NAME-RESOLUTION"),
        ("#9 3.3 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "BUILD-HASH-MISMATCH"),
        ("#6 3.3 E: Failed to fetch http://x/y.deb  Hash Sum mismatch", "BUILD-HASH-MISMATCH"),
        ("ERROR: failed to solve: write /x: no space left on device", "BUILD-DISK-FULL"),
        ("#6 5.0 E: You don't have enough free space in /var/cache/apt/archives/.", "BUILD-DISK-FULL"),
        ("#9 2.0 ERROR: No matching distribution found for gradio==6.31.0", "BUILD-INDEX-INCOMPLETE"),
        ("#9 2.0 ERROR: HTTP error 403 Forbidden while getting x", "BUILD-DENIED"),
        ("#6 2.0 Could not connect to 10.0.0.1:3142 (10.0.0.1). - connect (111: Connection refused)", "BUILD-OFFLINE"),
        ("#9 2.0 something nobody has seen before", "BUILD-FAILED"),
    ],
)
def test_a_failed_build_is_called_by_its_cause(said: str, code: str) -> None:
    failure = image.diagnose(["#6 0.1 ordinary output", said], "deploykit/core:abc")

    assert failure.finding.code == code
    for locale in ("en", "zh"):
        for part in ("what", "why", "remedy"):
            sentence = failure.finding.sentence(part)
            assert Catalogue(locale).text(sentence.key, sentence.args)


def test_the_last_lines_of_a_failure_hold_no_password() -> None:
    failure = image.diagnose(["#9 1.0 Looking in indexes: https://me:hunter2@index.example/simple"], "x")

    shown = dict(failure.finding.args)["lines"]
    assert "hunter2" not in shown
    assert "https://***@index.example/simple" in shown
