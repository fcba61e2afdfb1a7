"""Rules that the committed Dockerfiles keep, whoever edits the templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy_kit import assets
from deploy_kit.render import dockerfile

FILES = sorted((assets.root() / "images").glob("*/Dockerfile"))
HOST_NAME = re.compile(r"https?://|\b(?:[a-z0-9-]+\.)+(?:org|com|net|cn|dev)\b")


@pytest.fixture(params=FILES, ids=[path.parent.name for path in FILES])
def text(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text(encoding="utf-8")


def instructions(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", text, re.MULTILINE)


def test_every_variant_is_committed() -> None:
    assert [path.parent.name for path in FILES] == sorted(dockerfile.VARIANTS)


def test_the_committed_file_is_what_the_template_gives(text: str) -> None:
    assert text in dockerfile.files().values()


def test_no_syntax_line_since_it_needs_a_registry(text: str) -> None:
    assert "# syntax=" not in text


def test_the_base_is_the_only_argument_and_fully_qualified(text: str) -> None:
    (base,) = instructions(text, "ARG")
    assert re.fullmatch(r"BASE=docker\.io/library/debian:bookworm-slim", base)
    assert instructions(text, "FROM")[0] == "${BASE} AS system"


def test_no_package_host_is_named(text: str) -> None:
    body = "\n".join(
        line for line in text.splitlines() if not line.startswith(("ARG BASE=", "LABEL", "      org.", "#"))
    )
    assert HOST_NAME.findall(body) == []


def test_packages_are_installed_by_hash_and_without_a_compiler(text: str) -> None:
    assert "--require-hashes" in text
    assert "--only-binary=:all:" in text


def test_settings_of_a_site_are_secrets(text: str) -> None:
    known = {"ca", "apt_conf", "apt_sources", "pip_conf"}
    assert set(re.findall(r"--mount=type=secret,id=(\w+)", text)) - {"torch_index"} == known


def test_every_copy_is_linked(text: str) -> None:
    assert all(copy.startswith("--link ") for copy in instructions(text, "COPY"))


def test_our_code_comes_last_so_that_it_invalidates_nothing(text: str) -> None:
    origins = list(dict.fromkeys(re.findall(r"--from=(\S+)", "\n".join(instructions(text, "COPY")))))
    assert origins in (
        ["server-environment", "code"],
        ["engine-torch", "engine-environment", "server-environment", "code"],
    )


def test_every_room_that_is_laid_out_is_copied_once(text: str) -> None:
    laid_out = re.findall(r"^room (\S+) ", text, re.MULTILINE)
    copied = re.findall(r"--from=code /layers/(\S+)/opt /opt$", text, re.MULTILINE)
    assert laid_out
    assert copied == laid_out


def variant(name: str) -> str:
    return (assets.root() / f"images/{name}/Dockerfile").read_text(encoding="utf-8")


def test_the_cuda_libraries_are_a_layer_below_torch_and_only_where_there_are_any() -> None:
    copies = [copy for copy in instructions(variant("cu128"), "COPY") if "engine-torch" in copy]
    assert [re.findall(r"/layers/(\w+)/", copy) for copy in copies] == [["cuda"], ["torch"]]
    assert "/layers/cuda" not in variant("cpu")


def test_only_the_variants_of_pytorchs_own_index_take_one() -> None:
    assert {name for name in dockerfile.VARIANTS if "id=torch_index" in variant(name)} == {"cpu", "cu126"}


def test_the_core_knows_no_engine() -> None:
    assert not re.search(r"engine[-_/]|build-context", variant("core"))


def test_what_installs_the_engine_is_locked_too(text: str) -> None:
    assert text.count("--require-hashes") == text.count("\n    install --no-c")
