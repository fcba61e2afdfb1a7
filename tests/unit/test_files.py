"""Files: whole or untouched, and never waited for."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy_kit import files


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 1000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_whole_leaves_the_old_file(tmp_path: Path, small_disk: None) -> None:
    file = tmp_path / "a"
    file.write_text("old")

    with pytest.raises(OSError, match="large") as caught:
        files.write_whole(file, "x" * 5000)

    assert caught.value.filename == str(file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_permissions_of_the_old_file_stay(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(0o640)

    files.write_whole(file, "new")

    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o640)


def test_a_private_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    files.write_whole(tmp_path / "a", b"key", mode=0o600)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")

    files.write_whole(tmp_path / "link", "new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_new_file_is_refused_where_something_stands(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")

    with pytest.raises(FileExistsError):
        files.write_whole(tmp_path / "link", "new", new=True)


def test_a_pipe_takes_the_bytes_as_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    files.write_whole(tmp_path / "pipe", "sound")

    assert os.read(reader, 100) == b"sound"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    os.close(reader)


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    files.write_whole(tmp_path / ("n" * 255), "text")

    assert (tmp_path / ("n" * 255)).read_text() == "text"


@pytest.mark.parametrize(
    ("name", "word"),
    [(".", "directory"), ("none/a", "No such"), ("file/a", "Not a directory"), ("a", None), ("file", None)],
)
def test_what_stands_in_the_way_of_writing_is_seen_before(tmp_path: Path, name: str, word: str | None) -> None:
    (tmp_path / "file").write_text("")

    found = files.obstacle(tmp_path / name)

    assert (found is None) if word is None else (found is not None and word in found)


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_neither_device_nor_pipe_is_read(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="not a regular file"):
        files.read(tmp_path / path, 10)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")

    assert files.read(tmp_path / "a", 4) == b"1234"
    with pytest.raises(OSError, match="too large"):
        files.read(tmp_path / "a", 3)
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path, 3)


def test_a_link_that_another_has_laid_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    (tmp_path / f".a.{os.getpid()}").symlink_to("victim")

    with pytest.raises(OSError, match="symbolic links"):
        files.write_whole(tmp_path / "a", "new")

    assert (tmp_path / "victim").read_text() == "kept"
