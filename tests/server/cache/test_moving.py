"""Weights that come from a folder or archive, and go to another machine."""

from __future__ import annotations

import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.cache.conftest import ENGINE, FILES, OWNER, QUICK, Cache, MakeCache, commit, plant
from tests.support.hub import Hub, git, sha256

NEEDED = {path: data for path, data in FILES.items() if "qwen" not in path}


def upstream(root: Path, weights: Path) -> Path:
    return plant(root / "index-tts/checkpoints", FILES)


def hugging_face(root: Path, weights: Path) -> Path:
    """Blobs, and links to them by revision and path."""
    home = root / f"models--{OWNER}--{ENGINE}"
    revision = commit(weights, f"{OWNER}/{ENGINE}")
    (home / "blobs").mkdir(parents=True)
    for path, data in FILES.items():
        blob = home / "blobs" / (git(data) if path.endswith(("json", "yaml")) else sha256(weights / path))
        blob.write_bytes(data)
        link = home / "snapshots" / revision / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return root


def modelscope(root: Path, weights: Path) -> Path:
    return plant(root / "hub/models" / OWNER / ENGINE.replace(".", "___"), FILES).parents[2]


def anyhow(root: Path, weights: Path) -> Path:
    """Big files under names of somebody's own; small ones where upstream has them."""
    return plant(root, {path if len(data) < 1000 else f"x/{len(data)}": data for path, data in FILES.items()})


LAYOUTS = [upstream, hugging_face, modelscope, anyhow]


def tarred(folder: Path) -> Path:
    target = folder.with_name("weights.tar")
    with tarfile.open(target, "w") as archive:
        archive.add(folder, "some/where")
    return target


def gzipped(folder: Path) -> Path:
    target = folder.with_name("weights.tgz")
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, ".")
    return target


def zipped(folder: Path) -> Path:
    target = folder.with_name("weights.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return target


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pack", [lambda folder: folder, tarred, gzipped, zipped], ids=["folder", "tar", "tgz", "zip"])
def test_weights_are_recognised_wherever_they_lie(
    another: MakeCache,
    weights: Path,
    tmp_path: Path,
    layout: Callable[[Path, Path], Path],
    pack: Callable[[Path], Path],
) -> None:
    cache = another("loose", unsized=("config.json",), unhashed=("config.yaml",))
    source = pack(layout(tmp_path / "there", weights))

    assert cache.run("import", str(source), "--engine", ENGINE, "--limits", QUICK).done["files"] == len(NEEDED)

    cache.holds()
    assert cache.run("pull", "--engine", ENGINE, under=("unshare", "--net")).done


def test_the_source_of_a_pull_may_be_a_folder(cache: Cache, weights: Path) -> None:
    assert cache.pull(str(weights)).done
    cache.holds()


def test_a_folder_without_the_files_names_what_is_missing(cache: Cache, weights: Path) -> None:
    (weights / "gpt.pth").unlink()

    failed = cache.pull(str(weights)).failed

    assert failed["code"] == "CACHE-INCOMPLETE"
    assert failed["args"]["subject"].endswith("/gpt.pth")
    assert cache.place("s2mel.pth").exists()


def test_wrong_bytes_of_the_right_size_are_not_taken(cache: Cache, weights: Path) -> None:
    (weights / "gpt.pth").write_bytes(b"x" * len(FILES["gpt.pth"]))

    assert cache.pull(str(weights)).failed["code"] == "CACHE-INCOMPLETE"
    assert not cache.place("gpt.pth").exists()


def test_a_folder_with_nothing_of_it_is_a_failure(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert cache.run("import", str(tmp_path / "empty")).failed["code"] == "CACHE-INCOMPLETE"


def test_what_is_no_archive_is_told_as_such(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "weights.tar").write_bytes(b"no tar")

    assert cache.run("import", str(tmp_path / "weights.tar")).failed["code"] == "CACHE-SOURCE"


def test_a_broken_archive_leaves_what_was_whole(cache: Cache, weights: Path) -> None:
    archive = gzipped(weights)
    archive.write_bytes(archive.read_bytes()[:-200_000])

    assert cache.run("import", str(archive), "--engine", ENGINE).failed["code"] == "CACHE-SOURCE"


def test_names_in_an_archive_lead_nowhere_else(cache: Cache, weights: Path, tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(weights / "gpt.pth", "../../../../evil/gpt.pth")
        link = tarfile.TarInfo("config.yaml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)

    assert cache.run("import", str(archive)).done["files"] == 1
    assert cache.place("gpt.pth").exists()
    assert not cache.place("config.yaml").exists()


def test_files_on_the_same_disk_are_linked(cache: Cache, weights: Path) -> None:
    cache.pull(str(weights))

    assert cache.place("gpt.pth").samefile(weights / "gpt.pth")


def test_files_that_others_could_not_read_are_copied(cache: Cache, weights: Path) -> None:
    (weights / "gpt.pth").chmod(0o600)

    cache.pull(str(weights))

    assert not cache.place("gpt.pth").samefile(weights / "gpt.pth")
    assert cache.place("gpt.pth").stat().st_mode & 0o044 == 0o044


@pytest.mark.parametrize("name", ["carried", "carried.tar"])
def test_an_export_is_a_whole_cache_elsewhere(another: MakeCache, hub: Hub, tmp_path: Path, name: str) -> None:
    loose = {"unsized": ("config.json",)}
    first, second = another("first", **loose), another("second", **loose)
    first.pull(hub.url)

    assert first.run("export", str(tmp_path / name), "--engine", ENGINE).done["files"] == len(NEEDED)
    assert second.run("import", str(tmp_path / name), "--engine", ENGINE).done["files"] == len(NEEDED)

    second.holds()
    learned = [json.loads((one.folder / "trusted.json").read_text()) for one in (first, second)]
    hashes = [{place: row["sha256"] for place, row in one.items()} for one in learned]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 1


def test_an_export_of_a_half_cache_is_refused(cache: Cache, tmp_path: Path) -> None:
    failed = cache.run("export", str(tmp_path / "out"), "--engine", ENGINE).failed

    assert failed["code"] == "CACHE-INCOMPLETE"
    assert not (tmp_path / "out").exists()


def test_an_export_never_overwrites(cache: Cache, hub: Hub, tmp_path: Path) -> None:
    cache.pull(hub.url)
    (tmp_path / "out.tar").write_text("mine")

    assert cache.run("export", str(tmp_path / "out.tar"), "--engine", ENGINE).failed["code"] == "CACHE-DESTINATION"
    assert (tmp_path / "out.tar").read_text() == "mine"


def test_an_export_to_nowhere_leaves_nothing(cache: Cache, hub: Hub, tmp_path: Path) -> None:
    cache.pull(hub.url)

    failed = cache.run("export", str(tmp_path / "no/such/out.tar"), "--engine", ENGINE).failed

    assert failed["code"] == "CACHE-DESTINATION"
