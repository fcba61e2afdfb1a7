"""Looking at a cache, deleting from it, and what must be agreed to first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.server.cache.conftest import ENGINE, FILES, Cache, MakeCache
from tests.support.hub import Hub


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_list_tells_of_every_file(cache: Cache, hub: Hub) -> None:
    hub.fail("cut", "gpt.pth")
    cache.pull(hub.url)

    told = cache.run("list", "--engine", ENGINE).done

    states = {row["path"]: row["state"] for row in told["files"]}
    assert states == {
        "config.yaml": "held",
        "s2mel.pth": "held",
        "gpt.pth": "partial",
        "hf_cache/bigvgan/config.json": "held",
        "hf_cache/bigvgan/bigvgan_generator.pt": "held",
    }
    assert not told["complete"]


def test_list_of_nothing_changes_nothing(cache: Cache) -> None:
    assert cache.run("list").done["have_bytes"] == 0
    assert not cache.folder.exists()


def test_verify_finds_a_flipped_byte_that_no_date_betrays(cache: Cache, hub: Hub) -> None:
    cache.pull(hub.url)
    path = cache.place("gpt.pth")
    state = path.stat()
    path.write_bytes(b"x" + FILES["gpt.pth"][1:])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert cache.run("pull", "--engine", ENGINE).done

    failed = cache.run("verify").failed

    assert failed["code"] == "CACHE-DAMAGED"
    assert "gpt.pth" in failed["args"]["subject"]
    assert path.exists()
    hub.seen.clear()
    assert cache.pull(hub.url).done
    cache.holds()
    assert hub.bytes_sent() == len(FILES["gpt.pth"])


@pytest.fixture
def full(cache: Cache, hub: Hub) -> Cache:
    """A cache with all files, a voice, an old revision and a left-over partial."""
    cache.pull(hub.url, "--emotion-text")
    (cache.folder / "voices/me.wav").write_bytes(b"RIFF")
    old = cache.folder / "models/somebody--else/rev/model.bin"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x" * 1000)
    (cache.folder / "partial/left").write_bytes(b"y" * 500)
    return cache


def test_prune_takes_what_is_not_needed_and_nothing_else(full: Cache) -> None:
    told = full.run("prune", "--engine", ENGINE).done

    qwen = sum(len(data) for path, data in FILES.items() if "qwen" in path)
    assert told["freed_bytes"] == 1500 + qwen
    full.holds()
    assert (full.folder / "voices/me.wav").exists()
    assert not (full.folder / "models/somebody--else").exists()
    assert not full.place("qwen0.6bemo4-merge/model.safetensors").exists()


def test_prune_without_an_engine_keeps_all_of_the_lock(full: Cache) -> None:
    assert full.run("prune").done["freed_bytes"] == 1500
    full.holds(emotion_text=True)


@pytest.mark.parametrize("command", [("prune",), ("purge",), ("purge", "--voices")])
def test_a_folder_that_is_no_cache_is_left_alone(cache: Cache, tmp_path: Path, command: tuple[str, ...]) -> None:
    for name in ("models/mine/model.bin", "models/a--b/c/model.bin", "partial/x", "voices/y.wav"):
        (cache.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (cache.folder / name).write_bytes(b"mine")
    before = everything(cache.folder)

    assert cache.run(*command).done["files"] == 0
    assert everything(cache.folder) == before


def test_models_of_somebody_elses_order_stay(full: Cache) -> None:
    mine = full.folder / "models/mine/model.bin"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")

    full.run("purge")

    assert mine.read_bytes() == b"mine"


def test_prune_keeps_what_is_still_being_fetched(cache: Cache, hub: Hub) -> None:
    hub.fail("cut", "gpt.pth")
    cache.pull(hub.url)
    before = everything(cache.folder)

    assert cache.run("prune", "--engine", ENGINE).done["files"] == 0
    assert everything(cache.folder) == before


@pytest.mark.parametrize("command", [("prune", "--engine", ENGINE), ("purge",), ("purge", "--voices")])
def test_a_dry_run_changes_nothing(full: Cache, command: tuple[str, ...]) -> None:
    before = everything(full.folder)

    told = full.run(*command, "--dry-run").done

    assert told["event"] == "would-delete"
    assert told["places"]
    assert everything(full.folder) == before


def test_purge_takes_the_weights_and_leaves_the_voices(full: Cache) -> None:
    full.run("purge")

    assert not (full.folder / "models").exists()
    assert (full.folder / "voices/me.wav").exists()


def test_purge_with_voices_takes_everything(full: Cache) -> None:
    full.run("purge", "--voices")

    assert set(everything(full.folder)) <= {".lock", "layout.json"}


def test_nothing_is_fetched_before_the_licence_is_accepted(another: MakeCache, hub: Hub) -> None:
    cache = another("licensed", licence="CC-BY-NC-4.0")

    failed = cache.pull(hub.url).failed

    assert failed["code"] == "CACHE-LICENCE"
    assert "creativecommons" in failed["args"]["url"]
    assert hub.seen == []


def test_a_licence_is_accepted_once_and_noted_with_date_and_way(another: MakeCache, hub: Hub) -> None:
    cache = another("licensed", licence="bilibili-model-use")

    assert cache.pull(hub.url, TTS_ACCEPT_LICENSE="true").done

    row = json.loads((cache.folder / "licences.json").read_text())["accepted"][0]
    assert (row["licences"], row["engine"], row["how"]) == (["bilibili-model-use"], ENGINE, "TTS_ACCEPT_LICENSE")
    assert row["date"].startswith("20")
    assert cache.pull(hub.url).done


def test_a_free_licence_needs_no_yes(another: MakeCache, hub: Hub) -> None:
    assert another("free", licence="MIT").pull(hub.url).done


def test_an_unknown_licence_is_asked_for(another: MakeCache, hub: Hub) -> None:
    assert another("odd", licence="Their own").pull(hub.url).failed["code"] == "CACHE-LICENCE"


def test_licences_are_shown_with_their_terms(another: MakeCache) -> None:
    told = another("licensed", licence="CC-BY-NC-4.0").run("accept", "--engine", ENGINE).done

    assert not told["accepted"]
    assert "Non-commercial" in told["licences"][0]["terms"]


def test_a_newer_layout_is_left_alone(cache: Cache, hub: Hub) -> None:
    cache.folder.mkdir()
    (cache.folder / "layout.json").write_text('{"layout": 2}')

    assert cache.pull(hub.url).failed["code"] == "CACHE-LAYOUT"
    assert set(everything(cache.folder)) == {"layout.json"}


@pytest.mark.parametrize(
    "change",
    [
        lambda lock: lock["repositories"][0]["files"][0].update(path="../../etc/passwd"),
        lambda lock: lock["repositories"][0]["files"][0].update(path="/etc/passwd"),
        lambda lock: lock["repositories"][0]["files"][0].update(view="../x"),
        lambda lock: lock["repositories"][0].update(revision="../.."),
        lambda lock: lock["repositories"][0].update(name="no-owner"),
        lambda lock: lock["repositories"][0]["files"][0].update(sha256="abc"),
        lambda lock: lock["repositories"][0]["files"][0].update(bytes=-1),
        lambda lock: lock.update(schema=2),
        lambda lock: lock.update(repositories=7),
    ],
)
def test_a_lock_that_says_what_no_lock_says_is_refused(cache: Cache, hub: Hub, change: object) -> None:
    lock = json.loads(cache.lock.read_text())
    assert callable(change)
    change(lock)
    cache.lock.write_text(json.dumps(lock))

    assert cache.pull(hub.url).failed["code"] == "CACHE-LOCK"
    assert not cache.folder.exists()


@pytest.mark.parametrize("content", [None, "", "[1", "\0"])
def test_a_lock_that_is_none_is_refused(cache: Cache, content: str | None) -> None:
    cache.lock.unlink()
    if content is not None:
        cache.lock.write_text(content)

    assert cache.run("list").failed["code"] == "CACHE-LOCK"


def test_a_damaged_record_of_what_was_learned_is_made_anew(another: MakeCache, hub: Hub) -> None:
    cache = another("damaged", unhashed=("config.yaml",))
    cache.folder.mkdir()
    place = cache.place("config.yaml").relative_to(cache.folder).as_posix()
    (cache.folder / "trusted.json").write_text(json.dumps({place: [7]}))

    assert cache.pull(hub.url).done
    cache.holds()
