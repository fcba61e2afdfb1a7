"""Full disks, read-only caches, and no network at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.cache.conftest import ENGINE, FILES, QUICK, Cache
from tests.support.hub import Hub


@pytest.fixture
def small_disk(tmp_path: Path, cache: Cache) -> Iterator[Path]:
    """A disk of 400 kB at the place of the cache."""
    if os.geteuid() != 0:
        pytest.fail("mounting a small disk needs root")
    cache.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(cache.folder)], check=True)
    yield cache.folder
    subprocess.run(["umount", "--lazy", str(cache.folder)], check=True)


def test_a_disk_that_is_too_small_is_refused_before_the_first_byte(cache: Cache, hub: Hub, small_disk: Path) -> None:
    failed = cache.pull(hub.url).failed

    assert failed["code"] == "CACHE-NO-SPACE"
    assert failed["args"]["subject"] == str(small_disk)
    assert hub.seen == []


def test_a_disk_that_fills_up_on_the_way_fails_cleanly_and_goes_on_later(
    cache: Cache, hub: Hub, small_disk: Path
) -> None:
    """Somebody else's file takes the room while a download runs."""
    subprocess.run(["mount", "-o", "remount,size=600k", str(small_disk)], check=True)
    hub.fail("drip", "gpt.pth", value=100_000, times=1)
    process = cache.start("pull", "--engine", ENGINE, "--source", hub.url, "--limits", QUICK)
    cache.until_lying("gpt.pth", 20_000)
    (small_disk / "other").write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096 - 100_000))
    out, _ = process.communicate(timeout=30)

    assert process.returncode == 9
    assert "CACHE-NO-SPACE" in out.splitlines()[-1]
    kept = cache.lying("gpt.pth")
    assert kept > 20_000
    (small_disk / "other").unlink()
    hub.seen.clear()
    assert cache.pull(hub.url).done
    cache.holds()
    assert hub.bytes_sent("gpt.pth") == len(FILES["gpt.pth"]) - kept


def test_the_reserve_stays_free(cache: Cache, hub: Hub) -> None:
    ran = cache.run("pull", "--engine", ENGINE, "--source", hub.url, "--limits", "reserve_bytes=1e15")

    assert ran.failed["code"] == "CACHE-NO-SPACE"


def test_a_complete_cache_needs_no_network(cache: Cache, hub: Hub) -> None:
    cache.pull(hub.url)
    hub.stop()
    alone = ("unshare", "--net")

    assert cache.run("pull", "--engine", ENGINE, under=alone).done["fetched_bytes"] == 0
    assert cache.run("verify", "--engine", ENGINE, under=alone).done


def test_without_a_network_an_incomplete_cache_says_so_at_once(cache: Cache) -> None:
    ran = cache.run("pull", "--engine", ENGINE, under=("unshare", "--net"))

    assert ran.failed["code"] == "CACHE-NO-SOURCE"
    assert ran.failed["passing"]
    assert ran.seconds < 40


@pytest.fixture
def read_only(cache: Cache, hub: Hub) -> Iterator[Cache]:
    if os.geteuid() != 0:
        pytest.fail("mounting read-only needs root")
    cache.pull(hub.url)
    folder = str(cache.folder)
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    yield cache
    subprocess.run(["umount", folder], check=True)


def test_a_complete_cache_may_be_read_only(read_only: Cache, hub: Hub) -> None:
    assert read_only.pull(hub.url).done
    assert read_only.run("verify", "--engine", ENGINE).done


def test_an_incomplete_one_may_not(read_only: Cache, hub: Hub) -> None:
    ran = read_only.pull(hub.url, "--emotion-text")

    assert ran.failed["code"] == "CACHE-READ-ONLY"
