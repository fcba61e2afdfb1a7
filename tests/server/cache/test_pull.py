"""Fetching: what comes is what the lock says, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server.cache.conftest import ENGINE, FILES, QUICK, Cache, MakeCache
from tests.support.hub import Hub, git, sha256


def test_everything_is_fetched_once_and_then_nobody_is_asked(cache: Cache, hub: Hub) -> None:
    first = cache.pull(hub.url)
    asked = len(hub.seen)
    again = cache.pull(hub.url)

    cache.holds()
    assert first.done["fetched_bytes"] == sum(len(data) for path, data in FILES.items() if not path.startswith("qwen"))
    assert again.done["fetched_bytes"] == 0
    assert len(hub.seen) == asked


def test_emotion_by_text_is_fetched_only_when_it_is_asked_for(cache: Cache, hub: Hub) -> None:
    cache.pull(hub.url)
    assert not cache.place("qwen0.6bemo4-merge/config.json").exists()

    cache.pull(hub.url, "--emotion-text")

    cache.holds(emotion_text=True)


def test_events_tell_need_source_progress_and_end(cache: Cache, hub: Hub) -> None:
    events = cache.pull(hub.url).events

    kinds = [event["event"] for event in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "done"
    assert {"source", "progress"} <= set(kinds)
    last = [event for event in events if event["event"] == "progress"][-1]
    assert last["done_bytes"] == last["total_bytes"] == events[0]["need_bytes"]


def test_people_get_sentences(cache: Cache, hub: Hub) -> None:
    shown = subprocess.run(
        [*cache.command("pull", "--engine", ENGINE), "--source", hub.url],
        env=cache.environment | {"TTS_LOCALE": "zh"},
        capture_output=True,
        text=True,
    )
    assert "全部就绪" in shown.stdout


def test_modelscope_form_gives_the_same(cache: Cache, hub: Hub) -> None:
    assert cache.pull(f"modelscope+{hub.url}").done

    cache.holds()
    assert all("/api/v1/models/" in one.path for one in hub.seen if one.host == "hub")


def test_a_file_cut_in_the_middle_is_continued_there(cache: Cache, hub: Hub) -> None:
    hub.fail("cut", "gpt.pth", times=2)

    assert cache.pull(hub.url).done

    cache.holds()
    assert hub.bytes_sent("gpt.pth") == len(FILES["gpt.pth"])
    ranges = [one.range for one in hub.seen if one.host == "cdn" and "gpt.pth" in one.path]
    assert ranges == [None, "bytes=150000-", "bytes=225000-"]


def test_a_silent_source_counts_as_cut(cache: Cache, hub: Hub) -> None:
    hub.fail("stall", "gpt.pth", times=1)

    assert cache.pull(hub.url).done
    cache.holds()


def test_wrong_bytes_with_status_200_are_thrown_away_and_never_kept(cache: Cache, hub: Hub) -> None:
    hub.fail("wrong", "s2mel.pth")

    failed = cache.pull(hub.url).failed

    assert failed["code"] == "CACHE-CORRUPT"
    assert not failed["passing"]
    assert not cache.place("s2mel.pth").exists()
    assert list((cache.folder / "partial").iterdir()) == []


def test_another_version_is_refused_before_its_first_byte(cache: Cache, hub: Hub) -> None:
    hub.fail("other", "gpt.pth")
    hub.fail("drip", "gpt.pth", value=50_000)

    assert cache.pull(hub.url).failed["code"] == "CACHE-CORRUPT"
    assert hub.bytes_sent("gpt.pth") < 20_000


def test_a_page_instead_of_a_file_is_refused(cache: Cache, hub: Hub) -> None:
    hub.fail("page", "gpt.pth")

    failed = cache.pull(hub.url).failed

    assert failed["code"] == "CACHE-NOT-A-FILE"
    assert failed["args"]["kind"] == "text/html"


def test_a_source_that_asks_to_wait_gets_its_time(cache: Cache, hub: Hub) -> None:
    hub.fail("limited", "gpt.pth", times=1, value=1)

    ran = cache.pull(hub.url)

    assert ran.done
    assert ran.seconds >= 1
    assert ran.notes("wait") == [{"name": hub.url.removeprefix("http://"), "seconds": "1"}]


def test_a_source_that_asks_for_too_long_is_a_failure_that_passes(cache: Cache, hub: Hub) -> None:
    hub.fail("limited", "gpt.pth", value=3600)

    failed = cache.pull(hub.url).failed

    assert failed["code"] == "CACHE-LIMITED"
    assert failed["args"]["seconds"] == "3600"
    assert failed["passing"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_repository_is_told_as_such(cache: Cache, hub: Hub, status: int) -> None:
    hub.fail("status", value=status)

    failed = cache.pull(hub.url).failed

    assert failed["code"] == "CACHE-FORBIDDEN"
    assert failed["args"]["status"] == str(status)
    assert not failed["passing"]


def test_a_file_that_nobody_has_is_told_as_such(cache: Cache, hub: Hub, weights: Path) -> None:
    hub.fail("status", "gpt.pth", value=404)

    assert cache.pull(hub.url).failed["code"] == "CACHE-NOT-FOUND"


def test_a_source_that_is_not_there_is_a_failure_that_passes(cache: Cache) -> None:
    failed = cache.pull("http://127.0.0.1:9").failed

    assert failed["code"] == "CACHE-NO-SOURCE"
    assert failed["passing"]
    assert "refused" in failed["args"]["reasons"]


@pytest.mark.parametrize("kind", ["loop", "dead"])
def test_a_source_that_leads_nowhere_is_told_as_such(cache: Cache, hub: Hub, kind: str) -> None:
    hub.fail(kind)

    ran = cache.pull(hub.url)

    assert ran.failed["code"] == "CACHE-NO-SOURCE"
    assert ran.seconds < 40


def test_server_errors_are_waited_out(cache: Cache, hub: Hub) -> None:
    hub.fail("status", "gpt.pth", times=2, value=502)

    assert cache.pull(hub.url).done


def test_a_source_that_drips_is_left_and_what_came_is_kept(cache: Cache, hub: Hub) -> None:
    hub.fail("drip", "gpt.pth", value=300)

    failed = cache.pull(hub.url).failed
    hub.heal()
    hub.seen.clear()

    assert failed["code"] == "CACHE-NO-SOURCE"
    assert failed["passing"]
    assert cache.pull(hub.url).done
    assert 0 < hub.bytes_sent("gpt.pth") < len(FILES["gpt.pth"])


def test_a_source_without_ranges_starts_again(cache: Cache, hub: Hub) -> None:
    hub.fail("cut", "gpt.pth", times=1)
    hub.fail("norange", "gpt.pth", times=1)

    assert cache.pull(hub.url).done
    cache.holds()


def test_a_file_that_changed_in_between_starts_again(cache: Cache, hub: Hub) -> None:
    hub.fail("cut", "gpt.pth", times=1)
    hub.fail("changed", "gpt.pth", times=1)

    assert cache.pull(hub.url).done
    cache.holds()
    assert [one.if_range is not None for one in hub.seen if one.host == "cdn" and "gpt" in one.path] == [False, True]


def test_an_answer_without_length_is_measured_by_the_lock(cache: Cache, hub: Hub) -> None:
    hub.fail("plain")

    assert cache.pull(hub.url).done
    cache.holds()


def test_the_token_goes_to_the_hub_and_not_to_where_the_bytes_lie(cache: Cache, hub: Hub, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hf_secret\n")

    ran = cache.pull(hub.url, "--token-file", str(token))

    assert ran.done
    assert {one.authorization for one in hub.seen if one.host == "hub"} == {"Bearer hf_secret"}
    assert {one.authorization for one in hub.seen if one.host == "cdn"} == {None}
    assert "hf_secret" not in json.dumps(ran.events) + ran.stderr
    assert not [path for path in cache.folder.rglob("*") if path.is_file() and b"hf_secret" in path.read_bytes()]


def test_killed_in_the_middle_the_next_run_goes_on_from_there(cache: Cache, hub: Hub) -> None:
    hub.fail("drip", "gpt.pth", value=60_000)
    process = cache.start("pull", "--engine", ENGINE, "--source", hub.url, "--limits", QUICK)
    cache.until_lying("gpt.pth", 20_000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    hub.heal()
    hub.seen.clear()

    assert cache.pull(hub.url).done

    cache.holds()
    assert hub.bytes_sent("gpt.pth") <= len(FILES["gpt.pth"]) - 20_000


def test_a_polite_end_is_told_and_keeps_what_came(cache: Cache, hub: Hub) -> None:
    hub.fail("drip", "gpt.pth", value=60_000)
    process = cache.start("pull", "--engine", ENGINE, "--source", hub.url, "--limits", QUICK)
    cache.until_lying("gpt.pth", 20_000)
    process.terminate()
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1]) == {"event": "stopped"}
    assert err == ""
    assert cache.lying("gpt.pth") >= 20_000


def test_of_two_pulls_the_second_waits_and_finds_everything(cache: Cache, hub: Hub) -> None:
    hub.fail("drip", "gpt.pth", times=1, value=200_000)
    first = cache.start("pull", "--engine", ENGINE, "--source", hub.url, "--limits", QUICK)
    cache.until_lying("gpt.pth", 1)
    second = cache.pull(hub.url)
    out, _ = first.communicate(timeout=30)

    assert first.returncode == 0, out
    assert second.done["fetched_bytes"] == 0
    assert f"pid {first.pid}" in second.notes("busy")[0]["holder"]
    assert hub.bytes_sent("gpt.pth") == len(FILES["gpt.pth"])


def test_whoever_does_not_want_to_wait_is_told_who_writes(cache: Cache, hub: Hub) -> None:
    hub.fail("drip", "gpt.pth", value=60_000)
    first = cache.start("pull", "--engine", ENGINE, "--source", hub.url, "--limits", QUICK)
    cache.until_lying("gpt.pth", 1)
    second = cache.pull(hub.url, "--wait", "0.5")
    first.terminate()
    first.communicate(timeout=60)

    assert second.failed["code"] == "CACHE-BUSY"
    assert second.failed["passing"]


def test_files_without_a_hash_are_held_against_what_the_hub_says(another: MakeCache, hub: Hub) -> None:
    cache = another("loose", unsized=("config.json",), unhashed=("s2mel.pth",))

    assert cache.pull(hub.url).done

    cache.holds()
    trusted = json.loads((cache.folder / "trusted.json").read_text())
    place = str(cache.place("hf_cache/bigvgan/config.json").relative_to(cache.folder))
    assert trusted[place]["bytes"] == len(FILES["hf_cache/bigvgan/config.json"])
    assert len(trusted) == 2


@pytest.mark.parametrize("file", ["config.json", "s2mel.pth"])
def test_wrong_bytes_without_a_hash_in_the_lock_are_noticed_all_the_same(
    another: MakeCache, hub: Hub, file: str
) -> None:
    cache = another("loose", unhashed=("config.json", "s2mel.pth"))
    hub.fail("wrong", file)

    assert cache.pull(hub.url).failed["code"] in ("CACHE-CORRUPT", "CACHE-NOT-A-FILE")
    assert not cache.place("s2mel.pth").exists() or file == "config.json"


def test_what_was_learned_is_trusted_for_ever(another: MakeCache, hub: Hub, weights: Path) -> None:
    cache = another("loose", unhashed=("config.json",))
    cache.pull(hub.url)
    path = cache.place("hf_cache/bigvgan/config.json")
    path.write_bytes(b'{"b": 2}\n')
    os.utime(path, (1, 1))

    assert cache.pull(hub.url).done
    cache.holds()


def test_a_damaged_file_is_replaced_by_the_right_one_only(cache: Cache, hub: Hub) -> None:
    cache.pull(hub.url)
    cache.place("gpt.pth").write_bytes(b"x" * len(FILES["gpt.pth"]))
    os.utime(cache.place("gpt.pth"), (1, 1))
    hub.seen.clear()
    hub.fail("status", value=404)
    assert cache.pull(hub.url).failed["code"] == "CACHE-NOT-FOUND"
    assert cache.place("gpt.pth").exists()
    hub.heal()

    ran = cache.pull(hub.url)

    assert ran.notes("damaged")[0]["file"] == "gpt.pth"
    cache.holds()
    assert hub.bytes_sent() == len(FILES["gpt.pth"])


def test_lost_records_cost_reading_and_no_fetching(cache: Cache, hub: Hub) -> None:
    cache.pull(hub.url)
    (cache.folder / "verified.json").unlink()
    hub.seen.clear()

    assert cache.pull(hub.url).done["fetched_bytes"] == 0
    assert hub.seen == []


def test_bytes_that_the_lock_has_twice_are_fetched_once(another: MakeCache, hub: Hub, weights: Path) -> None:
    (weights / "copy.pth").write_bytes(FILES["gpt.pth"])
    cache = another("twice")

    assert cache.pull(hub.url).done

    assert cache.place("copy.pth").read_bytes() == FILES["gpt.pth"]
    assert hub.bytes_sent(".pth") == len(FILES["gpt.pth"]) + len(FILES["s2mel.pth"])


def test_files_are_as_open_as_the_cache_folder(cache: Cache, hub: Hub) -> None:
    cache.folder.mkdir(mode=0o775)
    cache.folder.chmod(0o2775)

    cache.pull(hub.url)

    assert cache.place("gpt.pth").stat().st_mode & 0o777 == 0o664
    assert cache.place("gpt.pth").parent.stat().st_mode & 0o777 == 0o775


def test_the_hub_speaks_like_the_real_one(hub: Hub, weights: Path) -> None:
    """The fake is held against what the protocol is known to be."""
    import http.client

    from tests.support.hub import OWNER, commit

    line = http.client.HTTPConnection("127.0.0.1", hub.port)
    revision = commit(weights, f"{OWNER}/{ENGINE}")
    line.request("HEAD", f"/{OWNER}/{ENGINE}/resolve/{revision}/gpt.pth")
    large = line.getresponse()
    large.read()
    line.request("GET", f"/{OWNER}/{ENGINE}/resolve/{revision}/config.yaml")
    small = line.getresponse()
    small.read()
    line.request("GET", small.headers["location"])
    body = line.getresponse()
    data = body.read()
    line.close()

    assert (large.status, small.status) == (302, 307)
    assert large.headers["x-linked-etag"] == f'"{sha256(weights / "gpt.pth")}"'
    assert large.headers["x-repo-commit"] == revision
    assert body.headers["etag"] == f'"{git(FILES["config.yaml"])}"'
    assert data == FILES["config.yaml"]
