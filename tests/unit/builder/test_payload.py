"""What travels, how it is laid out, and what its hash depends on."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from deploy_kit import assets
from deploy_kit.builder import payload
from deploy_kit.render import dockerfile

BASE = "docker.io/library/debian:bookworm-slim"
LAYER_LIMIT = 10_000


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what an image is made of, which a test may change."""
    here = assets.root()
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(here / "images", tmp_path / "images", ignore=skip)
    shutil.copytree(assets.package(), tmp_path / "deploy_kit", ignore=skip)
    monkeypatch.setattr(assets, "root", lambda: tmp_path)
    monkeypatch.setattr(assets, "package", lambda: tmp_path / "deploy_kit")
    return tmp_path


def matching(layer: payload.Layer) -> list[payload.Source]:
    """The files of the context that a layer's patterns take."""
    return [
        source
        for source in payload.sources("core")
        if any(source.name.count("/") == one.count("/") and fnmatchcase(source.name, one) for one in layer.sources)
    ]


def snapshot(folder: Path) -> list[tuple[str, int, int, bytes]]:
    paths = sorted(folder.rglob("*"))
    return [
        (
            str(path.relative_to(folder)),
            path.stat().st_mode,
            int(path.stat().st_mtime),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in paths
    ]


def test_every_file_of_ours_lands_in_exactly_one_layer() -> None:
    copied = [source.name for layer in payload.layers() for source in matching(layer)]
    ours = [s.name for s in payload.sources("core") if s.name.startswith(("deploy_kit/", payload.SERVER))]

    assert sorted(copied) == sorted(ours)


def test_layers_have_names_of_their_own() -> None:
    names = [layer.name for layer in payload.layers()]

    assert len(set(names)) == len(names)


def test_files_have_a_suffix_and_folders_have_none_so_that_patterns_take_files_only() -> None:
    for source in payload.sources("core"):
        *folders, name = source.name.split("/")
        assert "." in name or name == "Dockerfile"
        assert not any("." in folder for folder in folders)


def test_a_changed_line_reships_no_more_than_ten_kilobytes() -> None:
    sizes = {}
    for layer in payload.layers():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for source in matching(layer):
                archive.add(source.path, arcname=source.name)
        sizes[layer.source] = len(gzip.compress(buffer.getvalue()))

    assert {name: size for name, size in sizes.items() if size > LAYER_LIMIT} == {}


def test_equal_sources_give_equal_contexts_whatever_their_times_and_modes(checkout: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    payload.stage(first)
    for source in payload.sources("core"):
        source.path.chmod(0o600)
        os.utime(source.path, (1, 1))
    payload.stage(second)

    assert snapshot(first) == snapshot(second)


def test_a_change_that_keeps_the_length_shows_in_the_time_by_which_builders_compare(
    checkout: Path, tmp_path: Path
) -> None:
    file = checkout / payload.SERVER / "tts_server/probe.py"
    times = []
    for text in ("x = 1\n", "x = 2\n"):
        file.write_text(text)
        folder = tmp_path / text[4]
        folder.mkdir()
        payload.stage(folder)
        times.append((folder / payload.SERVER / "tts_server/probe.py").stat().st_mtime)

    assert times[0] != times[1]


@pytest.mark.parametrize("variant", dockerfile.VARIANTS)
def test_the_context_holds_what_the_dockerfile_asks_for(variant: str, tmp_path: Path) -> None:
    lock = None if variant == "core" else payload.own_lock("cu128")
    payload.stage(tmp_path, variant, lock)

    text = (tmp_path / payload.dockerfile(variant)).read_text(encoding="utf-8")
    bound = re.findall(r"--mount=type=bind,source=([^,]+),", text)
    copied = [part for row in re.findall(r"^room \S+ \S+ (.+)$", text, re.MULTILINE) for part in row.split()]
    assert bound
    assert copied
    for name in bound:
        assert (tmp_path / name).is_file()
    for pattern in copied:
        assert list(tmp_path.glob(pattern)), pattern


def test_byte_code_and_hidden_files_stay_out(checkout: Path) -> None:
    folder = checkout / payload.SERVER / "tts_server"
    before = payload.inputs("core", BASE)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/x.cpython-311.pyc").write_bytes(b"x")
    (folder / ".swp").write_bytes(b"x")

    assert payload.inputs("core", BASE) == before


@pytest.mark.parametrize(
    "name",
    [
        "images/core/Dockerfile",
        "images/requirements/server.txt",
        "images/tools/slim.py",
        "images/server/tts_server/probe.py",
        "deploy_kit/wire.py",
        "deploy_kit/messages/zh/findings/host.json",
    ],
)
def test_a_change_in_what_travels_changes_the_hash(checkout: Path, name: str) -> None:
    before = payload.inputs("core", BASE)
    path = checkout / name
    path.write_bytes(path.read_bytes() + b"\n")

    assert payload.inputs("core", BASE) != before


@pytest.mark.parametrize("name", [*sorted(payload.STAYING), "deploy_kit/client.py", "images/Dockerfile.j2"])
def test_a_change_in_what_stays_changes_nothing(checkout: Path, name: str) -> None:
    before = payload.inputs("core", BASE)
    path = checkout / name
    path.write_bytes(path.read_bytes() + b"\n")

    assert payload.inputs("core", BASE) == before


@pytest.mark.parametrize("name", [payload.torch_lock("cu128"), *payload.ENGINE_FILES])
def test_what_an_engine_is_made_of_changes_the_hash_of_its_variant_only(checkout: Path, name: str) -> None:
    before = payload.inputs("cu128", BASE), payload.inputs("core", BASE)
    path = checkout / name
    path.write_bytes(path.read_bytes() + b"\n")
    after = payload.inputs("cu128", BASE), payload.inputs("core", BASE)

    assert after[0] != before[0]
    assert after[1] == before[1]


def test_the_hash_knows_the_engines_source() -> None:
    assert payload.inputs("cu128", BASE, "one") != payload.inputs("cu128", BASE, "other")
    assert payload.inputs("core", BASE, "one") == payload.inputs("core", BASE, "other")


def test_a_variant_whose_torch_nobody_has_locked_still_has_a_hash() -> None:
    assert payload.own_lock("cpu") is None
    assert payload.inputs("cpu", BASE) != payload.inputs("cpu", BASE, lock=payload.own_lock("cu128"))


def test_the_command_for_a_lock_names_the_variants_index_and_file() -> None:
    command = payload.lock_command("cu126")

    assert command[-2:] == ("images/requirements/engine-cu126.txt", "images/requirements/engine-cu126.in")
    assert any(word.endswith("/whl/cu126") for word in command)


def test_the_hash_knows_the_base_as_asked_for() -> None:
    assert payload.inputs("core", BASE) != payload.inputs("core", f"{BASE}@sha256:{'0' * 64}")


def test_unpacked_code_lies_as_in_the_image(tmp_path: Path) -> None:
    payload.unpack(tmp_path)

    targets = {f"{layer.folder}/{Path(s.name).name}" for layer in payload.layers() for s in matching(layer)}
    assert targets == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("variant", dockerfile.VARIANTS)
def test_the_ignore_file_lets_through_all_that_is_copied(variant: str) -> None:
    rules = payload.ignore_file(variant).splitlines()
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert rules[0] == "*"
    for source in payload.sources(variant):
        if source.name != payload.dockerfile(variant):  # the client sends that one apart
            assert any(source.name == rule or source.name.startswith(f"{rule}/") for rule in allowed), source.name
            assert source.name not in rules


def test_the_single_files_are_the_travelling_ones() -> None:
    assert sorted(name for group in payload.SINGLE for name in group) == sorted(
        r for r in payload.TRAVELLING if r.endswith(".py")
    )


def test_a_template_that_asks_for_an_unknown_value_is_refused(checkout: Path) -> None:
    import jinja2

    (checkout / "images/Dockerfile.j2").write_text("{{ nonsense }}", encoding="utf-8")

    with pytest.raises(jinja2.UndefinedError):
        dockerfile.text("core")
